"""What the lists of roles are made of. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Access:
    """An action on a resource.

    Attributes:
        action: such as `secretsmanager:GetSecretValue`.
        resource: the ARN; `*` for an action without a resource.
        context: the condition keys that the request has, with their values.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True)
class RoleLists:
    """What a role must be able to do, and what it must not.

    Attributes:
        purpose: what the role is for, as a phrase.
        must: what it needs.
        must_not: what would be a fault.
    """

    purpose: str
    must: tuple[Access, ...]
    must_not: tuple[Access, ...]


def each_on(
    resources: Iterable[str], actions: Sequence[str], context: Mapping[str, str] | None = None
) -> Iterator[Access]:
    """Yield every action on every resource."""
    for resource in resources:
        for action in actions:
            yield Access(action=action, resource=resource, context=context or {})
