"""What the program registers follows every rule of the policy, in every configuration."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from automation.policy.changes import resource_violations
from automation.policy.expectations import Expectations
from automation.policy.resources import SECRET, Resource
from components.configuration import parse_settings
from components.names import ResourceNames
from components.replacement import REPLACEMENTS
from components.settings import Hosting
from tests.components.mocks import PROJECT, Registration
from tests.program.conftest import (
    EVERYTHING,
    ON_FARGATE,
    ON_LAMBDA,
    Deploy,
    stack_configuration,
)

HOSTS: Mapping[Hosting, Mapping[str, str]] = {
    Hosting.APP_RUNNER: {},
    Hosting.FARGATE: ON_FARGATE,
    Hosting.LAMBDA: ON_LAMBDA,
}
MOVING = {"neo4j-mcp:nextHost": json.dumps({"hosting": "lambda"})}
# Only CloudFront reaches the load balancer then.
INTERNAL = {**ON_FARGATE, "neo4j-mcp:serviceDomain": "", "neo4j-mcp:edge": "true"}
CONFIGURATIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    **{f"{hosting} alone": ("dev", changes) for hosting, changes in HOSTS.items()},
    **{f"{hosting} with everything": ("dev", EVERYTHING[hosting]) for hosting in Hosting},
    **{f"{hosting} protected": ("prod", HOSTS[hosting]) for hosting in Hosting},
    "behind the edge only": ("dev", INTERNAL),
    "moving": ("prod", MOVING),
}


def expectations(stack: str, changes: Mapping[str, str]) -> Expectations:
    configured = {**stack_configuration(stack), **changes}
    settings = parse_settings(
        {
            key.removeprefix(f"{PROJECT}:"): value
            for key, value in configured.items()
            if key.startswith(f"{PROJECT}:")
        },
        project=PROJECT,
        stack=stack,
    )
    return Expectations.of(settings, ResourceNames(prefix=settings.name_prefix, stack=stack))


def registered(registration: Registration) -> Resource:
    return Resource(
        type=registration.type,
        name=registration.name,
        inputs=_masked(registration.inputs, registration.secret_inputs),
        protected=registration.protect,
    )


def _masked(inputs: Mapping[str, Any], secret: frozenset[str], prefix: str = "") -> dict[str, Any]:
    return {
        key: SECRET
        if f"{prefix}{key}" in secret
        else _masked(value, secret, f"{prefix}{key}.")
        if isinstance(value, Mapping)
        else value
        for key, value in inputs.items()
    }


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_stack_follows_the_policy(deploy: Deploy, name: str) -> None:
    stack, changes = CONFIGURATIONS[name]
    resources = [registered(each) for each in deploy(stack, changes).registrations]

    assert resource_violations(resources, expectations(stack, changes)) == ()


def test_the_production_stack_is_protected() -> None:
    assert expectations("prod", {}).protected


def test_the_configurations_have_every_type_of_resource(deploy: Deploy) -> None:
    types = {
        each.type
        for stack, changes in CONFIGURATIONS.values()
        for each in deploy(stack, changes).registrations
    }

    assert set(REPLACEMENTS) <= types
