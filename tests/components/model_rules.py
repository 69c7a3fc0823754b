"""The rules of every configuration key, read from the model."""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, BaseModel, BeforeValidator

from components import rules
from components.hosting.definitions import DEFINITIONS
from components.rules import OneOf, Pattern
from components.settings import CommonSettings, Hosting

# A legal configuration in which every object is set.
BASE: dict[str, Any] = {
    "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
    "clients": {"agent": {"scopes": ["reader"]}},
    "scopes": {"reader": {"description": "Read the graph", "role": "reader"}},
    "maxInstances": 25,
    "rotationDays": 1000,
    "overlapHours": 0,
    "tags": {"Team": "graph"},
    "resourceServerIdentifier": "x",
    "namePrefix": "p",
    "customDomain": {
        "name": "auth.example.com",
        "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0-1",
    },
    "edge": True,
    "edgeDomain": {
        "name": "mcp.example.com",
        "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0-1",
    },
    "monitoring": {
        "subscriptions": {"oncall": {"protocol": "email", "endpoint": "oncall@example.com"}}
    },
    "nextHost": {"hosting": "lambda"},
    "vpcConnector": {"subnetIds": ["subnet-01234567"], "securityGroupIds": ["sg-01234567"]},
}


# The same on Fargate.
FARGATE_BASE: dict[str, Any] = {
    **{key: BASE[key] for key in ("neo4jUri", "clients", "scopes")},
    "hosting": "fargate",
    "serviceDomain": {
        "name": "mcp.example.com",
        "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/0-1",
    },
    "network": {"vpcId": "vpc-01234567", "subnetIds": ["subnet-0000000a", "subnet-0000000b"]},
}


@dataclass(frozen=True, kw_only=True)
class Key:
    """A configuration key, or a part of one.

    Attributes:
        path: such as ``minInstances``, ``clients.*.scopes``, ``clients.*.scopes[]`` for the
            entries of a list, and ``clients{}`` for an object's own keys.
        metadata: what the model attaches to its type.
        choices: its legal values, if they are enumerated.
    """

    path: str
    metadata: tuple[object, ...]
    choices: tuple[str, ...] | None
    is_boolean: bool

    def one(self, kind: type[Any]) -> Any:  # noqa: ANN401  a rule of that type
        """Return the rule of a type; None without one."""
        found = [each for each in self.metadata if isinstance(each, kind)]
        functions = [each.func for each in self.metadata if isinstance(each, AfterValidator)]
        found += [each for each in functions if isinstance(each, kind)]
        return found[0] if found else None


def configuration_keys(hosting: Hosting = Hosting.APP_RUNNER) -> tuple[Key, ...]:
    """Return the keys of every stack, and those of a host."""
    host = DEFINITIONS[hosting].settings
    return (*_in_model(CommonSettings, ""), *_in_model(host, ""))


def numeric_limits(hosting: Hosting = Hosting.APP_RUNNER) -> dict[str, tuple[int, int]]:
    return {
        key.path: (key.one(Ge).ge, key.one(Le).le)
        for key in configuration_keys(hosting)
        if key.one(Ge) or key.one(Le)
    }


def entry_limits(hosting: Hosting = Hosting.APP_RUNNER) -> dict[str, tuple[int | None, int | None]]:
    return {
        key.path: (
            key.one(MinLen).min_length if key.one(MinLen) else None,
            key.one(MaxLen).max_length if key.one(MaxLen) else None,
        )
        for key in configuration_keys(hosting)
        if key.one(MinLen) or key.one(MaxLen)
    }


def patterns(hosting: Hosting = Hosting.APP_RUNNER) -> dict[str, Pattern]:
    return {key.path: key.one(Pattern) for key in configuration_keys(hosting) if key.one(Pattern)}


def choices(hosting: Hosting = Hosting.APP_RUNNER) -> dict[str, tuple[str, ...]]:
    offered: dict[str, tuple[str, ...]] = {}
    for key in configuration_keys(hosting):
        if key.choices:
            offered[key.path] = key.choices
        elif one_of := key.one(OneOf):
            offered[key.path] = tuple(map(str, one_of.values))
    return offered


def booleans(hosting: Hosting = Hosting.APP_RUNNER) -> list[str]:
    return [key.path for key in configuration_keys(hosting) if key.is_boolean]


def _in_model(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        yield from _in_type(field.annotation, field.metadata, f"{prefix}{field.alias or name}")


def _in_type(
    annotation: Any,  # noqa: ANN401  any type
    metadata: Sequence[object],
    path: str,
) -> Iterator[Key]:
    if hasattr(annotation, "__metadata__"):
        inner = get_args(annotation)[0]
        yield from _in_type(inner, [*annotation.__metadata__, *metadata], path)
        return
    arguments = get_args(annotation)
    if type(None) in arguments:
        (inner,) = (each for each in arguments if each is not type(None))
        yield from _in_type(inner, metadata, path)
        return
    yield Key(
        path=path,
        metadata=tuple(metadata),
        choices=_choices(annotation),
        is_boolean=any(
            isinstance(each, BeforeValidator) and each.func is rules.boolean for each in metadata
        ),
    )
    if get_origin(annotation) is dict:
        yield from _in_type(arguments[0], (), f"{path}{{}}")
        yield from _in_type(arguments[1], (), f"{path}.*")
    elif get_origin(annotation) is tuple:
        yield from _in_type(arguments[0], (), f"{path}[]")
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _in_model(annotation, f"{path}.")


def _choices(annotation: object) -> tuple[str, ...] | None:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return tuple(each.value for each in annotation)
    return None
