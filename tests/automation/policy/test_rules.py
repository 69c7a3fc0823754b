"""Every rule, on resources as registered, previewed and deployed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from automation.deployment import Step
from automation.policy.changes import (
    Violation,
    resource_violations,
    value_violations,
    violations,
)
from automation.policy.expectations import Expectations
from automation.policy.resources import Resource, deployed_resources
from automation.policy.rules import RULES
from components.replacement import REPLACEMENTS
from tests.automation.policy.rule_cases import (
    BROKEN,
    CLOSED,
    EXPECTED,
    RIGHT,
    Broken,
    nearly_broken,
)
from tests.components.resource_classes import resource_class

Judge = Callable[..., tuple[Violation, ...]]

_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
_NEARLY = {name: (kind, inputs, expected) for name, kind, inputs, expected in nearly_broken()}


def as_registered(
    kind: str,
    inputs: Mapping[str, Any],
    expected: Expectations,
    *,
    protected: bool = True,
    outputs: Mapping[str, Any] | None = None,
) -> tuple[Violation, ...]:
    resource = Resource(
        type=kind, name="thing", inputs=inputs, outputs=outputs or {}, protected=protected
    )
    return resource_violations([resource], expected)


def _step(kind: str, inputs: Mapping[str, Any], *, protected: bool, operation: str) -> Step:
    return Step(
        urn=f"urn::x::{kind}::thing",
        type=kind,
        operation=operation,
        inputs=inputs,
        stays_protected=protected,
    )


def as_previewed(
    kind: str, inputs: Mapping[str, Any], expected: Expectations, *, protected: bool = True
) -> tuple[Violation, ...]:
    return violations([_step(kind, inputs, protected=protected, operation="create")], expected)


def as_begun(
    kind: str, inputs: Mapping[str, Any], expected: Expectations, *, protected: bool = True
) -> tuple[Violation, ...]:
    return value_violations(_step(kind, inputs, protected=protected, operation="update"), expected)


def as_deployed(
    kind: str,
    inputs: Mapping[str, Any],
    expected: Expectations,
    *,
    protected: bool = True,
    outputs: Mapping[str, Any] | None = None,
) -> tuple[Violation, ...]:
    state = {
        "resources": [
            {
                "urn": f"urn:pulumi:dev::neo4j-mcp::{kind}::thing",
                "type": kind,
                "inputs": _encrypted(inputs),
                "outputs": outputs or {},
                "protect": protected,
            }
        ]
    }
    return resource_violations(deployed_resources(state), expected)


def _encrypted(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return values as a state has them: what is masked elsewhere is encrypted there."""
    if isinstance(value, Mapping):
        return {key: _encrypted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_encrypted(each) for each in value]
    return {**_SECRET, "ciphertext": "v1:abc"} if value == "[secret]" else value


SOURCES: Mapping[str, Judge] = {
    "registered": as_registered,
    "previewed": as_previewed,
    "begun": as_begun,
    "deployed": as_deployed,
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("broken", [each for each in BROKEN if not each.outputs], ids=str)
def test_a_broken_rule_is_found_and_named(source: str, broken: Broken) -> None:
    (violation,) = SOURCES[source](
        broken.type, broken.all_inputs, broken.expected, protected=broken.protected
    )

    assert (violation.rule, violation.resource) == (broken.rule, "thing")
    assert broken.says in violation.message


@pytest.mark.parametrize("judge", [as_registered, as_deployed])
@pytest.mark.parametrize("broken", [each for each in BROKEN if each.outputs], ids=str)
def test_a_broken_rule_about_outputs_is_found_and_named(judge: Judge, broken: Broken) -> None:
    (violation,) = judge(broken.type, broken.all_inputs, broken.expected, outputs=broken.outputs)

    assert violation.rule == broken.rule
    assert broken.says in violation.message


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", _NEARLY)
def test_what_only_looks_like_a_violation_is_none(source: str, name: str) -> None:
    kind, inputs, expected = _NEARLY[name]

    assert SOURCES[source](kind, inputs, expected) == ()


def test_every_rule_is_broken_by_something() -> None:
    assert {each.rule for each in BROKEN} == set(RULES)


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_value_that_is_not_known_yet_violates_no_rule(broken: Broken) -> None:
    changed = {key: value for key, value in broken.inputs.items() if value is not None}
    if not changed or broken.rule == "no-secret-values":
        return
    unknown = dict.fromkeys(changed, "04da6b54-80e4-46f7-96ec-b56ff0331ba9")

    found = as_previewed(broken.type, {**broken.all_inputs, **unknown}, broken.expected)

    assert found == ()


def test_an_unprotected_stack_needs_no_protection() -> None:
    pool = "aws:cognito/userPool:UserPool"
    inputs = {"tags": {"Project": "p", "Stack": "s", "ManagedBy": "pulumi"}} | {
        "adminCreateUserConfig": {"allowAdminCreateUserOnly": True}
    }

    assert as_deployed(pool, inputs, CLOSED, protected=False) == ()


@pytest.mark.parametrize(
    ("name", "moves", "broken"),
    [
        ("identity-client-agent", False, True),
        ("identity-client-canary", False, False),
        ("canary-schedule-permission", False, False),
        ("server-url-permission", False, True),
        ("server-url-permission", True, False),
        ("identity-claims-permission", True, True),
    ],
)
def test_what_can_be_removed_from_a_protected_stack_needs_no_protection(
    name: str, *, moves: bool, broken: bool
) -> None:
    permission = "aws:lambda/permission:Permission"
    resource = Resource(type=permission, name=name, inputs=RIGHT[permission])

    found = resource_violations([resource], replace(EXPECTED, moves=moves))

    assert [each.rule for each in found] == (["deletion-protection"] if broken else [])


def test_what_the_next_deployment_deletes_is_not_judged() -> None:
    state = {"resources": [{"urn": "x::thing", "type": "aws:iam/role:Role", "delete": True}]}

    assert resource_violations(deployed_resources(state), EXPECTED) == ()


def test_tags_are_required_on_every_type_that_can_have_them() -> None:
    requiring = {
        token
        for token in REPLACEMENTS
        if any(each.rule == "tags" for each in as_previewed(token, {}, CLOSED))
    }
    assert requiring == {token for token in REPLACEMENTS if hasattr(resource_class(token), "tags")}
