import enum
import json
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import yaml
from pydantic import BaseModel

from components.configuration import parse_settings
from components.hosting.definitions import DEFINITIONS, HOST_KEYS
from components.settings import Client, CommonSettings
from tests.components.model_rules import choices, numeric_limits
from tests.program.conftest import ROOT, read_yaml

PROJECT = read_yaml("Pulumi.yaml")
DECLARED: dict[str, dict[str, Any]] = PROJECT["config"]
FIELDS = {field.alias or name: field for name, field in CommonSettings.model_fields.items()}
TYPES = get_type_hints(CommonSettings)


def python_type(annotation: object) -> type:
    """Return the type of a setting in YAML."""
    if get_origin(annotation) is Literal:
        return str
    if get_origin(annotation) is dict:
        return dict
    known = [each for each in get_args(annotation) if each is not type(None)] or [annotation]
    (only,) = known
    assert isinstance(only, type)
    if issubclass(only, BaseModel):
        return dict
    if issubclass(only, (str, enum.Enum)):
        return str
    return only


def test_pulumi_yaml_declares_exactly_the_models_keys() -> None:
    assert set(DECLARED) == {*FIELDS, *HOST_KEYS}


@pytest.mark.parametrize("key", HOST_KEYS)
def test_a_hosts_key_is_declared_without_a_default(key: str) -> None:
    # The engine adds the defaults, so the program couldn't see that a key isn't set.
    assert DECLARED[key]["default"] in ("", {})
    for hosting in HOST_KEYS[key]:
        model = DEFINITIONS[hosting].settings
        field = model.model_fields[model.names_by_key()[key]]
        assert DECLARED[key]["description"] == field.description
        assert not field.is_required()
    assert set(DECLARED[key]) == {"default", "description"}


@pytest.mark.parametrize("key", FIELDS)
def test_a_key_is_declared_as_in_the_model(key: str) -> None:
    declared, field = DECLARED[key], FIELDS[key]
    name = next(name for name, each in CommonSettings.model_fields.items() if each is field)

    assert type(declared["default"]) is python_type(TYPES[name])
    if field.is_required():
        assert not declared["default"]
    assert declared["description"] == field.description
    # With a type, or without a default, the engine would stop at the first wrong value.
    assert set(declared) == {"default", "description"}


# The sizes of samples and the days of retention are too many to list, and docs/hosting.md has the
# limits of the keys of some hosts only.
LISTED = {
    path
    for path in (*numeric_limits(), *choices())
    if path not in {"schemaSampleSize", "logRetentionDays", *HOST_KEYS}
}


@pytest.mark.parametrize("path", sorted(LISTED))
def test_a_keys_description_gives_its_limits(path: str) -> None:
    key, _, nested = path.partition(".")
    description = DECLARED[key]["description"]

    if path in choices():
        assert all(choice in description for choice in choices()[path])
    else:
        least, most = numeric_limits()[path]
        assert f"{least} to {most}" in description
    assert nested.rpartition(".")[2] in description


def test_the_description_of_clients_gives_the_default_validity() -> None:
    default = Client.model_fields["token_validity_minutes"].default

    assert (
        f"tokenValidityMinutes (5 to 1440, default {default})"
        in (DECLARED["clients"]["description"])
    )


def test_the_declared_defaults_are_the_models() -> None:
    least = {"neo4jUri": "neo4j+s://a.example", "clients": '{"agent": {"scopes": ["reader"]}}'}
    declared = {
        key: json.dumps(value["default"])
        if isinstance(value["default"], (dict, list, bool))
        else str(value["default"])
        for key, value in DECLARED.items()
        if "default" in value
    }

    with_defaults = parse_settings({**declared, **least}, project="neo4j-mcp", stack="dev")
    without = parse_settings(least, project="neo4j-mcp", stack="dev")

    assert with_defaults == without


def test_the_project_runs_in_its_own_environment() -> None:
    assert PROJECT["name"] == "neo4j-mcp"
    assert PROJECT["runtime"] == {
        "name": "python",
        "options": {"toolchain": "pip", "virtualenv": ".venv"},
    }


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_a_stacks_keys_are_declared(stack: str) -> None:
    configuration = read_yaml(f"Pulumi.{stack}.yaml")["config"]

    for key in configuration:
        namespace, _, name = key.partition(":")
        assert namespace == "aws" or name in DECLARED, key


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_each_stack_sets_its_scopes_so_that_config_set_path_adds_to_them(stack: str) -> None:
    configuration = read_yaml(f"Pulumi.{stack}.yaml")["config"]

    assert configuration["neo4j-mcp:scopes"] == DECLARED["scopes"]["default"]


@pytest.mark.parametrize(
    ("stack", "days", "retained"), [("dev", 7, False), ("prod", 30, True), ("local", 0, False)]
)
def test_each_stack_sets_its_retention(stack: str, days: int, retained: bool) -> None:
    configuration = read_yaml(f"Pulumi.{stack}.yaml")["config"]

    assert configuration["neo4j-mcp:secretRecoveryDays"] == days
    assert configuration["neo4j-mcp:retainClaimsLog"] is retained


def test_the_stand_in_answers_for_every_service_in_use() -> None:
    configuration = read_yaml("Pulumi.local.yaml")["config"]

    (endpoints,) = configuration["aws:endpoints"]
    assert set(endpoints) == {
        "appautoscaling",
        "apprunner",
        "cloudfront",
        "cloudwatch",
        "cognitoidp",
        "ec2",
        "ecr",
        "ecs",
        "elbv2",
        "events",
        "iam",
        "lambda",
        "logs",
        "route53",
        "secretsmanager",
        "sns",
        "sts",
        "wafv2",
    }
    assert set(endpoints.values()) == {"http://localhost:4566"}


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_no_stack_holds_a_secret(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")

    assert "secure:" not in text
    assert yaml.safe_load(text).keys() == {"config"}
