"""Values that are legal by themselves but not together. Pure."""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.names import ResourceNames, domain_prefix_problem

if TYPE_CHECKING:
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

# Source: cognito-idp ScopeType: the length of a scope's full name.
_FULL_SCOPE_NAME_LENGTH = 256


class Mend(enum.Enum):
    """What mends a conflict."""

    SET = enum.auto()
    REMOVE = enum.auto()
    RENAME_STACK = enum.auto()


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Values that are legal by themselves but not together.

    Attributes:
        path: where the one that should give way is set, as a path of configuration keys.
        says: what is wrong with it.
        mend: what mends it.
        value: what it could be instead, where that is known.
    """

    path: KeyPath
    says: str
    mend: Mend = Mend.SET
    value: str | None = None


def conflicts(values: Mapping[str, Any], stack: str) -> Iterator[Conflict]:
    """Find values that don't go together.

    Args:
        values: the fields of StackSettings that are legal by themselves; the others are left out.
        stack: the stack's name.

    Yields:
        All conflicts.
    """
    yield from _size_conflicts(values)
    yield from _scope_conflicts(values)
    yield from _domain_conflicts(values, stack)
    yield from _name_conflicts(values, stack)


def _size_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    cpu, memory = values.get("cpu"), values.get("memory")
    if cpu is not None and cpu not in APP_RUNNER_SIZES:
        offered = ", ".join(map(str, APP_RUNNER_SIZES))
        yield Conflict(path=("cpu",), says=f"must be one of {offered} CPU units")
    elif cpu is not None and memory is not None and memory not in APP_RUNNER_SIZES[cpu]:
        offered = ", ".join(map(str, APP_RUNNER_SIZES[cpu]))
        yield Conflict(
            path=("memory",),
            says=f"must be one of {offered} MB beside {cpu} CPU units",
            value=str(APP_RUNNER_SIZES[cpu][0]),
        )
    least, most = values.get("min_instances"), values.get("max_instances")
    if least is not None and most is not None and least > most:
        yield Conflict(
            path=("maxInstances",),
            says=f"must be at least minInstances, which is {least}",
            value=str(least),
        )


def _scope_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    scopes: Mapping[str, Scope] | None = values.get("scopes")
    if scopes is None:
        return
    identifier = values.get("resource_server_identifier", "")
    for scope in scopes:
        excess = len(f"{identifier}/{scope}") - _FULL_SCOPE_NAME_LENGTH
        if excess > 0:
            yield Conflict(
                path=("resourceServerIdentifier",),
                says=f"makes the full name of scope {scope} {excess} characters too long",
            )
    clients: Mapping[str, Client] = values.get("clients", {})
    for name, client in clients.items():
        for index, scope in enumerate(client.scopes):
            if scope not in scopes:
                yield Conflict(
                    path=("clients", name, "scopes", index),
                    says=f"must be a scope of the stack: {', '.join(sorted(scopes))}",
                    value=min(scopes),
                )


def _domain_conflicts(values: Mapping[str, Any], stack: str) -> Iterator[Conflict]:
    prefix, custom = values.get("cognito_domain_prefix"), values.get("custom_domain")
    key: KeyPath = ("cognitoDomainPrefix",)
    if prefix:
        problem = domain_prefix_problem(prefix)
        if problem:
            yield Conflict(path=key, says=problem)
        if custom:
            yield Conflict(
                path=key,
                says="must not stand beside customDomain: a user pool has one domain",
                mend=Mend.REMOVE,
            )
    elif {"name_prefix", "cognito_domain_prefix", "custom_domain"} <= set(values) and not custom:
        names = ResourceNames(prefix=values["name_prefix"], stack=stack)
        problem = names.default_domain_problem()
        if problem:
            says = f"is not set, and namePrefix with the stack's name {stack!r} {problem}"
            yield Conflict(path=key, says=says)


def _name_conflicts(values: Mapping[str, Any], stack: str) -> Iterator[Conflict]:
    if "name_prefix" not in values:
        return
    names = ResourceNames(prefix=values["name_prefix"], stack=stack)
    # Where the shortest prefix would not do either, the stack's name is what is in the way.
    stack_alone = any(ResourceNames(prefix="x", stack=stack).problems(()))
    for problem in names.problems(values.get("clients", ())):
        yield Conflict(
            path=("namePrefix",),
            says=f"with the stack's name {stack!r} {problem}",
            mend=Mend.RENAME_STACK if stack_alone else Mend.SET,
        )
