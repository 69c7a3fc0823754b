"""The error of making an SBOM."""

from automation.errors import AutomationError


class SbomError(AutomationError):
    """An SBOM can't be made; the message says why and what fixes it."""
