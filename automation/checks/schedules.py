"""What runs a Lambda function: a rule with a schedule, and who else may."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from automation.checks.probe import Probe
from automation.checks.verdicts import expect, expect_equal
from automation.waiting import is_not_found
from components.policies import EVENT_BRIDGE


def expect_scheduled(probe: Probe, *, rule: str, schedule: str, function: str) -> Mapping[str, Any]:
    """Expect that a rule runs a function on a schedule, and nothing else.

    Args:
        probe: the check's probe.
        rule: the rule's name.
        schedule: the schedule, as EventBridge writes it.
        function: the function's name.

    Returns:
        The rule's target.

    Raises:
        Failed: it doesn't.
    """
    found = probe.aws("events", "describe_rule", Name=rule)
    state = found.get("State")
    expect(
        state == "ENABLED",
        f"the rule {rule} is {state}, so nothing runs {function}. Enable it: aws events enable-rule"
        f" --name {rule}",
    )
    expect_equal(f"the schedule of {rule}", found.get("ScheduleExpression"), schedule)
    targets: Sequence[Mapping[str, Any]] = probe.aws("events", "list_targets_by_rule", Rule=rule)[
        "Targets"
    ]
    expect_equal(
        f"the targets of {rule}", [each["Arn"] for each in targets], [function_arn(probe, function)]
    )
    expect_invoker(probe, function, EVENT_BRIDGE)
    return targets[0]


def expect_invoker(probe: Probe, function: str, service: str) -> None:
    """Expect that an AWS service may invoke a function.

    Args:
        probe: the check's probe.
        function: the function's name.
        service: the service's principal.

    Raises:
        Failed: it may not.
    """
    expect(
        service in _invokers(probe, function),
        f"the policy of the function {function} doesn't let {service} invoke it",
    )


def function_arn(probe: Probe, function: str) -> str:
    """Return the ARN of a function, given its name."""
    found = probe.aws("lambda", "get_function_configuration", FunctionName=function)
    return str(found["FunctionArn"])


def _invokers(probe: Probe, function: str) -> set[str]:
    """Return the AWS services that may invoke a function."""
    try:
        response = probe.aws("lambda", "get_policy", FunctionName=function)
    except ClientError as error:
        if is_not_found(error):
            # A function without any permission has no policy.
            return set()
        raise
    statements: Sequence[Mapping[str, Any]] = json.loads(response["Policy"])["Statement"]
    return {
        each["Principal"]["Service"]
        for each in statements
        if each["Effect"] == "Allow" and "Service" in each["Principal"]
    }
