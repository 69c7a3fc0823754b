"""Conversion of Pulumi values to AWS parameters and back, and checks against botocore's shapes."""

import json
from collections.abc import Iterable, Iterator
from enum import Enum

from botocore.model import ListShape, MapShape, Shape, StructureShape

from localcloud.providers.aws.clients import Document
from localcloud.providers.aws.rules import scalar_rules, size_rules
from localcloud.providers.schema import Failure, Kind, Properties, Property
from localcloud.providers.values import Value, Values, is_known


class Casing(Enum):
    """The spelling of a service's members."""

    PASCAL = "pascal"
    """Most services: userPoolId is UserPoolId."""
    CAMEL = "camel"
    """ECR and CloudWatch Logs, as in Pulumi."""


def aws_name(name: str, declared: Property, casing: Casing) -> str:
    """Return the AWS name of a property, with dots between the members of objects."""
    if declared.aws is not None:
        return declared.aws
    return name if casing is Casing.CAMEL else name[:1].upper() + name[1:]


def to_aws(properties: Properties, values: Values, shape: Shape, casing: Casing) -> Document:
    """Convert Pulumi values to the parameters of an operation.

    Args:
        properties: the declaration.
        values: the values; all known.
        shape: the shape of the operation's input, or of a structure in it; properties that it
            doesn't have are left out.
        casing: the spelling of the service's members.
    """
    document: Document = {}
    for name, declared in properties.items():
        value = values.get(name)
        if value is None or declared.unsupported or declared.output:
            continue
        path = aws_name(name, declared, casing).split(".")
        if (member := resolve(shape, path)) is None:
            continue
        target = document
        for step in path[:-1]:
            target = target.setdefault(step, {})
        target[path[-1]] = _to_aws(declared, value, member, casing)
    return document


def from_aws(properties: Properties, document: Document, casing: Casing) -> Values:
    """Convert a response, or a structure in it, to the values of the declared properties."""
    values: Values = {}
    for name, declared in properties.items():
        if declared.write_only or (declared.unsupported and not declared.output):
            continue
        found: object = document
        for step in (declared.aws_read or aws_name(name, declared, casing)).split("."):
            found = found.get(step) if isinstance(found, dict) else None
        if found is not None:
            values[name] = _from_aws(declared, found, casing)
    return values


def violations(
    properties: Properties, values: Values, shape: Shape, casing: Casing, path: str = ""
) -> Iterator[Failure]:
    """Check the known inputs against the shape that they are sent in.

    botocore itself leaves enums, patterns and lengths to AWS; a preview reports them here.

    Args:
        properties: the declaration.
        values: the inputs; may contain unknowns.
        shape: the shape of the operation's input, or of a structure in it.
        casing: the spelling of the service's members.
        path: the path of the values within the inputs.

    Yields:
        Everything that AWS would reject.
    """
    for name, declared in properties.items():
        value = values.get(name)
        if value is None or declared.unsupported or declared.output or declared.unchecked:
            continue
        member = resolve(shape, aws_name(name, declared, casing).split("."))
        if member is not None:
            yield from _violations(declared, value, member, casing, f"{path}{name}")


def resolve(shape: Shape, path: list[str]) -> Shape | None:
    """Return the shape at the end of a path of member names; None if there is none."""
    found: Shape | None = shape
    for step in path:
        found = found.members.get(step) if isinstance(found, StructureShape) else None
    return found


def _to_aws(declared: Property, value: Value, shape: Shape, casing: Casing) -> object:
    if isinstance(value, dict) and declared.kind is Kind.OBJECT:
        return to_aws(declared.properties, value, shape, casing)
    if isinstance(value, list) and declared.items is not None:
        if not isinstance(shape, ListShape):
            # AWS has one value, the real provider's schema a list of at most one.
            return _to_aws(declared.items, value[0], shape, casing) if value else None
        return [_to_aws(declared.items, item, shape.member, casing) for item in value]
    if isinstance(value, dict):
        return dict(value)
    return value


def _from_aws(declared: Property, found: object, casing: Casing) -> Value:
    if declared.kind is Kind.OBJECT and isinstance(found, dict):
        return from_aws(declared.properties, found, casing)
    if declared.kind in (Kind.LIST, Kind.SET) and declared.items is not None:
        items = found if isinstance(found, list) else [found]
        return [_from_aws(declared.items, item, casing) for item in items]
    if declared.kind is Kind.MAP and isinstance(found, dict):
        return {str(key): str(item) for key, item in found.items()}
    if declared.kind is Kind.JSON and not isinstance(found, str):
        return json.dumps(found, sort_keys=True)
    if isinstance(found, bool | int | float | str):
        return found
    # Times and numbers of uncommon types, which are strings in Pulumi.
    return found.isoformat() if hasattr(found, "isoformat") else str(found)


def _violations(
    declared: Property, value: Value, shape: Shape, casing: Casing, path: str
) -> Iterator[Failure]:
    if isinstance(value, dict) and declared.kind is Kind.OBJECT:
        yield from violations(declared.properties, value, shape, casing, f"{path}.")
        yield from (
            Failure(property=path, reason=f"{path}: AWS requires {required}")
            for required in getattr(shape, "required_members", ())
            if required not in _named(declared.properties, value, casing)
        )
    elif isinstance(value, list) and declared.items is not None and isinstance(shape, ListShape):
        yield from _failures(size_rules(len(value), shape, "items"), path)
        for index, item in enumerate(value):
            yield from _violations(declared.items, item, shape.member, casing, f"{path}[{index}]")
    elif isinstance(value, dict) and isinstance(shape, MapShape):
        yield from _failures(size_rules(len(value), shape, "entries"), path)
        for key, item in value.items():
            yield from _failures(scalar_rules(key, shape.key), f"{path}.{key}")
            yield from _failures(scalar_rules(item, shape.value), f"{path}.{key}")
    elif is_known(value):
        yield from _failures(scalar_rules(value, shape), path)


def _named(properties: Properties, values: Values, casing: Casing) -> set[str]:
    """Return the members that the values set, of which some contain the value's own one."""
    names = (aws_name(name, properties[name], casing) for name in values if name in properties)
    return {name.partition(".")[0] for name in names}


def _failures(rules: Iterable[str], path: str) -> Iterator[Failure]:
    return (Failure(property=path, reason=f"{path} {rule}") for rule in rules)
