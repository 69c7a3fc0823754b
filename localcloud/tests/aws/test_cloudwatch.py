"""CloudWatch at the endpoint, with boto3."""

import datetime as dt
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from aws.conftest import AwsEndpoint
from localcloud.dashboards.page import render
from localcloud.dashboards.reading import read

pytestmark = pytest.mark.stand_in


def test_data_is_stored_and_returned(endpoint: AwsEndpoint) -> None:
    cloudwatch, name = endpoint.client("cloudwatch"), f"Latency{uuid.uuid4().hex}"
    now = dt.datetime.now(dt.UTC)
    # Long enough that boto3 compresses it.
    data = [
        {"MetricName": name, "Timestamp": now, "Unit": "Milliseconds", "Values": [float(first)]}
        for first in range(500)
    ]
    cloudwatch.put_metric_data(Namespace="Test", MetricData=data)
    metric = {"Namespace": "Test", "MetricName": name}
    stat = {"Metric": metric, "Period": 60, "Stat": "p90"}
    [result] = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "m1", "MetricStat": stat}],
        StartTime=now,
        EndTime=now + dt.timedelta(minutes=1),
    )["MetricDataResults"]
    assert result["Values"] == [449]
    assert result["Timestamps"] == [now.replace(second=0, microsecond=0)]
    [listed] = cloudwatch.list_metrics(MetricName=name)["Metrics"]
    assert listed["Namespace"] == "Test"


def test_errors_have_the_codes_that_boto3_expects(endpoint: AwsEndpoint) -> None:
    cloudwatch = endpoint.client("cloudwatch")
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException) as refused:
        cloudwatch.put_metric_data(
            Namespace="Test", MetricData=[{"MetricName": "Old", "Value": 2.0**361}]
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    with pytest.raises(ClientError, match=r"ValidationError.*doesn't support PutInsightRule"):
        cloudwatch.put_insight_rule(RuleName="x", RuleDefinition="{}")


def test_an_alarm_publishes_to_a_topic_that_lets_it(endpoint: AwsEndpoint) -> None:
    cloudwatch, sns, name = endpoint.client("cloudwatch"), endpoint.client("sns"), uuid.uuid4().hex
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="oncall@example.com")
    endpoint.control().call("ConfirmSubscriptions", TopicArn=topic)
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Test",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
        AlarmActions=[topic],
        OKActions=[topic],
    )
    cloudwatch.put_composite_alarm(AlarmName=f"{name}-any", AlarmRule=f'ALARM("{name}")')
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": name, "Value": 1}])
    endpoint.control().call("MoveClock", Seconds=60)

    def described() -> list[str]:
        found = cloudwatch.describe_alarms(
            AlarmNamePrefix=name, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
        return [alarm["StateValue"] for alarm in alarms]

    assert described() == ["ALARM", "ALARM"]
    messages = endpoint.control().call("ListMessages", TopicArn=topic)["Messages"]
    [sent] = [each for each in messages if each["Type"] == "Notification"]
    assert sent["Subject"] == f'ALARM: "{name}" in US East (N. Virginia)'
    assert json.loads(sent["Message"])["NewStateValue"] == "ALARM"
    with pytest.raises(ClientError, match=r"composite alarm\(s\) depending on it"):
        cloudwatch.delete_alarms(AlarmNames=[name])
    cloudwatch.delete_alarms(AlarmNames=[f"{name}-any"])
    cloudwatch.delete_alarms(AlarmNames=[name])
    assert described() == []


def test_a_dashboard_is_rendered_with_its_data(endpoint: AwsEndpoint) -> None:
    cloudwatch, name = endpoint.client("cloudwatch"), uuid.uuid4().hex
    properties = {
        "title": "Calls",
        "region": "us-east-1",
        "period": 60,
        "metrics": [["Test", name, {"stat": "Sum"}]],
    }
    widgets = [{"type": "metric", "properties": properties}]
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody=json.dumps({"widgets": widgets}))
    assert "no data" in render(read(cloudwatch, name, time.time()))
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": name, "Value": 1}])
    assert "<circle" in render(read(cloudwatch, name, time.time() + 1))
    cloudwatch.delete_dashboards(DashboardNames=[name])
    with pytest.raises(ClientError, match="ResourceNotFound"):
        cloudwatch.get_dashboard(DashboardName=name)
