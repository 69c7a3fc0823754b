"""The canary on the deployed stack: what it publishes and names when each hop fails."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from automation import controls
from automation.controls import Controls
from automation.deployment import Deployment
from automation.rotation.results import Outcome
from localcloud.cloud import Cloud
from localcloud.console import connect_aura
from tests.end_to_end.breakage import World, app_client, aura
from tests.end_to_end.conftest import with_monitoring
from tests.stand_in import Aws
from tests.waiting import wait_until

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_FUNCTION = "neo4j-mcp-local-canary"
_DIMENSIONS = [{"Name": "Service", "Value": "neo4j-mcp-local"}]
_ALARM = "neo4j-mcp-local-canary-failing"
_MONITORING = {
    "enabled": True,
    "canaryMinutes": 5,
    "subscriptions": {"oncall": {"protocol": "email", "endpoint": "oncall@example.com"}},
}


@pytest.fixture(scope="module")
def monitored(
    running: Cloud, deployed: Deployment, outputs: dict[str, Any], aws: Aws
) -> Iterator[World]:
    """The deployed stack with monitoring; the database doesn't know the canary yet."""
    assert outputs
    with with_monitoring(running, deployed, aws, _MONITORING) as world:
        yield world


@pytest.fixture(scope="module")
def connected(monitored: World) -> World:
    """The same, once the database accepts the canary's tokens."""
    connect_aura(monitored.running, monitored.outputs["auraSso"])
    return monitored


def run(world: World) -> dict[str, Any]:
    """Run the canary as its rule does, and return what it found."""
    answer = world.aws("lambda").invoke(FunctionName=_FUNCTION, Payload=b"{}")
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, result
    return result


def run_with_a_new_token(world: World) -> dict[str, Any]:
    """Run the canary in a new environment, which has no token yet."""
    function = world.aws("lambda")
    found = function.get_function_configuration(FunctionName=_FUNCTION)
    variables = found["Environment"]["Variables"] | {"RENEWED": str(time.monotonic_ns())}
    function.update_function_configuration(
        FunctionName=_FUNCTION, Environment={"Variables": variables}
    )
    function.get_waiter("function_updated_v2").wait(FunctionName=_FUNCTION)
    return run(world)


def published(world: World, name: str, since: datetime) -> list[float]:
    """Return the values of a metric, one for each minute in which there are some."""
    found = world.aws("cloudwatch").get_metric_statistics(
        Namespace="Neo4jMcp",
        MetricName=name,
        Dimensions=_DIMENSIONS,
        StartTime=since,
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=60,
        Statistics=["Minimum"],
    )["Datapoints"]
    return [each["Minimum"] for each in sorted(found, key=lambda each: each["Timestamp"])]


def without_time(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "milliseconds"}


def test_a_database_that_does_not_know_the_canary_is_named(monitored: World) -> None:
    assert run(monitored) == {
        "message": "canary",
        "success": False,
        "hop": "database",
        "cause": "Neo.ClientError.Security.Unauthorized",
        "newToken": True,
    }


def test_once_it_is_in_the_databases_audience_the_canary_succeeds(connected: World) -> None:
    since = datetime.now(UTC).replace(second=0, microsecond=0)

    result = run(connected)

    assert without_time(result) == {"message": "canary", "success": True, "newToken": True}
    wait_until(lambda: bool(published(connected, "CanaryLatency", since)), "a latency")
    assert published(connected, "CanarySuccess", since)
    assert published(connected, "CanaryLatency", since)[-1] > 0


def test_the_token_is_kept_from_one_run_to_the_next(connected: World) -> None:
    run(connected)

    assert without_time(run(connected)) == {"message": "canary", "success": True, "newToken": False}


def test_a_client_without_a_flow_fails_at_the_token_endpoint(connected: World) -> None:
    flows: dict[str, Any] = {"AllowedOAuthFlowsUserPoolClient": False, "AllowedOAuthFlows": []}
    since = datetime.now(UTC).replace(second=0, microsecond=0)

    with app_client(connected, "canary", **flows):
        result = run_with_a_new_token(connected)

    assert (result["success"], result.get("hop")) == (False, "token"), result
    assert result["cause"].startswith("HTTP 400 ")
    wait_until(lambda: 0.0 in published(connected, "CanarySuccess", since), "a failed run")
    assert run(connected)["success"]


