"""The check of the canary, with AWS's answers made up."""

import datetime as dt
import json
from typing import Any

import pytest

from automation.checks import CHECKS, runner
from automation.checks.results import Outcome, Result
from components.function_code import canary_package, code_sha256
from tests.automation.checks.fake_aws import Answer, AnsweredStack, error
from tests.components.parsing import parse

REGION = "eu-west-1"
NAME = "neo4j-mcp-dev-canary"
ARN = f"arn:aws:lambda:{REGION}:111122223333:function:{NAME}"
LOG = f"/aws/lambda/{NAME}-1a2b3c4d"
FUNCTION = {
    "FunctionArn": ARN,
    "CodeSha256": code_sha256(canary_package()),
    "LastModified": "2026-11-01T10:00:00.000+0000",
    "LoggingConfig": {"LogGroup": LOG},
}
RULE = {"State": "ENABLED", "ScheduleExpression": "rate(5 minutes)"}
POLICY = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}


class _World:
    """What AWS has of a canary; a test changes it."""

    def __init__(self) -> None:
        self.function: dict[str, Any] = dict(FUNCTION)
        self.rule: dict[str, Any] = dict(RULE)
        self.targets: list[dict[str, Any]] = [{"Id": "canary", "Arn": ARN}]
        self.policy: list[dict[str, Any]] | None = [dict(POLICY)]
        # Minutes before now, and the value.
        self.results: list[tuple[int, float]] = [(1, 1.0), (6, 1.0)]
        self.log: list[dict[str, Any]] = []
        self.asked: dict[str, Any] = {}

    def check(self, **monitoring: object) -> Result:
        settings = parse(
            {
                "neo4jUri": "neo4j+s://a.databases.neo4j.io",
                "clients": {"agent": {"scopes": ["reader"]}},
                "monitoring": {"enabled": True, **monitoring},
            }
        )
        answers: dict[str, Answer] = {
            "GetFunctionConfiguration": lambda _region, _: dict(self.function),
            "GetPolicy": lambda _region, _: self._policy(),
            "DescribeRule": lambda _region, _: dict(self.rule),
            "ListTargetsByRule": lambda _region, _: {"Targets": self.targets},
            "GetMetricData": self._metric_data,
            "FilterLogEvents": self._log_events,
        }
        outputs = {"alarmTopicArn": f"arn:aws:sns:{REGION}:111122223333:neo4j-mcp-dev-alarms"}
        stack = AnsweredStack(answers, settings=settings, outputs=outputs, region=REGION)
        return runner.run_one(CHECKS["P6-canary"], stack)

    def _policy(self) -> dict[str, Any]:
        if self.policy is None:
            return error("ResourceNotFoundException")
        return {"Policy": json.dumps({"Statement": self.policy})}

    def _metric_data(self, _region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        (query,) = parameters["MetricDataQueries"]
        self.asked = query["MetricStat"]
        assert parameters["ScanBy"] == "TimestampDescending"
        now = dt.datetime.now(dt.UTC)
        found = [(now - dt.timedelta(minutes=age), value) for age, value in self.results]
        inside = [each for each in found if parameters["StartTime"] <= each[0]]
        return {
            "MetricDataResults": [
                {"Timestamps": [each[0] for each in inside], "Values": [each[1] for each in inside]}
            ]
        }

    def _log_events(self, _region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters["logGroupName"] == LOG
        assert parameters["filterPattern"] == '{ $.message = "canary" && $.hop = * }'
        failures = [each for each in self.log if "hop" in each]
        return {"events": [{"message": json.dumps(each) + "\n"} for each in failures]}


@pytest.fixture
def world() -> _World:
    return _World()


def test_a_canary_that_succeeds_passes(world: _World) -> None:
    result = world.check()

    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    dimension = {"Name": "Service", "Value": "neo4j-mcp-dev"}
    metric = {"Namespace": "Neo4jMcp", "MetricName": "CanarySuccess", "Dimensions": [dimension]}
    assert world.asked["Metric"] == metric


def test_without_monitoring_there_is_nothing_to_check(world: _World) -> None:
    assert world.check(enabled=False).outcome is Outcome.SKIPPED


def test_other_code_fails(world: _World) -> None:
    world.function["CodeSha256"] = "c29tZXRoaW5nIGVsc2U="

    result = world.check()

    assert result.outcome is Outcome.FAILED
    assert "aws lambda update-function-code --function-name neo4j-mcp-dev-canary" in result.reason


def test_a_rule_that_is_off_fails(world: _World) -> None:
    world.rule["State"] = "DISABLED"

    reason = world.check().reason
    assert reason.startswith(f"the rule {NAME} is DISABLED")
    assert reason.endswith(f"aws events enable-rule --name {NAME}")


@pytest.mark.parametrize(("minutes", "schedule"), [(1, "rate(1 minute)"), (20, "rate(20 minutes)")])
def test_another_interval_fails(world: _World, minutes: int, schedule: str) -> None:
    result = world.check(canaryMinutes=minutes)

    assert result.outcome is Outcome.FAILED
    assert f"is 'rate(5 minutes)', and must be {schedule!r}" in result.reason


@pytest.mark.parametrize("targets", [[], [{"Id": "canary", "Arn": f"{ARN}-of-another"}]])
def test_a_rule_that_runs_something_else_fails(
    world: _World, targets: list[dict[str, Any]]
) -> None:
    world.targets = targets

    assert world.check().reason.startswith(f"the targets of {NAME} is ")


@pytest.mark.parametrize("policy", [None, [], [POLICY | {"Principal": {"Service": "s3"}}]])
def test_a_rule_that_may_not_run_the_function_fails(
    world: _World, policy: list[dict[str, Any]] | None
) -> None:
    world.policy = policy

    result = world.check()

    assert result.outcome is Outcome.FAILED
    assert result.reason == (
        f"the policy of the function {NAME} doesn't let events.amazonaws.com invoke it"
    )


def test_a_canary_without_a_result_fails_after_three_intervals(world: _World) -> None:
    world.results = [(16, 1.0)]

    result = world.check()

    assert result.outcome is Outcome.FAILED
    assert result.reason == (
        "the canary has had no result for 15 minutes. Its log says why: python -m automation logs"
        " canary --stack dev --since 3h"
    )


def test_a_result_within_three_longer_intervals_passes(world: _World) -> None:
    world.results = [(170, 1.0)]
    world.rule["ScheduleExpression"] = "rate(60 minutes)"

    assert world.check(canaryMinutes=60).outcome is Outcome.PASSED


def test_a_canary_that_was_just_deployed_is_not_due_yet(world: _World) -> None:
    deployed = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=3)
    world.function["LastModified"] = f"{deployed:%Y-%m-%dT%H:%M:%S}.000+0000"
    world.results = []

    result = world.check()

    due = deployed + dt.timedelta(minutes=15)
    assert result.outcome is Outcome.SKIPPED
    assert result.reason == (
        "the canary was deployed less than 15 minutes ago, and has no result yet; one is due by"
        f" {due:%H:%M} UTC"
    )


def test_a_failure_is_reported_with_the_hop_of_the_last_one(world: _World) -> None:
    world.results = [(1, 0.0), (6, 1.0)]
    world.log = [
        {"message": "canary", "success": False, "hop": "host", "cause": "HTTP 502"},
        {"message": "canary", "success": False, "hop": "database", "cause": "Neo.TransientError"},
        {"message": "canary", "success": True},
    ]

    result = world.check()

    assert result.outcome is Outcome.FAILED
    assert result.reason.endswith(
        " at the hop database (Neo.TransientError): see docs/canary.md, Find out why it fails"
    )


def test_a_failure_is_reported_before_its_line_is_in_the_log(world: _World) -> None:
    world.results = [(1, 0.0)]

    result = world.check()

    assert result.outcome is Outcome.FAILED
    assert result.reason.endswith(" UTC: see docs/canary.md, Find out why it fails")


def test_an_earlier_failure_passes_once_the_canary_succeeds_again(world: _World) -> None:
    world.results = [(1, 1.0), (6, 0.0)]

    assert world.check().outcome is Outcome.PASSED
