"""What must be true of a deployed stack, phase by phase; importing it registers every check."""

from automation.checks import identity, protocol, refusals, repository, rights, service, sign_on
from automation.checks.registry import CHECKS, Check

__all__ = [
    "CHECKS",
    "Check",
    "identity",
    "protocol",
    "refusals",
    "repository",
    "rights",
    "service",
    "sign_on",
]