def test_a_service_that_is_paused_fails_at_the_host(connected: World) -> None:
    with paused(connected):
        result = run(connected)
        assert (result["success"], result["hop"]) == (False, "host")

    assert run(connected)["success"]


def test_a_database_that_is_away_is_named(connected: World) -> None:
    with database_away():
        result = run(connected)
        assert (result["success"], result["hop"]) == (False, "database")

    assert run(connected)["success"]


def test_a_rotation_does_not_disturb_it(connected: World) -> None:
    assert run(connected)["success"]

    assert connected.rotator.rotate(connected.client("canary")).outcome is Outcome.ROTATED

    assert run(connected)["success"]
    assert run_with_a_new_token(connected)["success"]


def test_its_log_has_the_result_and_no_secret(connected: World) -> None:
    aws = connected.aws
    arn = connected.outputs["clients"]["canary"]["secretArn"]
    secret = json.loads(aws("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    run_with_a_new_token(connected)
    function = aws("lambda").get_function_configuration(FunctionName=_FUNCTION)
    group = function["LoggingConfig"]["LogGroup"]

    def lines() -> list[str]:
        events = aws("logs").filter_log_events(logGroupName=group)["events"]
        return [each["message"] for each in events]

    wait_until(lambda: any('"success": true' in each for each in lines()), "a line in the log")
    assert not [each for each in lines() if secret["clientSecret"] in each or "Bearer" in each]


def test_its_alarm_is_raised_after_two_failures_of_three_and_ends_with_the_fault(
    connected: World,
) -> None:
    topic = connected.outputs["alarmTopicArn"]
    control = connected.running.control()
    control.call("ConfirmSubscriptions", TopicArn=topic)
    runs_in_a_row(connected, 3)
    wait_until(lambda: state(connected) == "OK", "the alarm is OK")
    sent = len(messages(connected, topic))

    known = connected.outputs["auraSso"]
    others = [each for each in known["audience"] if each != connected.client_id("canary")]
    with aura(connected, audience=others):
        runs_in_a_row(connected, 1)
        assert state(connected) == "OK"
        runs_in_a_row(connected, 1)
        wait_until(lambda: state(connected) == "ALARM", "the alarm is raised")

    runs_in_a_row(connected, 2)
    wait_until(lambda: state(connected) == "OK", "the alarm is OK")
    wait_until(lambda: len(messages(connected, topic)) >= sent + 2, "two messages")
    raised, ended = messages(connected, topic)[sent : sent + 2]
    assert (raised["NewStateValue"], ended["NewStateValue"]) == ("ALARM", "OK")
    assert "docs/runbook.md#canary-failing" in raised["AlarmDescription"]


def runs_in_a_row(world: World, number: int) -> None:
    """Run the canary as often, five minutes apart for CloudWatch."""
    for _ in range(number):
        run(world)
        world.running.control().call("MoveClock", Seconds=300)


def state(world: World) -> str:
    (found,) = world.aws("cloudwatch").describe_alarms(AlarmNames=[_ALARM])["MetricAlarms"]
    return str(found["StateValue"])


def messages(world: World, topic: str) -> list[dict[str, Any]]:
    """Return what the topic has delivered about the canary's alarm, oldest first."""
    listed = world.running.control().call("ListMessages", TopicArn=topic)["Messages"]
    # A confirmation's message is no JSON.
    found = [json.loads(each["Message"]) for each in listed if each["Message"].startswith("{")]
    return [each for each in found if each.get("AlarmName") == _ALARM]


@contextmanager
def paused(world: World) -> Iterator[None]:
    apprunner = world.aws("apprunner")
    (arn,) = [
        each["ServiceArn"]
        for each in apprunner.list_services()["ServiceSummaryList"]
        if each["ServiceName"] == world.context.names.service
    ]

    def is_in(status: str) -> bool:
        service = apprunner.describe_service(ServiceArn=arn)["Service"]
        return bool(service["Status"] == status)

    apprunner.pause_service(ServiceArn=arn)
    try:
        wait_until(lambda: is_in("PAUSED"), "the service is paused")
        yield
    finally:
        apprunner.resume_service(ServiceArn=arn)
        wait_until(lambda: is_in("RUNNING"), "the service is running")


@contextmanager
def database_away() -> Iterator[None]:
    commands = Controls.from_environment()
    assert commands.pause_database is not None
    assert commands.resume_database is not None
    controls.run(commands.pause_database)
    try:
        yield
    finally:
        controls.run(commands.resume_database)
