"""Diff: compares the state of a resource with new inputs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from localcloud.providers.schema import Kind, Properties, Property
from localcloud.providers.values import UNKNOWN, Archive, Asset, Value, Values, is_empty, join_path


class Change(Enum):
    """The kind of change of a property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A property that changes.

    Attributes:
        path: the property's path, as Pulumi writes it.
        change: the kind of change.
        replace: whether the change replaces the resource.
    """

    path: str
    change: Change
    replace: bool

    @property
    def top_level(self) -> str:
        """The top-level property in the path."""
        return self.path.split(".", 1)[0].split("[", 1)[0]


def diff(properties: Properties, olds: Values, news: Values) -> list[Difference]:
    """Compare a resource's state with new inputs.

    Args:
        properties: the declaration.
        olds: the state.
        news: the checked inputs; may contain unknowns.

    Returns:
        The properties that change, in the declaration's order. Empty values count as absent,
        unless the declaration says otherwise, and so do computed values that the program doesn't
        set.
    """
    return list(_objects(properties, olds, news, path="", replace=False))


def same(declared: Property, old: Value, new: Value) -> bool:
    """Return whether two values of a property are equivalent.

    Args:
        declared: the property.
        old: the complete value.
        new: the other value; members that it leaves to the provider count as equal.
    """
    return not list(_values(declared, old, new, path="x", replace=False))


def _objects(
    properties: Properties, olds: Values, news: Values, *, path: str, replace: bool
) -> Iterator[Difference]:
    for name, declared in properties.items():
        if declared.output or declared.unsupported or declared.inert:
            continue
        yield from _values(
            declared,
            olds.get(name),
            news.get(name),
            path=join_path(path, name),
            replace=replace or declared.force_new,
        )


def _values(
    declared: Property, old: Value, new: Value, *, path: str, replace: bool
) -> Iterator[Difference]:
    if is_empty(new):
        left_open = declared.computed and (new is None or not declared.empty_is_set)
        if not left_open and not _is_zero(declared, old) and old != declared.default:
            yield Difference(path=path, change=Change.DELETE, replace=replace)
    elif is_empty(old):
        if new != declared.default and not _is_zero(declared, new):
            yield Difference(path=path, change=Change.ADD, replace=replace)
    elif declared.kind is Kind.OBJECT and isinstance(old, dict) and isinstance(new, dict):
        yield from _objects(declared.properties, old, new, path=path, replace=replace)
    elif declared.kind is Kind.MAP and isinstance(old, dict) and isinstance(new, dict):
        yield from _maps(old, new, path=path, replace=replace)
    elif not _equal(declared, old, new):
        yield Difference(path=path, change=Change.UPDATE, replace=replace)


def _is_zero(declared: Property, value: Value) -> bool:
    """Return whether a value is its type's zero, which the real providers treat as absent."""
    if declared.kind is Kind.OBJECT and isinstance(value, dict):
        return all(
            _is_zero(member, value.get(name)) for name, member in declared.properties.items()
        )
    return is_empty(value) or value is False or value == 0


def _maps(
    old: Mapping[str, Value], new: Mapping[str, Value], *, path: str, replace: bool
) -> Iterator[Difference]:
    for key in sorted(old.keys() | new.keys()):
        member_path = f'{path}["{key}"]' if set(key) & set('."[]') else f"{path}.{key}"
        if key not in new:
            yield Difference(path=member_path, change=Change.DELETE, replace=replace)
        elif key not in old:
            yield Difference(path=member_path, change=Change.ADD, replace=replace)
        elif old[key] != new[key]:
            yield Difference(path=member_path, change=Change.UPDATE, replace=replace)


def _equal(declared: Property, old: Value, new: Value) -> bool:
    if UNKNOWN in (old, new):
        return False
    if isinstance(old, Asset | Archive) and isinstance(new, Asset | Archive):
        # Only the content counts, not its path: a moved checkout is not a change.
        return type(old) is type(new) and (old.hash or old) == (new.hash or new)
    if declared.kind is Kind.JSON:
        return _parsed(old) == _parsed(new)
    if isinstance(old, list) and isinstance(new, list) and declared.items is not None:
        return _lists(declared, declared.items, old, new)
    return old == new


def _lists(declared: Property, items: Property, old: list[Value], new: list[Value]) -> bool:
    if len(old) != len(new):
        return False
    if declared.kind is not Kind.SET:
        return all(same(items, *pair) for pair in zip(old, new, strict=True))
    rest = list(old)
    for item in new:
        match = next((other for other in rest if same(items, other, item)), None)
        if match is None:
            return False
        rest.remove(match)
    return True


def _parsed(value: Value) -> object:
    try:
        parsed: object = json.loads(str(value))
    except ValueError:
        return value
    return parsed
