"""What preflights find, and what they need."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from automation.deployment import Changes
from automation.errors import AutomationError
from automation.sessions import Clients
from components.names import ResourceNames
from components.settings import StackSettings


class PreflightError(AutomationError):
    """AWS would refuse the deployment, or callers the server; the message has what fixes it."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A deployment that is about to start.

    Attributes:
        changes: what its preview would change.
    """

    stack: str
    settings: StackSettings
    names: ResourceNames
    changes: Changes

    def creates(self, resource_type: str) -> bool:
        """Return whether a resource of this type is created."""
        return any(
            step.type == resource_type and step.operation in {"create", "replace"}
            for step in self.changes.steps
        )


Preflight = Callable[[Plan, Clients], Iterator[str]]
"""Yields what the user should know, and raises PreflightError for what can't work."""
