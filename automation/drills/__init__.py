"""Drills on a deployed stack; importing this package registers them all."""

from automation.drills import database, rotation, service, tokens
from automation.drills.registry import DRILLS, Drill

__all__ = ["DRILLS", "Drill", "database", "rotation", "service", "tokens"]
