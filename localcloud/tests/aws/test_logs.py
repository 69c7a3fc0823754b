"""CloudWatch Logs at the endpoint: metric filters, pages of events, and the keys of log groups."""

import datetime as dt
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.conftest import ACCOUNT, REGION, AwsEndpoint, eventually

pytestmark = pytest.mark.stand_in


@pytest.fixture
def group(endpoint: AwsEndpoint) -> Iterator[str]:
    logs, name = endpoint.client("logs"), f"/test/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="stream")
    yield name
    logs.delete_log_group(logGroupName=name)


def put_events(endpoint: AwsEndpoint, group: str, messages: Sequence[str]) -> None:
    now = int(time.time() * 1000)
    endpoint.client("logs").put_log_events(
        logGroupName=group,
        logStreamName="stream",
        logEvents=[{"timestamp": now, "message": each} for each in messages],
    )


def total(endpoint: AwsEndpoint, metric: Mapping[str, Any]) -> float | None:
    now = dt.datetime.now(dt.UTC)
    points = endpoint.client("cloudwatch").get_metric_statistics(
        **metric,
        StartTime=now - dt.timedelta(minutes=5),
        EndTime=now + dt.timedelta(minutes=5),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(each["Sum"] for each in points) if points else None


def test_no_event_is_missing_where_a_page_ends(endpoint: AwsEndpoint, group: str) -> None:
    logs, messages = endpoint.client("logs"), [f"line {number}" for number in range(5)]
    put_events(endpoint, group, messages)
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, PaginationConfig={"PageSize": 2}
    )
    found = [[each["message"] for each in page["events"]] for page in pages]
    assert found == [messages[:2], messages[2:4], messages[4:]]
    with pytest.raises(ClientError, match="nextToken is invalid"):
        logs.filter_log_events(logGroupName=group, nextToken="x")


def test_a_metric_filter_counts_matching_events(endpoint: AwsEndpoint, group: str) -> None:
    logs, namespace = endpoint.client("logs"), f"Test/{uuid.uuid4()}"
    metric = {"metricName": "Errors", "metricNamespace": namespace, "metricValue": "2"}
    put_events(endpoint, group, ["ERROR before the filter"])
    logs.put_metric_filter(
        logGroupName=group,
        filterName="errors",
        filterPattern='ERROR -"not found"',
        metricTransformations=[metric],
    )
    [described] = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert described["metricTransformations"] == [metric]
    put_events(endpoint, group, ["ERROR one", "fine", "ERROR not found", "ERROR two"])
    of_errors = {"Namespace": namespace, "MetricName": "Errors"}
    assert eventually(lambda: total(endpoint, of_errors)) == 4.0
    logs.delete_metric_filter(logGroupName=group, filterName="errors")
    assert logs.describe_metric_filters(logGroupName=group)["metricFilters"] == []


def test_a_metric_filter_takes_values_and_dimensions_from_json(
    endpoint: AwsEndpoint, group: str
) -> None:
    namespace = f"Test/{uuid.uuid4()}"
    endpoint.client("logs").put_metric_filter(
        logGroupName=group,
        filterName="tokens",
        filterPattern='{ $.message = "token" && $.aud = * && $.count = * }',
        metricTransformations=[
            {
                "metricName": "Tokens",
                "metricNamespace": namespace,
                "metricValue": "$.count",
                "dimensions": {"Client": "$.aud"},
            }
        ],
    )
    put_events(
        endpoint,
        group,
        ['{"message": "token", "aud": "one", "count": 3}', '{"message": "other", "aud": "one"}'],
    )
    of_one = {
        "Namespace": namespace,
        "MetricName": "Tokens",
        "Dimensions": [{"Name": "Client", "Value": "one"}],
    }
    assert eventually(lambda: total(endpoint, of_one)) == 3.0


