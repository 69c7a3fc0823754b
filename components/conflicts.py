"""Values that are valid by themselves but not together, or not in this stack. Pure."""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components import capacity
from components.names import ResourceNames, domain_prefix_problem
from components.settings import RESERVED_TAGS, is_scope_name

if TYPE_CHECKING:
    from components.rotation import Rotation
    from components.settings import Client, Scope

# Where a value is set: configuration keys, and indices into lists.
KeyPath = tuple[str | int, ...]

# Source: "Compute configuration" in the AWS App Runner Developer Guide: CPU units to MB of memory.
APP_RUNNER_SIZES: Mapping[int, tuple[int, ...]] = {
    256: (512, 1024),
    512: (1024,),
    1024: (2048, 3072, 4096),
    2048: (4096, 6144),
    4096: (8192, 10240, 12288),
}

# Source: cognito-idp ScopeType.
_FULL_SCOPE_NAME_LENGTH = 256

# App Runner has been closed to new customers since 2026-04-30, and won't come to other regions.
# Source: "AWS App Runner endpoints and quotas" in the AWS General Reference.
APP_RUNNER_REGIONS = (
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "us-east-1",
    "us-east-2",
    "us-west-2",
)


class Fix(enum.Enum):
    """What resolves a conflict."""

    SET = enum.auto()
    REMOVE = enum.auto()
    RENAME_STACK = enum.auto()
    DEFINE_SCOPE = enum.auto()


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


def conflicts(values: Mapping[str, Any], stack: str) -> Iterator[Conflict]:
    """Find values that can't be combined.

    Args:
        values: the fields of StackSettings that are valid by themselves; the others are left out.
        stack: the stack's name.
    """
    yield from _size_conflicts(values)
    yield from _scope_conflicts(values)
    yield from _domain_conflicts(values, stack)
    yield from _name_conflicts(values, stack)
    yield from _rotation_conflicts(values)
    yield from _capacity_conflicts(values, stack)
    yield from _tag_conflicts(values)


def region_problem(region: str) -> str | None:
    """Return what is wrong with a region; None for one with App Runner."""
    if region in APP_RUNNER_REGIONS:
        return None
    return f"must be a region with App Runner: {', '.join(APP_RUNNER_REGIONS)}"


def _size_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    cpu, memory = values.get("cpu"), values.get("memory")
    if cpu is not None and cpu not in APP_RUNNER_SIZES:
        offered = ", ".join(map(str, APP_RUNNER_SIZES))
        yield Conflict(path=("cpu",), message=f"must be one of {offered} CPU units")
    elif cpu is not None and memory is not None and memory not in APP_RUNNER_SIZES[cpu]:
        offered = ", ".join(map(str, APP_RUNNER_SIZES[cpu]))
        yield Conflict(
            path=("memory",),
            message=f"must be one of {offered} MB with {cpu} CPU units",
            value=str(APP_RUNNER_SIZES[cpu][0]),
        )
    least, most = values.get("min_instances"), values.get("max_instances")
    if least is not None and most is not None and least > most:
        yield Conflict(
            path=("maxInstances",),
            message=f"must be at least minInstances, which is {least}",
            value=str(least),
        )


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


def _name_conflicts(values: Mapping[str, Any], stack: str) -> Iterator[Conflict]:
    if "name_prefix" not in values:
        return
    names = ResourceNames(prefix=values["name_prefix"], stack=stack)
    # Where even the shortest prefix doesn't help, the stack's name is too long.
    stack_alone = any(ResourceNames(prefix="x", stack=stack).problems(()))
    for problem in names.problems(values.get("clients", ())):
        yield Conflict(
            path=("namePrefix",),
            message=f"with the stack's name {stack!r} {problem}",
            fixes=(Fix.RENAME_STACK if stack_alone else Fix.SET,),
        )


def _rotations(values: Mapping[str, Any]) -> Mapping[str, "Rotation"]:
    """Return how each client's secret is rotated; nothing unless all of it is valid."""
    if not {"clients", "rotation_days", "overlap_hours"}.issubset(values):
        return {}
    clients: Mapping[str, Client] = values["clients"]
    return {
        name: client.rotation(days=values["rotation_days"], overlap_hours=values["overlap_hours"])
        for name, client in clients.items()
    }


def _rotation_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    clients: Mapping[str, Client] = values.get("clients", {})
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
    for count, client in enumerate(rotations, start=1):
        if count > served:
            yield Conflict(
                path=("clients", client),
                message=(
                    f"is one too many: this stack's rotation function serves {served} clients with"
                    " names of this length"
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
