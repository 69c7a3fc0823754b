"""Values that are valid by themselves but not together, or not in this stack. Pure."""

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from components import capacity
from components.log_key import EDGE_LOG_REGION, serves_edge
from components.names import NameRule, ResourceNames, domain_prefix_problem, name_problems
from components.settings import (
    CANARY,
    NEXT_HOST,
    RESERVED_TAGS,
    canary_scope,
    is_scope_name,
    with_canary,
)

if TYPE_CHECKING:
    from components.rotation import Rotation
    from components.settings import Client, Hosting, Monitoring, Scope


class NamedHost(Protocol):
    """What is needed of a host's definition to find what rules it out."""

    @property
    def hosting(self) -> "Hosting":
        """Its value of the configuration key hosting."""
        ...

    @property
    def missing(self) -> Mapping[Any, str]:
        """What it can't have, each with the reason."""
        ...

    @property
    def names(self) -> Callable[[ResourceNames], Iterable[tuple[NameRule, str]]]:
        """Returns the names of its resources, each with its rule."""
        ...


# Where a value is set: configuration keys, and indices into lists.
KeyPath = tuple[str | int, ...]

# components.hosting.definition.Feature.ACCESS_LOG, which can't be imported here.
_ACCESS_LOG = "access log"
# Source: cognito-idp ScopeType.
_FULL_SCOPE_NAME_LENGTH = 256


