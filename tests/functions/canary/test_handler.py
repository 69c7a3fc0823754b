"""The handler: what it reads, logs and publishes, and which errors are its own."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from components.monitoring import canary_alarms
from components.monitoring.alarm import NAMESPACE
from functions.canary import metrics
from functions.canary.credentials import CanaryError
from functions.canary.handler import credentials_in, handle, run
from functions.canary.probe import Canary
from tests.functions.canary.conftest import CLIENT_SECRET, Way, tool_result

_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:neo4j-mcp-dev-canary-credentials-x"
_SERVICE = "neo4j-mcp-dev"
_DIMENSIONS = [{"Name": "Service", "Value": _SERVICE}]


def stubbed(service: str) -> tuple[Any, Stubber]:
    client = boto3.client(  # type: ignore[call-overload]  # the name is no literal
        service, region_name="us-east-1", aws_access_key_id="id", aws_secret_access_key="key"
    )
    return client, Stubber(client)


def value_of(way: Way) -> str:
    credentials = way.credentials
    return json.dumps(
        {
            "clientId": credentials.client_id,
            "clientSecret": credentials.client_secret,
            "tokenUrl": credentials.token_url,
            "mcpUrl": credentials.mcp_url,
            "scopes": list(credentials.scopes),
        }
    )


def canary_of(way: Way) -> Canary:
    manager, stubs = stubbed("secretsmanager")
    stubs.add_response("get_secret_value", {"SecretString": value_of(way)}, {"SecretId": _ARN})
    stubs.activate()
    return Canary(lambda: credentials_in(manager, _ARN))


def test_a_success_and_its_latency_are_published(
    way: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudwatch, stubs = stubbed("cloudwatch")
    success = {
        "MetricName": "CanarySuccess",
        "Dimensions": _DIMENSIONS,
        "Value": 1.0,
        "Unit": "Count",
    }
    latency = {
        "MetricName": "CanaryLatency",
        "Dimensions": _DIMENSIONS,
        "Value": ANY,
        "Unit": "Milliseconds",
    }
    stubs.add_response(
        "put_metric_data", {}, {"Namespace": "Neo4jMcp", "MetricData": [success, latency]}
    )
    stubs.activate()

    result = run(canary_of(way), cloudwatch, _SERVICE)

    stubs.assert_no_pending_responses()
    assert json.loads(capsys.readouterr().out) == result
    assert result["success"] is True


def test_a_failing_hop_is_published_and_is_no_error_of_the_function(
    way: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    way.answers["tools/call"] = tool_result(f"refused, {CLIENT_SECRET}", failed=True)
    cloudwatch, stubs = stubbed("cloudwatch")
    failure = {
        "MetricName": "CanarySuccess",
        "Dimensions": _DIMENSIONS,
        "Value": 0.0,
        "Unit": "Count",
    }
    stubs.add_response("put_metric_data", {}, {"Namespace": "Neo4jMcp", "MetricData": [failure]})
    stubs.activate()

    result = run(canary_of(way), cloudwatch, _SERVICE)

    stubs.assert_no_pending_responses()
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == result
    assert (result["hop"], result["cause"]) == ("database", "refused, ***")


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("get_secret_value", "AccessDeniedException"),
        ("get_secret_value", "ResourceNotFoundException"),
    ],
)
def test_a_secret_that_cannot_be_read_is_an_error_of_the_function(
    operation: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    manager, stubs = stubbed("secretsmanager")
    stubs.add_client_error(operation, code)
    stubs.activate()
    cloudwatch, _ = stubbed("cloudwatch")

    with pytest.raises(ClientError, match=code):
        run(Canary(lambda: credentials_in(manager, _ARN)), cloudwatch, _SERVICE)
    assert capsys.readouterr().out == ""


def test_a_secret_without_a_value_is_an_error_of_the_function() -> None:
    manager, stubs = stubbed("secretsmanager")
    stubs.add_response("get_secret_value", {"ARN": _ARN})
    stubs.activate()

    with pytest.raises(CanaryError, match="Deploy the stack"):
        credentials_in(manager, _ARN)


def test_metrics_that_cannot_be_written_are_an_error_of_the_function(
    way: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudwatch, stubs = stubbed("cloudwatch")
    stubs.add_client_error("put_metric_data", "AccessDenied")
    stubs.activate()

    with pytest.raises(ClientError, match="AccessDenied"):
        run(canary_of(way), cloudwatch, _SERVICE)
    # What it found out is in the log all the same.
    assert json.loads(capsys.readouterr().out)["success"] is True


def test_outside_lambda_there_is_no_canary() -> None:
    with pytest.raises(RuntimeError, match="AWS_LAMBDA_FUNCTION_NAME"):
        handle({}, None)


def test_the_alarm_and_the_function_name_the_same_metrics() -> None:
    alarm = canary_alarms.canary_failing(minutes=5)
    assert [(each.namespace, each.name) for each in alarm.metrics] == [
        (metrics.NAMESPACE, metrics.SUCCESS)
    ]
    assert (NAMESPACE, canary_alarms.CANARY_LATENCY) == (metrics.NAMESPACE, metrics.LATENCY)
