"""CloudWatch Logs' metric filters."""

import pytest

from localcloud.providers.aws.metric_filters import LogMetricFilter
from localcloud.providers.aws.rules import parameter_errors
from localcloud.providers.values import Values
from providers.aws.fake import (
    check_request,
    create_request,
    fake,
    not_found,
    resource_request,
)

_INPUTS: Values = {
    "name": "failed",
    "logGroupName": "/ecs/server",
    "pattern": '{ $.level = "ERROR" }',
    "metricTransformation": {
        "name": "FailedToolCalls",
        "namespace": "Neo4jMcp",
        "value": "1",
        "unit": "Count",
        "defaultValue": "0",
    },
}


def test_a_filter_is_read_as_it_was_written() -> None:
    aws = fake(PutMetricFilter=[{}])
    assert LogMetricFilter().create(create_request(aws, _INPUTS)).id == "failed"
    (sent,) = aws.called("PutMetricFilter")
    assert list(parameter_errors(sent, aws.input_shape("logs", "PutMetricFilter"))) == []
    assert sent["metricTransformations"][0]["defaultValue"] == 0.0

    longer = {**sent, "filterName": "failed-too"}
    reading = fake(DescribeMetricFilters=[{"metricFilters": [longer, sent]}])
    found = LogMetricFilter().read(resource_request(reading, "failed", _INPUTS))
    assert found is not None
    assert {name: found[name] for name in _INPUTS} == _INPUTS
    assert reading.called("DescribeMetricFilters") == [
        {"logGroupName": "/ecs/server", "filterNamePrefix": "failed"}
    ]


@pytest.mark.parametrize("response", [{"metricFilters": []}, not_found("DescribeMetricFilters")])
def test_a_filter_whose_group_is_gone_is_not_found(response: object) -> None:
    aws = fake(DescribeMetricFilters=[response])
    assert LogMetricFilter().read(resource_request(aws, "failed", _INPUTS)) is None


def test_the_transformation_is_checked_by_a_preview() -> None:
    transformation: Values = {"name": "a:b", "namespace": "Neo4jMcp", "value": "1"}
    wrong: Values = {**_INPUTS, "metricTransformation": transformation}
    _, failures = LogMetricFilter().check(check_request(fake(), wrong))
    assert [failure.property for failure in failures] == ["metricTransformation.name"]
