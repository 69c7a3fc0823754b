"""Check: validates inputs against a declaration and fills in defaults, reporting all problems."""

import json
from collections.abc import Callable, Iterator

from localcloud.providers.schema import Failure, Kind, Properties, Property
from localcloud.providers.values import (
    UNKNOWN,
    Archive,
    Asset,
    Value,
    Values,
    is_empty,
    is_known,
    join_path,
)

# The engine adds these to the declared ones.
_RESERVED = frozenset({"__defaults", "__internal", "version", "pluginDownloadURL"})

_SCALARS: dict[Kind, Callable[[Value], bool]] = {
    Kind.STRING: lambda value: isinstance(value, str),
    Kind.JSON: lambda value: isinstance(value, str),
    Kind.INTEGER: lambda value: isinstance(value, int) and not isinstance(value, bool),
    Kind.NUMBER: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    Kind.BOOLEAN: lambda value: isinstance(value, bool),
    Kind.ASSET: lambda value: isinstance(value, Asset | Archive),
}


def check(properties: Properties, inputs: Values) -> tuple[Values, list[Failure]]:
    """Validate inputs against a declaration.

    Args:
        properties: the declaration.
        inputs: the program's inputs; may contain unknowns.

    Returns:
        The inputs with the declared defaults, and all problems with them.
    """
    failures: list[Failure] = []
    return _object(properties, inputs, "", failures), failures


def _object(properties: Properties, values: Values, path: str, failures: list[Failure]) -> Values:
    checked: Values = {}
    for name, value in values.items():
        if value is None or (name in _RESERVED and not path):
            continue
        member_path = join_path(path, name)
        declared = properties.get(name)
        if reason := _refusal(declared, value, member_path):
            failures.append(Failure(property=member_path, reason=reason))
        elif declared is not None and not declared.unsupported:
            checked[name] = _value(declared, value, member_path, failures)
    for name, declared in properties.items():
        if name not in checked and declared.default is not None:
            checked[name] = declared.default
        elif name not in checked and declared.required:
            member_path = join_path(path, name)
            failures.append(Failure(property=member_path, reason=f"{member_path} is required"))
    return checked


def _refusal(declared: Property | None, value: Value, path: str) -> str | None:
    if declared is None or (declared.output and not declared.unsupported):
        return f"there is no input named {path}"
    if declared.unsupported and not is_empty(value):
        return f"Unsupported: the stand-in doesn't support {path}"
    return None


def _value(declared: Property, value: Value, path: str, failures: list[Failure]) -> Value:
    if value is UNKNOWN:
        return value
    if declared.kind is Kind.OBJECT and isinstance(value, dict):
        return _object(declared.properties, value, path, failures)
    if declared.items is not None and declared.kind is Kind.MAP and isinstance(value, dict):
        return {
            key: _value(declared.items, item, f"{path}.{key}", failures)
            for key, item in value.items()
        }
    if declared.items is not None and declared.kind is not Kind.MAP and isinstance(value, list):
        return [
            _value(declared.items, item, f"{path}[{index}]", failures)
            for index, item in enumerate(value)
        ]
    value = _coerced(declared.kind, value)
    if not _SCALARS.get(declared.kind, _never)(value):
        failures.append(
            Failure(property=path, reason=f"{path} must be of the type {declared.kind.value}")
        )
    elif declared.kind is Kind.JSON:
        failures.extend(_json(value, path))
    return value


def _coerced(kind: Kind, value: Value) -> Value:
    """Convert a value without loss to the declared type, as Pulumi's bridged providers do."""
    match kind, value:
        case (Kind.STRING, bool()) | (Kind.JSON, dict()) if is_known(value):
            return json.dumps(value)
        case Kind.STRING, int() | float():
            return str(value)
        case Kind.BOOLEAN, "true" | "false":
            return value == "true"
        case Kind.INTEGER, str() if value.removeprefix("-").isdecimal():
            return int(value)
        case _:
            return value


def _json(value: Value, path: str) -> Iterator[Failure]:
    try:
        json.loads(str(value))
    except ValueError as error:
        yield Failure(property=path, reason=f"{path} is not a JSON document: {error}")


def _never(_: Value) -> bool:
    return False
