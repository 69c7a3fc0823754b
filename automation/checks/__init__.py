"""What must be true of a deployed stack, phase by phase; importing it registers every check."""

from automation.checks import (
    conformance,
    identity,
    protocol,
    refusals,
    repository,
    rights,
    service,
    sign_on,
)
from automation.checks.registry import CHECKS, Check

__all__ = [
    "CHECKS",
    "Check",
    "conformance",
    "identity",
    "protocol",
    "refusals",
    "repository",
    "rights",
    "service",
    "sign_on",
]
