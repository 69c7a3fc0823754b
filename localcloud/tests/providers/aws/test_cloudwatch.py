"""CloudWatch's alarms and dashboards."""

from typing import Any

import pytest

from localcloud.providers.aws.clients import AwsError, Document
from localcloud.providers.aws.cloudwatch import CompositeAlarm, Dashboard, MetricAlarm
from localcloud.providers.aws.rules import parameter_errors
from localcloud.providers.values import Values
from providers.aws.fake import (
    check_request,
    create_request,
    fake,
    resource_request,
    update_request,
)

_SIMPLE: Values = {
    "name": "errors",
    "actionsEnabled": True,
    "comparisonOperator": "GreaterThanThreshold",
    "dimensions": {"ServiceName": "server", "ServiceID": "0123"},
    "evaluationPeriods": 3,
    "metricName": "Requests",
    "namespace": "AWS/AppRunner",
    "okActions": ["arn:aws:sns:us-east-1:000000000000:alarms"],
    "period": 300,
    "statistic": "Sum",
    "threshold": 5.0,
    "treatMissingData": "notBreaching",
}
_QUERIED: Values = {
    **{name: _SIMPLE[name] for name in ("name", "comparisonOperator", "evaluationPeriods")},
    "metricQueries": [
        {"id": "rate", "expression": "100 * m1", "label": "Rate", "returnData": True},
        {
            "id": "m1",
            "returnData": False,
            "metric": {
                "dimensions": {"FunctionName": "f"},
                "metricName": "Errors",
                "namespace": "AWS/Lambda",
                "period": 300,
                "stat": "Sum",
            },
        },
    ],
    "threshold": 5.0,
}


def _sent(inputs: Values) -> Document:
    aws = fake(PutMetricAlarm=[{}])
    assert MetricAlarm().create(create_request(aws, inputs)).id == "errors"
    (sent,) = aws.called("PutMetricAlarm")
    shape = aws.input_shape("cloudwatch", "PutMetricAlarm")
    assert list(parameter_errors(sent, shape)) == []
    return sent


def test_the_dimensions_of_a_metric_are_sent_as_pairs() -> None:
    sent = _sent(_SIMPLE)
    assert sent["Dimensions"] == [
        {"Name": "ServiceID", "Value": "0123"},
        {"Name": "ServiceName", "Value": "server"},
    ]
    assert sent["OKActions"] == _SIMPLE["okActions"]


def test_the_queries_of_an_expression_are_sent_with_their_metrics() -> None:
    expression, metric = _sent(_QUERIED)["Metrics"]
    assert expression == {
        "Id": "rate",
        "Expression": "100 * m1",
        "Label": "Rate",
        "ReturnData": True,
    }
    assert metric == {
        "Id": "m1",
        "ReturnData": False,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": "Errors",
                "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
            },
            "Period": 300,
            "Stat": "Sum",
        },
    }


@pytest.mark.parametrize("inputs", [_SIMPLE, _QUERIED])
def test_an_alarm_passes_a_preview(inputs: Values) -> None:
    _, failures = MetricAlarm().check(check_request(fake(), inputs))

    assert failures == []


@pytest.mark.parametrize("inputs", [_SIMPLE, _QUERIED])
def test_an_alarm_is_read_as_it_was_written(inputs: Values) -> None:
    described = {**_sent(inputs), "AlarmArn": "a"}
    aws = fake(DescribeAlarms=[{"MetricAlarms": [described]}], ListTagsForResource=[{"Tags": []}])
    found = MetricAlarm().read(resource_request(aws, "errors", {}))
    assert found is not None
    assert {name: found[name] for name in inputs} == inputs
    assert found["arn"] == "a"
    (asked,) = aws.called("DescribeAlarms")
    assert asked == {"AlarmNames": ["errors"], "AlarmTypes": ["MetricAlarm"]}


def test_an_update_replaces_the_alarm() -> None:
    aws = fake(PutMetricAlarm=[{}])
    state: Values = {**_SIMPLE, "arn": "a"}
    MetricAlarm().update(update_request(aws, "errors", state, {**_SIMPLE, "threshold": 7.0}))
    (sent,) = aws.called("PutMetricAlarm")
    assert (sent["AlarmName"], sent["Threshold"]) == ("errors", 7.0)
    assert len(sent["Dimensions"]) == 2


def test_a_wrong_operator_is_refused_by_a_preview() -> None:
    wrong: Values = {**_SIMPLE, "comparisonOperator": "Above"}
    _, failures = MetricAlarm().check(check_request(fake(), wrong))
    assert [failure.property for failure in failures] == ["comparisonOperator"]
    _, failures = MetricAlarm().check(check_request(fake(), _SIMPLE))
    assert failures == []


@pytest.mark.parametrize("resource", [MetricAlarm(), CompositeAlarm()])
def test_an_alarm_that_is_gone_is_not_found_and_its_deletion_succeeds(resource: Any) -> None:  # noqa: ANN401 - one of two types
    gone = AwsError("DeleteAlarms", "ResourceNotFound", "gone")
    aws = fake(DescribeAlarms=[{"MetricAlarms": [], "CompositeAlarms": []}], DeleteAlarms=[gone])
    assert resource.read(resource_request(aws, "errors", {})) is None
    resource.delete(resource_request(aws, "errors", {}))
    assert aws.called("DeleteAlarms") == [{"AlarmNames": ["errors"]}]


def test_a_composite_alarm_is_read_among_composite_alarms() -> None:
    inputs: Values = {
        "alarmName": "affected",
        "alarmRule": 'ALARM("errors")',
        "actionsEnabled": True,
        "alarmActions": ["arn:aws:sns:us-east-1:000000000000:alarms"],
    }
    aws = fake(PutCompositeAlarm=[{}])
    assert CompositeAlarm().create(create_request(aws, inputs)).id == "affected"
    (sent,) = aws.called("PutCompositeAlarm")
    reading = fake(
        DescribeAlarms=[{"CompositeAlarms": [{**sent, "AlarmArn": "a"}]}],
        ListTagsForResource=[{"Tags": []}],
    )
    found = CompositeAlarm().read(resource_request(reading, "affected", {}))
    assert found is not None
    assert {name: found[name] for name in inputs} == inputs
    assert reading.called("DescribeAlarms")[0]["AlarmTypes"] == ["CompositeAlarm"]


def test_a_dashboard_is_deleted_by_its_name() -> None:
    aws = fake(DeleteDashboards=[{}])
    Dashboard().delete(resource_request(aws, "service", {}))
    assert aws.called("DeleteDashboards") == [{"DashboardNames": ["service"]}]
