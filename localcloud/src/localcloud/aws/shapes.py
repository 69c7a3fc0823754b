"""Compares a request's parameters with a shape of botocore's model. Pure."""

import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.model

_JAVA_ONLY = {
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
    r"\p{Print}": r"[\x20-\x7E]",
}
_CATEGORY = re.compile(r"\\p\{(\w+)\}")
_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "boolean": bool,
    "timestamp": (int, float),
    "blob": str,
}


def type_problems(shape: botocore.model.Shape, value: object, path: str = "") -> Iterator[str]:
    """Find values with the wrong JSON type, and members that the shape doesn't declare."""
    expected = _PYTHON_TYPES[shape.type_name]
    is_bool_for_number = isinstance(value, bool) and shape.type_name != "boolean"
    if not isinstance(value, expected) or is_bool_for_number:
        yield f"{path or 'the request'} must be of type {shape.type_name}"
    elif isinstance(shape, botocore.model.StructureShape) and isinstance(value, dict):
        for name, member in value.items():
            if name not in shape.members:
                yield f"{_join(path, name)} is unknown"
            elif member is not None:
                yield from type_problems(shape.members[name], member, _join(path, name))
    elif isinstance(shape, botocore.model.MapShape) and isinstance(value, dict):
        for name, member in value.items():
            yield from type_problems(shape.value, member, _join(path, name))
    elif isinstance(shape, botocore.model.ListShape) and isinstance(value, list):
        for index, member in enumerate(value, start=1):
            yield from type_problems(shape.member, member, f"{path}.{index}.member")


def constraint_problems(
    shape: botocore.model.Shape,
    value: Any,  # noqa: ANN401 - JSON of any shape
    path: str = "",
) -> Iterator[str]:
    """Find values that violate the shape's constraints, in AWS's words."""
    if isinstance(shape, botocore.model.StructureShape):
        yield from _member_problems(shape, value, path)
    elif isinstance(shape, botocore.model.MapShape):
        for name, member in value.items():
            yield from constraint_problems(shape.key, name, path)
            yield from constraint_problems(shape.value, member, _join(path, name))
    elif isinstance(shape, botocore.model.ListShape):
        for index, member in enumerate(value, start=1):
            yield from constraint_problems(shape.member, member, f"{path}.{index}.member")
    elif isinstance(shape, botocore.model.StringShape):
        yield from _string_problems(shape, value, path)
    elif shape.type_name in {"integer", "long"}:
        yield from _range_problems(shape, value, path)


def _member_problems(
    shape: botocore.model.StructureShape, value: Mapping[str, Any], path: str
) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _violation(_join(path, name), None, "Member must not be null")
    for name, member in value.items():
        if member is not None:
            yield from constraint_problems(shape.members[name], member, _join(path, name))


def _string_problems(shape: botocore.model.StringShape, value: str, path: str) -> Iterator[str]:
    metadata = shape.metadata
    shown = None if metadata.get("sensitive") else value
    if shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum)
        yield _violation(path, shown, f"Member must satisfy enum value set: [{allowed}]")
    if len(value) < metadata.get("min", 0):
        least = metadata["min"]
        yield _violation(path, shown, f"Member must have length greater than or equal to {least}")
    if "max" in metadata and len(value) > metadata["max"]:
        most = metadata["max"]
        yield _violation(path, shown, f"Member must have length less than or equal to {most}")
    pattern = metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield _violation(path, shown, f"Member must satisfy regular expression pattern: {pattern}")


def _matches(pattern: str, value: str) -> bool:
    r"""Match a model's pattern, which is one of Java's.

    Only Java has categories, `\p{L}`, and characters as pairs of surrogates.
    """

    def characters(found: re.Match[str]) -> str:
        # Those of the value are enough; one that it doesn't have keeps a set from being empty.
        absent = next(code for code in range(sys.maxunicode, 0, -1) if chr(code) not in value)
        inside = [each for each in value if unicodedata.category(each).startswith(found[1])]
        return "".join(re.escape(each) for each in [*inside, chr(absent)])

    for java, python in _JAVA_ONLY.items():
        pattern = pattern.replace(java, python)
    return re.fullmatch(_CATEGORY.sub(characters, pattern), value, re.ASCII) is not None


def _range_problems(shape: botocore.model.Shape, value: int, path: str) -> Iterator[str]:
    metadata = shape.metadata
    if "min" in metadata and value < metadata["min"]:
        least = metadata["min"]
        yield _violation(
            path, str(value), f"Member must have value greater than or equal to {least}"
        )
    if "max" in metadata and value > metadata["max"]:
        most = metadata["max"]
        yield _violation(path, str(value), f"Member must have value less than or equal to {most}")


def _violation(path: str, value: str | None, constraint: str) -> str:
    shown = "Value" if value is None else f"Value '{value}'"
    return f"{shown} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member