def test_a_pattern_is_tested_with_messages(endpoint: AwsEndpoint) -> None:
    logs = endpoint.client("logs")
    tested = logs.test_metric_filter(
        filterPattern="[level=ERROR, code > 400]", logEventMessages=["WARN 500", "ERROR 500"]
    )
    assert tested["matches"] == [
        {
            "eventNumber": 2,
            "eventMessage": "ERROR 500",
            "extractedValues": {"$level": "ERROR", "$code": "500"},
        }
    ]
    with pytest.raises(ClientError, match=r"InvalidParameterException.*Invalid metric filter"):
        logs.test_metric_filter(filterPattern="{ $.a > b }", logEventMessages=["x"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"filterPattern": "a:b"}, "Invalid metric filter pattern"),
        ({"filterName": "a:b"}, "filterName"),
        ({"metricTransformations": []}, "metricTransformations"),
        ({"applyOnTransformedLogs": True}, "doesn't support applyOnTransformedLogs"),
        (
            {
                "metricTransformations": [
                    {"metricName": "M", "metricNamespace": "N", "metricValue": "x"}
                ]
            },
            "Invalid metric transformation",
        ),
    ],
)
def test_an_invalid_metric_filter_is_refused(
    endpoint: AwsEndpoint, group: str, changes: dict[str, object], reason: str
) -> None:
    request: dict[str, object] = {
        "logGroupName": group,
        "filterName": "name",
        "filterPattern": "ERROR",
        "metricTransformations": [{"metricName": "M", "metricNamespace": "N", "metricValue": "1"}],
    }
    with pytest.raises(ClientError, match=rf"InvalidParameterException.*{reason}"):
        endpoint.client("logs").put_metric_filter(**{**request, **changes})


def test_a_metric_filter_needs_a_log_group(endpoint: AwsEndpoint) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        endpoint.client("logs").put_metric_filter(
            logGroupName=f"/test/{uuid.uuid4()}",
            filterName="name",
            filterPattern="ERROR",
            metricTransformations=[{"metricName": "M", "metricNamespace": "N", "metricValue": "1"}],
        )


def create_key(endpoint: AwsEndpoint, **statement: object) -> str:
    administrator = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    policy = {"Version": "2012-10-17", "Statement": [administrator, statement]}
    key: str = endpoint.client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    return key


def log_key(endpoint: AwsEndpoint, group: str) -> str:
    """Create a key with the policy of the CloudWatch Logs User Guide."""
    return create_key(
        endpoint,
        Effect="Allow",
        Principal={"Service": f"logs.{REGION}.amazonaws.com"},
        Action=[
            "kms:Encrypt*",
            "kms:Decrypt*",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:Describe*",
        ],
        Resource="*",
        Condition={
            "ArnEquals": {
                "kms:EncryptionContext:aws:logs:arn": (
                    f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
                )
            }
        },
    )


def key_of(endpoint: AwsEndpoint, group: str) -> str | None:
    [found] = endpoint.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    key: str | None = found.get("kmsKeyId")
    return key


def test_a_key_is_associated_with_a_log_group(endpoint: AwsEndpoint, group: str) -> None:
    logs, key = endpoint.client("logs"), log_key(endpoint, group)
    assert key_of(endpoint, group) is None
    logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
    assert key_of(endpoint, group) == key
    logs.disassociate_kms_key(logGroupName=group)
    assert key_of(endpoint, group) is None
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.associate_kms_key(logGroupName=f"{group}/missing", kmsKeyId=key)


def test_a_key_that_cloudwatch_logs_may_not_use_is_refused(
    endpoint: AwsEndpoint, group: str
) -> None:
    logs, kms = endpoint.client("logs"), endpoint.client("kms")
    of_another_group, disabled = log_key(endpoint, f"{group}-x"), log_key(endpoint, group)
    kms.disable_key(KeyId=disabled)
    unusable = {
        of_another_group: "AccessDeniedException",
        kms.create_key()["KeyMetadata"]["Arn"]: "AccessDeniedException",
        disabled: "InvalidParameterException",
        f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{uuid.uuid4()}": "InvalidParameterException",
        "alias/logs": "InvalidParameterException",
    }
    for key, code in unusable.items():
        with pytest.raises(ClientError, match=f"{code}.*KMS key does not exist"):
            logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
        with pytest.raises(ClientError, match=f"{code}.*KMS key does not exist"):
            logs.create_log_group(logGroupName=f"{group}/new", kmsKeyId=key)
    assert key_of(endpoint, group) is None
