"""Reads the stack's configuration, and reports all its problems at once.

Pulumi.yaml declares no types and requires no key, because the engine's own check would stop at the
first problem and suggest no command that fixes it.
"""

import difflib
import functools
import itertools
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, get_type_hints

import pulumi
from pulumi.runtime.config import CONFIG
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.conflicts import Conflict, Fix, KeyPath, conflicts
from components.hosting.definition import HostDefinition
from components.hosting.definitions import DEFINITIONS, HOST_KEYS
from components.monitoring.conflicts import monitoring_conflicts
from components.problems import (
    Problem,
    command_to_define_scope,
    command_to_remove,
    command_to_replace,
    command_to_set,
    problem_at,
)
from components.settings import (
    NEXT_HOST,
    CommonSettings,
    HostSettings,
    NextHost,
    OtherHost,
    Settings,
    StackSettings,
    fields_by_key,
)

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
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""Where the AWS provider finds the region if aws:region isn't set, the first one that is."""


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
    keys = {*_configured_keys(project), *fields_by_key(CommonSettings), *HOST_KEYS}
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
    common = fields_by_key(CommonSettings)
    valid, problems = _read(project, CommonSettings, values)
    problems += _unknown(project, values, {*common, *HOST_KEYS})
    hosts = list(_configured_hosts(valid, values))
    definitions = [each.definition for each in hosts]
    found = (*conflicts(valid, stack, definitions), *monitoring_conflicts(valid, definitions))
    problems += (_conflicting(project, each) for each in found)
    for each in hosts:
        problems += _host_problems(project, each, valid, region)
    if problems:
        raise ConfigurationError(stack, problems)
    return _settings(valid, [_parsed(project, each) for each in hosts])


@dataclass(frozen=True, kw_only=True)
class _ConfiguredHost:
    """A host and its configuration.

    Attributes:
        at: the key that has the host's keys as parts; empty where they are keys of the stack.
        values: all values there, by key.
    """

    definition: HostDefinition
    at: KeyPath
    values: Mapping[str, str]


def _configured_hosts(
    valid: Mapping[str, Any], values: Mapping[str, str]
) -> Iterator[_ConfiguredHost]:
    """Return the stack's host and, while the stack moves, the next one."""
    if "hosting" in valid:
        yield _ConfiguredHost(definition=DEFINITIONS[valid["hosting"]], at=(), values=values)
    following: NextHost | None = valid.get("next_host")
    if following is not None:
        yield _ConfiguredHost(
            definition=DEFINITIONS[following.hosting],
            at=(NEXT_HOST,),
            values={key: _encoded(value) for key, value in (following.model_extra or {}).items()},
        )


def _host_problems(
    project: str, configured: _ConfiguredHost, common: Mapping[str, Any], region: str | None
) -> Iterator[Problem]:
    host, at = configured.definition, configured.at
    own, found = _read(project, host.settings, configured.values, at)
    yield from found
    for conflict in host.conflicts({**common, **own}):
        yield _conflicting(project, replace(conflict, path=(*at, *conflict.path)))
    yield from _of_other_hosts(project, configured)
    if at:
        yield from _unknown(project, configured.values, HOST_KEYS, at)
    if region is not None and (message := host.region_problem(region)):
        command = command_to_set("aws", ("region",), _EXAMPLE_REGION)
        yield problem_at("aws", ("region",), message, command)


def _parsed(project: str, configured: _ConfiguredHost) -> OtherHost:
    model = configured.definition.settings
    own, _ = _read(project, model, configured.values, configured.at)
    return OtherHost(hosting=configured.definition.hosting, host=model.model_construct(**own))


def _settings(valid: Mapping[str, Any], hosts: Sequence[OtherHost]) -> StackSettings:
    """Return the settings, in which callers use the last host if it serves, else the first."""
    following: NextHost | None = valid["next_host"]
    serving, *others = reversed(hosts) if following and following.serving else hosts
    return StackSettings.model_construct(
        **{**valid, "hosting": serving.hosting},
        host=serving.host,
        other=others[0] if others else None,
    )


def _encoded(value: object) -> str:
    """Return a part of an object as Pulumi passes a value."""
    return value if isinstance(value, str) else json.dumps(value)


def _read(
    project: str, model: type[Settings], values: Mapping[str, str], at: KeyPath = ()
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the valid fields of a model, and the problems of the others.

    Field by field, so that one invalid value doesn't hide the conflicts among the others.

    Args:
        at: the key that has the model's keys as parts; empty where they are keys of the stack.
    """
    valid: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, name in fields_by_key(model).items():
        field = model.model_fields[name]
        if _is_set(model, field, values.get(key)):
            try:
                valid[name] = _validators(model)[name].validate_python(_decoded(values[key]))
            except ValidationError as error:
                details = itertools.filterfalse(_repeats_others, error.errors())
                problems += (_invalid(project, (*at, key), detail) for detail in details)
        elif field.is_required():
            path = (*at, key)
            command = command_to_set(project, path)
            problems.append(problem_at(project, path, _MESSAGES["missing"], command))
        else:
            valid[name] = field.get_default(call_default_factory=True)
    return valid, problems


def _is_set(model: type[Settings], field: FieldInfo, value: str | None) -> bool:
    if value is None:
        return False
    # Pulumi.yaml has no default for a required key, and none for a host's, which each host has.
    declared_empty = field.is_required() or issubclass(model, HostSettings)
    return not (declared_empty and value in _NOT_SET)


@functools.cache
def _validators(model: type[Settings]) -> Mapping[str, TypeAdapter[Any]]:
    types = get_type_hints(model, include_extras=True)
    return {name: TypeAdapter(types[name]) for name in model.model_fields}


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
    return next((os.environ[name] for name in REGION_VARIABLES if os.environ.get(name)), None)


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


def _invalid(project: str, key: KeyPath, detail: ErrorDetails) -> Problem:
    # pydantic appends "[key]" to the path of an entry with an invalid key.
    path = tuple(step for step in (*key, *detail["loc"]) if step != "[key]")
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


def _unknown(
    project: str, values: Iterable[str], known: Collection[str], at: KeyPath = ()
) -> Iterator[Problem]:
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            message = _MESSAGES["extra_forbidden"] + (f"; did you mean {near[0]}?" if near else "")
            if at and key in fields_by_key(CommonSettings):
                message = "is a key of the stack, whatever its host"
            path = (*at, key)
            yield problem_at(project, path, message, command_to_remove(project, path))


def _of_other_hosts(project: str, configured: _ConfiguredHost) -> Iterator[Problem]:
    host, at = configured.definition, configured.at
    for key, value in configured.values.items():
        if key in HOST_KEYS and key not in host.settings.names_by_key() and value not in _NOT_SET:
            hosts = HOST_KEYS[key]
            message = (
                f"doesn't apply to hosting {host.hosting}; it is a key of {' and '.join(hosts)}"
            )
            path = (*at, key)
            change = (command_to_set(project, (*at, "hosting"), each) for each in hosts)
            yield problem_at(project, path, message, command_to_remove(project, path), *change)


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
        case Fix.ENABLE_EDGE:
            return command_to_set(project, ("edge",), "true")
        case Fix.REMOVE_NEXT_HOST:
            return command_to_remove(project, (NEXT_HOST,))
        case Fix.DEFINE_SCOPE:
            return command_to_define_scope(project, conflict.scope)