class Fix(enum.Enum):
    """What resolves a conflict."""

    SET = enum.auto()
    REMOVE = enum.auto()
    RENAME_STACK = enum.auto()
    DEFINE_SCOPE = enum.auto()
    ENABLE_EDGE = enum.auto()
    REMOVE_NEXT_HOST = enum.auto()


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A value that another one, or the stack, rules out.

    Attributes:
        path: the key to change.
        message: what is wrong with its value.
        fixes: alternatives, each of which resolves the conflict.
        value: a value that fits, if known.
        scope: the scope to define, for `Fix.DEFINE_SCOPE`.
    """

    path: KeyPath
    message: str
    fixes: tuple[Fix, ...] = (Fix.SET,)
    value: str | None = None
    scope: str = ""


def conflicts(
    values: Mapping[str, Any], stack: str, hosts: Sequence[NamedHost] = ()
) -> Iterator[Conflict]:
    """Find values that can't be combined.

    Args:
        values: the fields of CommonSettings that are valid by themselves; the others are left out.
        stack: the stack's name.
        hosts: the stack's host and, while the stack moves, the next one.
    """
    yield from _host_conflicts(hosts)
    yield from _scope_conflicts(values)
    yield from _canary_conflicts(values)
    yield from _domain_conflicts(values, stack)
    yield from _edge_conflicts(values)
    yield from _log_conflicts(values, hosts)
    yield from _name_conflicts(values, stack, hosts)
    yield from _rotation_conflicts(values)
    yield from _capacity_conflicts(values, stack)
    yield from _tag_conflicts(values)


def _scope_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    scopes: Mapping[str, Scope] | None = values.get("scopes")
    if scopes is None:
        return
    identifier = values.get("resource_server_identifier", "")
    by_folded: dict[str, str] = {}
    for scope in scopes:
        other = by_folded.setdefault(scope.casefold(), scope)
        if other != scope:
            yield Conflict(
                path=("scopes", scope),
                message=f"differs from the scope {other} only in case, which a mapping may ignore",
                fixes=(Fix.REMOVE,),
            )
        length = len(f"{identifier}/{scope}")
        if length > _FULL_SCOPE_NAME_LENGTH:
            yield Conflict(
                path=("resourceServerIdentifier",),
                message=(
                    f"makes the full name of scope {scope} {length} characters long; "
                    f"Cognito accepts at most {_FULL_SCOPE_NAME_LENGTH}"
                ),
            )
    clients: Mapping[str, Client] = values.get("clients", {})
    for name, client in clients.items():
        for index, scope in enumerate(client.scopes):
            if scope not in scopes:
                definable = is_scope_name(scope)
                yield Conflict(
                    path=("clients", name, "scopes", index),
                    message=f"must be a scope of the stack: {', '.join(sorted(scopes))}",
                    fixes=(Fix.SET, Fix.DEFINE_SCOPE) if definable else (Fix.SET,),
                    value=min(scopes),
                    scope=scope,
                )


def _canary_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    monitoring: Monitoring | None = values.get("monitoring")
    if monitoring is None or not monitoring.enabled:
        return
    if CANARY in values.get("clients", {}):
        yield Conflict(
            path=("clients", CANARY),
            message="must have another name: with monitoring, the program adds this client itself",
            fixes=(Fix.REMOVE,),
        )
    scopes: Mapping[str, Scope] | None = values.get("scopes")
    if scopes is None:
        return
    scope, key = canary_scope(monitoring, scopes), ("monitoring", "canaryScope")
    if scope is None:
        yield Conflict(
            path=key,
            message=(
                "is missing: no scope has the role reader, and the canary reads with the least"
                " rights; choose a scope that can read"
            ),
            value="<scope>",
        )
    elif scope not in scopes:
        yield Conflict(
            path=key,
            message=f"must be a scope of the stack: {', '.join(sorted(scopes))}",
            value=min(scopes),
        )


def _all_clients(values: Mapping[str, Any]) -> Mapping[str, "Client"]:
    """Return the clients that the stack will have, as far as the values are valid."""
    clients: Mapping[str, Client] = values.get("clients", {})
    monitoring, scopes = values.get("monitoring"), values.get("scopes")
    if monitoring is None or scopes is None:
        return clients
    return with_canary(clients, monitoring, scopes)


def _domain_conflicts(values: Mapping[str, Any], stack: str) -> Iterator[Conflict]:
    prefix, custom = values.get("cognito_domain_prefix"), values.get("custom_domain")
    key: KeyPath = ("cognitoDomainPrefix",)
    if prefix:
        problem = domain_prefix_problem(prefix)
        if problem:
            yield Conflict(path=key, message=problem)
        if custom:
            yield Conflict(
                path=key,
                message="can't be combined with customDomain, which takes its place",
                fixes=(Fix.REMOVE,),
            )
    elif not custom and {"name_prefix", "cognito_domain_prefix", "custom_domain"}.issubset(values):
        names = ResourceNames(prefix=values["name_prefix"], stack=stack)
        problem = names.default_domain_problem()
        if problem:
            message = f"is not set, and namePrefix with the stack's name {stack!r} {problem}"
            yield Conflict(path=key, message=message)


def _edge_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    if values.get("edge", True):
        return
    for field, key in (
        ("edge_domain", "edgeDomain"),
        ("edge_requests_per_ip", "edgeRequestsPerIp"),
    ):
        if values.get(field):
            yield Conflict(
                path=(key,),
                message="needs the edge, and edge is false",
                fixes=(Fix.REMOVE, Fix.ENABLE_EDGE),
            )


def _log_conflicts(values: Mapping[str, Any], hosts: Sequence[NamedHost]) -> Iterator[Conflict]:
    if not values.get("access_logs") or "edge" not in values:
        return
    reasons = [each.missing[_ACCESS_LOG] for each in hosts if _ACCESS_LOG in each.missing]
    if not values["edge"] and hosts and len(reasons) == len(hosts):
        yield Conflict(
            path=("accessLogs",),
            message=f"needs the edge, and edge is false; {' and '.join(reasons)}",
            fixes=(Fix.REMOVE, Fix.ENABLE_EDGE),
        )
    key: str | None = values.get("log_key_arn")
    if values["edge"] and key is not None and not serves_edge(key):
        yield Conflict(
            path=("logKeyArn",),
            message=(
                f"must be a multi-Region key with a replica in {EDGE_LOG_REGION}, or a key there:"
                " CloudFront delivers the edge's access log in that region"
            ),
            value="arn:aws:kms:<region>:<account>:key/mrk-<id>",
        )


def _host_conflicts(hosts: Sequence[NamedHost]) -> Iterator[Conflict]:
    # Both hosts are up at the same time, and a host's names exist once.
    if len({each.hosting for each in hosts}) < len(hosts):
        yield Conflict(
            path=(NEXT_HOST, "hosting"),
            message=f"must differ from hosting, which is {hosts[0].hosting}",
            fixes=(Fix.SET, Fix.REMOVE_NEXT_HOST),
            value="<another host>",
        )


def _name_conflicts(
    values: Mapping[str, Any], stack: str, hosts: Sequence[NamedHost]
) -> Iterator[Conflict]:
    if "name_prefix" not in values:
        return
    names = ResourceNames(prefix=values["name_prefix"], stack=stack)
    # Where even the shortest prefix doesn't help, the stack's name is too long.
    shortest = ResourceNames(prefix="x", stack=stack)
    host_names = [name for each in hosts for name in each.names(shortest)]
    stack_alone = any(name_problems((*shortest.checked(()), *host_names)))
    host_names = [name for each in hosts for name in each.names(names)]
    checked = (*names.checked(_all_clients(values)), *host_names)
    for problem in name_problems(checked):
        yield Conflict(
            path=("namePrefix",),
            message=f"with the stack's name {stack!r} {problem}",
            fixes=(Fix.RENAME_STACK if stack_alone else Fix.SET,),
        )


def _rotations(values: Mapping[str, Any]) -> Mapping[str, "Rotation"]:
    """Return how each client's secret is rotated; nothing unless all of it is valid."""
    if not {"clients", "rotation_days", "overlap_hours"}.issubset(values):
        return {}
    return {
        name: client.rotation(days=values["rotation_days"], overlap_hours=values["overlap_hours"])
        for name, client in _all_clients(values).items()
    }


