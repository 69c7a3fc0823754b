"""Reads the stack's configuration, and reports all its problems at once.

Pulumi.yaml declares no types and requires no key, because the engine's own check would stop at the
first problem and suggest no command that fixes it.
"""

import difflib
import functools
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, get_type_hints

import pulumi
from pulumi.runtime.config import CONFIG
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from components.conflicts import Conflict, Fix, conflicts, region_problem
from components.problems import (
    Problem,
    command_to_define_scope,
    command_to_remove,
    command_to_replace,
    command_to_set,
    problem_at,
)
from components.settings import StackSettings

# Replaces pydantic's messages that speak of Python types; the others fit as they are.
_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "is missing",
        "extra_forbidden": "is not a configuration key",
        "too_short": "must have at least {min_length} entry",
        "too_long": "must have at most {max_length} entries",
        "dict_type": "must be an object",
        "model_type": "must be an object",
        "model_attributes_type": "must be an object",
        "tuple_type": "must be a list",
        "string_type": "must be text",
        "int_parsing": "must be a whole number",
        "int_type": "must be a whole number",
        "int_from_float": "must be a whole number",
        "int_parsing_size": "must be a whole number of at most 18 digits",
        "greater_than_equal": "must be at least {ge}",
        "less_than_equal": "must be at most {le}",
        "literal_error": "must be {expected}",
        "enum": "must be {expected}",
        "value_error": "{error}",
    }
)

# After these errors, `pulumi config set --path` is refused until the old value is removed.
_WRONG_TYPE = frozenset({"dict_type", "model_type", "model_attributes_type", "tuple_type"})
# What Pulumi.yaml declares for a key without a default.
_NOT_SET = frozenset({"", "{}"})
_EXAMPLE_REGION = "us-east-1"
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


class ConfigurationError(pulumi.RunError):
    """The stack's configuration can't be deployed; nothing has been changed.

    Attributes:
        problems: all of them.
    """

    def __init__(self, stack: str, problems: Iterable[Problem]) -> None:
        """List all problems of a stack."""
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}"
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(
            f"the configuration of stack {stack} (Pulumi.{stack}.yaml) has {count}, "
            f"so nothing was changed:{lines}"
        )


def load_settings(project: str, stack: str) -> StackSettings:
    """Read the running stack's configuration.

    Raises:
        ConfigurationError: at least one value is missing, unknown or invalid.
    """
    config = pulumi.Config(project)
    keys = {*_configured_keys(project), *_fields_by_key()}
    values = {key: value for key in sorted(keys) if (value := config.get(key)) is not None}
    return parse_settings(values, project=project, stack=stack, region=_region())


def parse_settings(
    values: Mapping[str, str], *, project: str, stack: str, region: str | None = None
) -> StackSettings:
    """Return the settings of a configuration.

    Args:
        values: the configuration, by key without the namespace; objects and lists as JSON, as
            Pulumi passes them.
        project: the project's name.
        stack: the stack's name.
        region: the AWS region; None where none is configured, which the AWS provider reports.

    Raises:
        ConfigurationError: at least one value is missing, unknown or invalid.
    """
    valid: dict[str, Any] = {}
    problems: list[Problem] = []
    fields = _fields_by_key()
    # Field by field, so that one invalid value doesn't hide the conflicts among the others.
    for key, name in fields.items():
        field = StackSettings.model_fields[name]
        if key in values and not (field.is_required() and values[key] in _NOT_SET):
            try:
                valid[name] = _validators()[name].validate_python(_decoded(values[key]))
            except ValidationError as error:
                details = itertools.filterfalse(_repeats_others, error.errors())
                problems += (_invalid(project, key, detail) for detail in details)
        elif field.is_required():
            command = command_to_set(project, (key,))
            problems.append(problem_at(project, (key,), _MESSAGES["missing"], command))
        else:
            valid[name] = field.get_default(call_default_factory=True)
    problems += (_unknown(project, key, fields) for key in values if key not in fields)
    problems += (_conflicting(project, conflict) for conflict in conflicts(valid, stack))
    if region is not None and (message := region_problem(region)):
        problems.append(
            problem_at(
                "aws", ("region",), message, command_to_set("aws", ("region",), _EXAMPLE_REGION)
            )
        )
    if problems:
        raise ConfigurationError(stack, problems)
    return StackSettings.model_construct(**valid)


def _fields_by_key() -> dict[str, str]:
    return {field.alias or name: name for name, field in StackSettings.model_fields.items()}


@functools.cache
def _validators() -> Mapping[str, TypeAdapter[Any]]:
    types = get_type_hints(StackSettings, include_extras=True)
    return {name: TypeAdapter(types[name]) for name in StackSettings.model_fields}


def _configured_keys(project: str) -> Iterator[str]:
    # pulumi.Config only looks up keys by name, so a misspelt key would be ignored silently.
    for key in {**pulumi.runtime.get_config_env(), **CONFIG.get()}:
        namespace, _, name = key.partition(":")
        if namespace == project:
            yield name


def _region() -> str | None:
    configured = pulumi.Config("aws").get("region")
    if configured is not None:
        return configured
    # The AWS provider reads these as well.
    return next((os.environ[name] for name in _REGION_VARIABLES if os.environ.get(name)), None)


def _decoded(value: str) -> object:
    """Parse an object or a list; return any other value as it is."""
    if not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (json.JSONDecodeError, RecursionError):
        return value


def _repeats_others(detail: ErrorDetails) -> bool:
    # pydantic counts valid entries only, so it also reports a list of invalid ones as too short.
    return detail["type"] == "too_short" and bool(detail["input"])


def _invalid(project: str, key: str, detail: ErrorDetails) -> Problem:
    # pydantic appends "[key]" to the path of an entry with an invalid key.
    path = tuple(step for step in (key, *detail["loc"]) if step != "[key]")
    message = detail["msg"]
    if detail["type"] in _MESSAGES:
        message = _MESSAGES[detail["type"]].format_map(detail.get("ctx", {}))
    if detail["type"] == "extra_forbidden" or "[key]" in detail["loc"]:
        command = command_to_remove(project, path)
    elif detail["type"] in _WRONG_TYPE:
        command = command_to_replace(project, path)
    else:
        command = command_to_set(project, path)
    return problem_at(project, path, message, command)


def _unknown(project: str, key: str, fields: Mapping[str, str]) -> Problem:
    near = difflib.get_close_matches(key, fields, n=1)
    message = _MESSAGES["extra_forbidden"] + (f"; did you mean {near[0]}?" if near else "")
    return problem_at(project, (key,), message, command_to_remove(project, (key,)))


def _conflicting(project: str, conflict: Conflict) -> Problem:
    commands = (_command(project, conflict, fix) for fix in conflict.fixes)
    return problem_at(project, conflict.path, conflict.message, *commands)


def _command(project: str, conflict: Conflict, fix: Fix) -> str:
    match fix:
        case Fix.SET:
            return command_to_set(project, conflict.path, conflict.value)
        case Fix.REMOVE:
            return command_to_remove(project, conflict.path)
        case Fix.RENAME_STACK:
            return "pulumi stack rename '<shorter-name>'"
        case Fix.DEFINE_SCOPE:
            return command_to_define_scope(project, conflict.scope)
