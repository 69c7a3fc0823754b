"""Named exercises on a deployed stack, each with a verdict; importing it registers every drill."""

from automation.drills import database, service, tokens
from automation.drills.registry import DRILLS, Drill

__all__ = ["DRILLS", "Drill", "database", "service", "tokens"]
