"""What functions leave behind at the endpoint: their log events and metrics."""

import datetime as dt
import io
import json
import re
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from aws.conftest import ACCOUNT, REGION, AwsEndpoint, create_role, eventually

pytestmark = pytest.mark.stand_in

CODE = """
import json
import logging
import time

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.INFO)
logging.getLogger("other").info("not shown")


def handler(event, context):
    _logger.debug("not shown")
    _logger.info("first\\nsecond")
    print(json.dumps({"message": "plain", "id": event["id"]}))
    if event.get("fail"):
        raise ValueError("made to fail")
    time.sleep(event.get("seconds", 0))
    return context.aws_request_id
"""


WRITE_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")


def create_function(endpoint: AwsEndpoint, name: str, *actions: str) -> None:
    """Deploy the function with an alias of its first version.

    Args:
        endpoint: the endpoint.
        name: its name.
        actions: what its role may do with its log group.
    """
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{name}"
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": [arn, f"{arn}:*"]}
    client, archive = endpoint.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", CODE)
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=create_role(endpoint, name, "lambda.amazonaws.com", [statement]),
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=1,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.2})
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)


@pytest.fixture
def function(endpoint: AwsEndpoint) -> Iterator[str]:
    name = f"logs-{uuid.uuid4()}"
    create_function(endpoint, name, "logs:CreateLogGroup", *WRITE_LOG)
    yield name
    endpoint.client("lambda").delete_function(FunctionName=name)


def invoke(endpoint: AwsEndpoint, function: str, **event: object) -> dict[str, Any]:
    found: dict[str, Any] = endpoint.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps({"id": "none", **event}).encode()
    )
    return found


def messages(endpoint: AwsEndpoint, function: str, request_id: str) -> list[str]:
    """Return the events of the stream that has an invocation."""
    logs, group = endpoint.client("logs"), f"/aws/lambda/{function}"
    [found] = logs.filter_log_events(
        logGroupName=group, filterPattern=f'"START RequestId: {request_id}"'
    )["events"]
    events = logs.get_log_events(
        logGroupName=group, logStreamName=found["logStreamName"], startFromHead=True
    )["events"]
    return [event["message"] for event in events]


def sums(endpoint: AwsEndpoint, **dimensions: str) -> dict[str, float]:
    now, found = dt.datetime.now(dt.UTC), {}
    for name in ("Invocations", "Errors", "Throttles"):
        points = endpoint.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now - dt.timedelta(minutes=10),
            EndTime=now + dt.timedelta(minutes=5),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        if points:
            found[name] = sum(point["Sum"] for point in points)
    return found


def test_what_a_function_logs_and_prints_is_in_its_log_group(
    endpoint: AwsEndpoint, function: str
) -> None:
    request_id = json.loads(invoke(endpoint, f"{function}:live", id="x")["Payload"].read())
    start, record, line, end, report = messages(endpoint, function, request_id)
    assert start == f"START RequestId: {request_id} Version: 1"
    assert re.fullmatch(rf"\[INFO\]\t[\d:.TZ-]+\t{request_id}\tfirst\nsecond", record)
    assert json.loads(line) == {"message": "plain", "id": "x"}
    assert end == f"END RequestId: {request_id}"
    assert re.match(rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled", report)
    found = endpoint.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{function}", filterPattern='{ $.id = "x" }'
    )["events"]
    assert [event["message"] for event in found] == [line]


def test_an_exception_and_a_timeout_are_logged_as_by_lambda(
    endpoint: AwsEndpoint, function: str
) -> None:
    failed = invoke(endpoint, function, fail=True)
    assert failed["FunctionError"] == "Unhandled"
    logs, group = endpoint.client("logs"), f"/aws/lambda/{function}"
    [error] = logs.filter_log_events(logGroupName=group, filterPattern='"made to fail"')["events"]
    assert error["message"].startswith(
        "[ERROR] ValueError: made to fail\nTraceback (most recent call last):\n  File "
    )
    invoke(endpoint, function, seconds=5)
    timeouts = logs.filter_log_events(logGroupName=group, filterPattern='"Task timed out after"')
    [timeout] = timeouts["events"]
    assert re.fullmatch(r"[\d:.T-]+Z [\w-]+ Task timed out after 1\.00 seconds", timeout["message"])


def test_a_function_logs_as_far_as_its_role_may(endpoint: AwsEndpoint) -> None:
    logs, client, name = endpoint.client("logs"), endpoint.client("lambda"), f"logs-{uuid.uuid4()}"
    group = f"/aws/lambda/{name}"
    create_function(endpoint, name, *WRITE_LOG)
    invoke(endpoint, name)
    # Without a permission to create the group, there is no log until somebody creates it.
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
    logs.create_log_group(logGroupName=group)
    invoke(endpoint, name)
    assert len(logs.describe_log_streams(logGroupName=group)["logStreams"]) == 1
    endpoint.client("iam").delete_role_policy(RoleName=name, PolicyName="access")
    invoke(endpoint, name)
    assert len(logs.describe_log_streams(logGroupName=group)["logStreams"]) == 1
    client.delete_function(FunctionName=name)


def test_invocations_errors_and_throttles_are_counted(endpoint: AwsEndpoint, function: str) -> None:
    client = endpoint.client("lambda")
    client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    invoke(endpoint, f"{function}:live")
    invoke(endpoint, function, fail=True)
    event = json.dumps({"id": "none", "fail": True}).encode()
    client.invoke(FunctionName=function, InvocationType="Event", Payload=event)
    expected = {"Invocations": 3.0, "Errors": 2.0, "Throttles": 0.0}
    assert eventually(lambda: sums(endpoint, FunctionName=function) == expected)
    assert sums(endpoint, FunctionName=function, Resource=f"{function}:live") == {
        "Invocations": 1.0,
        "Errors": 0.0,
        "Throttles": 0.0,
    }
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        invoke(endpoint, function)
    assert eventually(lambda: sums(endpoint, FunctionName=function)["Throttles"] == 1.0)
    assert sums(endpoint, FunctionName=function) == {**expected, "Throttles": 1.0}