def _rotation_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    clients = _all_clients(values)
    too_long: dict[KeyPath, tuple[Rotation, list[str]]] = {}
    for name, rotation in _rotations(values).items():
        if rotation.longest_overlap is None or rotation.overlap_hours <= rotation.longest_overlap:
            continue
        client = clients[name]
        inherits = client.rotation_days is None and client.overlap_hours is None
        path: KeyPath = ("overlapHours",) if inherits else ("clients", name, "overlapHours")
        too_long.setdefault(path, (rotation, []))[1].append(name)
    for path, (rotation, names) in too_long.items():
        yield Conflict(
            path=path,
            message=(
                f"must be at most {rotation.longest_overlap} with a rotation every {rotation.days}"
                f" days ({', '.join(names)}): the replaced secret has to be deleted before the next"
                " rotation, because Cognito keeps two"
            ),
            value=str(rotation.longest_overlap),
        )


def _capacity_conflicts(values: Mapping[str, Any], stack: str) -> Iterator[Conflict]:
    if "name_prefix" not in values:
        return
    names = ResourceNames(prefix=values["name_prefix"], stack=stack)
    rotations = _rotations(values)
    served = capacity.served(names, rotations)
    for client in list(rotations)[served:]:
        yield Conflict(
            path=("clients", client),
            message=(
                f"is one too many: the input of the rotation function's schedule has"
                f" {capacity.input_length(names, rotations)} characters, and EventBridge accepts at"
                f" most {capacity.LONGEST_INPUT}, enough for {served} clients with such names"
            ),
            fixes=(Fix.REMOVE,),
        )


def _tag_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    # IAM treats keys that differ only in case as the same key, so creating a role would fail.
    reserved = {tag.casefold(): tag for tag in RESERVED_TAGS}
    by_folded: dict[str, str] = {}
    for tag in values.get("tags", ()):
        folded = tag.casefold()
        other = by_folded.setdefault(folded, tag)
        if folded.startswith("aws:"):
            message = "must have another key: AWS reserves the prefix aws:"
        elif folded in reserved:
            message = f"must have another key: the program sets {reserved[folded]} itself"
        elif other != tag:
            message = f"differs from the tag {other} only in case, which IAM ignores"
        else:
            continue
        yield Conflict(path=("tags", tag), message=message, fixes=(Fix.REMOVE,))
