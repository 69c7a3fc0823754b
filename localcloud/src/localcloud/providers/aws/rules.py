"""Checks of values against botocore's shapes; messages never contain the values."""

import re
from collections.abc import Iterator, Mapping

from botocore.model import ListShape, MapShape, Shape, StructureShape

from localcloud.providers.values import join_path

_NUMBERS = ("integer", "long", "float", "double")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "blob": (bytes, bytearray, str),
    "list": (list, tuple),
    "map": (dict,),
    "structure": (dict,),
    **dict.fromkeys(_NUMBERS, (int, float)),
}


def scalar_rules(value: object, shape: Shape) -> Iterator[str]:
    """Yield the rules of a shape that a scalar breaks, worded to follow its name.

    Args:
        value: a string, number or boolean; anything else breaks no rule here.
        shape: the value's shape.
    """
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        if shape.type_name in _NUMBERS:
            yield from size_rules(value, shape, "")
    elif isinstance(value, str) and shape.type_name == "string":
        if allowed := getattr(shape, "enum", None):
            if value not in allowed:
                yield f"must be one of {', '.join(allowed)}"
            return
        yield from size_rules(len(value), shape, "characters")
        pattern = shape.metadata.get("pattern")
        if pattern and not _matches(pattern, value):
            yield f"must match {pattern}"


def size_rules(size: float, shape: Shape, unit: str) -> Iterator[str]:
    """Yield the limits of a shape that a size exceeds, worded to follow the value's name.

    Args:
        size: a length, or a number itself.
        shape: the shape.
        unit: the unit of a length; empty for a number.
    """
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"must be at least {least} {unit}".rstrip()
    if most is not None and size > most:
        yield f"must be at most {most} {unit}".rstrip()


def parameter_errors(value: object, shape: Shape, path: str = "") -> Iterator[str]:
    """Yield the name of each parameter that doesn't match its shape, with the rule it breaks.

    Args:
        value: the parameters, or a part of them.
        shape: the shape of the same.
        path: the path of the part.
    """
    expected = _TYPES.get(shape.type_name)
    if expected is not None and not isinstance(value, expected):
        yield f"{path or 'the input'} must be of the type {shape.type_name}"
    elif isinstance(value, dict) and isinstance(shape, StructureShape):
        yield from _member_errors(value, shape, path)
    elif isinstance(value, dict) and isinstance(shape, MapShape):
        yield from _named(path, size_rules(len(value), shape, "entries"))
        for key, item in value.items():
            yield from parameter_errors(item, shape.value, f"{path}.{key}")
    elif isinstance(value, list | tuple) and isinstance(shape, ListShape):
        yield from _named(path, size_rules(len(value), shape, "items"))
        for index, item in enumerate(value):
            yield from parameter_errors(item, shape.member, f"{path}[{index}]")
    else:
        yield from _named(path, scalar_rules(value, shape))


def _member_errors(
    members: Mapping[str, object], shape: StructureShape, path: str
) -> Iterator[str]:
    for name in shape.required_members:
        if name not in members:
            yield f"{join_path(path, name)} is required"
    for name, member in members.items():
        if name in shape.members:
            yield from parameter_errors(member, shape.members[name], join_path(path, name))
        else:
            yield f"there is no parameter {join_path(path, name)}"


def _named(path: str, rules: Iterator[str]) -> Iterator[str]:
    return (f"{path} {rule}" for rule in rules)


def _matches(pattern: str, value: str) -> bool:
    """Match like AWS; a pattern in Java's dialect that Python can't compile matches everything."""
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:
        return True
