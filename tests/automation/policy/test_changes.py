"""The rules about what a step does."""

import pytest

from automation.deployment import Step
from automation.policy.changes import CHANGE_RULES, Violation, value_violations, violations
from tests.automation.policy.rule_cases import CLOSED, TAGS

_CONNECTOR = "aws:apprunner/vpcConnector:VpcConnector"


def replaced_connector(*properties: str, operation: str = "replace") -> Step:
    return Step(
        urn=f"urn::x::{_CONNECTOR}::thing",
        type=_CONNECTOR,
        operation=operation,
        inputs={"tags": TAGS},
        properties=properties,
    )


@pytest.mark.parametrize(
    "step",
    [
        replaced_connector("securityGroups[0]", "subnets", "vpcConnectorName"),
        replaced_connector(operation="delete"),
        replaced_connector(operation="delete-replaced"),
        replaced_connector(operation="create"),
    ],
    ids=lambda step: step.operation,
)
def test_a_connector_can_change_with_its_security_groups(step: Step) -> None:
    assert violations([step], CLOSED) == ()


def test_a_connector_is_not_replaced_without_its_security_groups() -> None:
    (violation,) = violations([replaced_connector("subnets", "vpcConnectorName")], CLOSED)

    assert violation.rule == "vpc-connector"
    assert "no two connectors with the same security groups" in violation.message


@pytest.mark.parametrize("operation", ["delete", "replace", "delete-replaced"])
def test_a_protected_resource_cannot_be_deleted_or_replaced(operation: str) -> None:
    doomed = Step(
        urn="urn::x::t::pool", type="t", operation=operation, protected=True, properties=("name",)
    )
    (violation,) = violations([doomed], CLOSED)
    assert violation.rule == "protection"
    assert "because of name" in violation.message
    kept = Step(urn="urn::x::t::pool", type="t", operation="update", protected=True)
    assert violations([kept], CLOSED) == ()


@pytest.mark.parametrize("operation", ["delete", "delete-replaced"])
def test_the_values_of_what_is_deleted_are_not_judged(operation: str) -> None:
    role = Step(urn="urn::x::r::role", type="aws:iam/role:Role", operation=operation)

    assert violations([role], CLOSED) == ()
    assert value_violations(role, CLOSED) == ()


def test_the_operation_is_judged_in_the_preview_only() -> None:
    # The plan allows no other operation, and the event of a replacement has no details.
    step = replaced_connector("subnets")

    assert violations([step], CLOSED)
    assert value_violations(step, CLOSED) == ()


def test_the_rules_about_changes_are_known() -> None:
    assert set(CHANGE_RULES) == {"protection", "vpc-connector"}


def test_a_violation_reads_as_a_sentence() -> None:
    violation = Violation(rule="tags", resource="role", message="lacks the tags Stack")

    assert str(violation) == "role lacks the tags Stack (tags)"
