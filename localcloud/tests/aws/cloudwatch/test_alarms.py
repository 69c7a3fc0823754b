"""Metric alarms: their states, actions and history, and what PutMetricAlarm refuses."""

import asyncio
from typing import Any

import pytest

from aws.cloudwatch.service import (
    DIMENSION,
    NAMESPACE,
    NOON,
    TOPIC,
    FakeCloudWatch,
    metric_query,
)
from localcloud.aws.movable_clock import MINUTE
from localcloud.aws.protocol import ApiError

NO_METRIC: dict[str, Any] = dict.fromkeys(
    ("Namespace", "MetricName", "Dimensions", "Statistic", "Period")
)
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:react"


async def test_a_new_alarm_has_insufficient_data_until_it_is_evaluated(
    cloudwatch: FakeCloudWatch,
) -> None:
    await cloudwatch.put_alarm(TreatMissingData="missing")
    found = await cloudwatch.alarm()
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    assert found["StateReason"] == "Unchecked: Initial alarm creation"
    await cloudwatch.evaluate()
    assert (await cloudwatch.state(), cloudwatch.notified()) == ("INSUFFICIENT_DATA", [])


async def test_an_alarm_fires_and_clears(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm()
    await cloudwatch.evaluate()
    assert cloudwatch.notified() == ["alarm OK"]
    await cloudwatch.put(1)
    await cloudwatch.evaluate()
    # The minute of the value isn't complete yet.
    assert await cloudwatch.state() == "OK"
    await cloudwatch.evaluate(minutes=1)
    assert (await cloudwatch.state(), cloudwatch.notified()) == ("ALARM", ["alarm ALARM"])
    await cloudwatch.evaluate()
    assert cloudwatch.notified() == []
    await cloudwatch.put(0)
    await cloudwatch.evaluate(minutes=1)
    assert (await cloudwatch.state(), cloudwatch.notified()) == ("OK", ["alarm OK"])


async def test_an_alarm_ignores_other_dimensions(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm(Dimensions=[DIMENSION, {"Name": "Id", "Value": "x"}])
    await cloudwatch.put(5)
    await cloudwatch.evaluate(minutes=1)
    assert await cloudwatch.state() == "OK"


async def test_a_breaching_value_stays_until_it_leaves_the_evaluation_range(
    cloudwatch: FakeCloudWatch,
) -> None:
    await cloudwatch.put_alarm()
    await cloudwatch.put(1)
    states = []
    for _ in range(5):
        await cloudwatch.evaluate(minutes=1)
        states.append(await cloudwatch.state())
    assert states == ["ALARM", "ALARM", "ALARM", "OK", "OK"]


async def test_missing_data_can_breach(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm(
        ComparisonOperator="LessThanThreshold",
        Threshold=1,
        TreatMissingData="breaching",
        EvaluationPeriods=2,
    )
    for _ in range(2):
        await cloudwatch.put(1)
        await cloudwatch.evaluate(minutes=1)
    assert await cloudwatch.state() == "OK"
    await cloudwatch.evaluate(minutes=4)
    assert await cloudwatch.state() == "ALARM"


async def test_periods_end_with_any_minute(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm(Period=300, Threshold=1)
    await cloudwatch.put(1, Timestamp=NOON + 4 * MINUTE)
    await cloudwatch.put(1, Timestamp=NOON + 6 * MINUTE)
    cloudwatch.time = NOON + 7 * MINUTE
    await cloudwatch.evaluate()
    assert await cloudwatch.state() == "ALARM"


async def test_a_minute_is_evaluated_once_it_is_complete(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm()
    await cloudwatch.put(1, Timestamp=NOON + 10)
    cloudwatch.time = NOON + 59
    await cloudwatch.evaluate()
    assert await cloudwatch.state() == "OK"
    cloudwatch.time = NOON + 60
    await cloudwatch.evaluate()
    assert await cloudwatch.state() == "ALARM"


async def test_an_alarm_on_an_expression(cloudwatch: FakeCloudWatch) -> None:
    queries = [
        metric_query(query_id="errors", ReturnData=False),
        metric_query(query_id="requests", name="Requests", ReturnData=False),
        {"Id": "ratio", "Expression": "IF(requests > 20, errors / requests, 0)"},
    ]
    await cloudwatch.put_alarm(**NO_METRIC, Metrics=queries, Threshold=0.1)
    await cloudwatch.put(5)
    await cloudwatch.put(10, name="Requests")
    await cloudwatch.evaluate(minutes=1)
    assert await cloudwatch.state() == "OK"
    await cloudwatch.put(5)
    await cloudwatch.put(40, name="Requests")
    await cloudwatch.evaluate(minutes=1)
    assert await cloudwatch.state() == "ALARM"
    trigger = cloudwatch.notifications[-1].message["Trigger"]
    assert [each["Id"] for each in trigger["Metrics"]] == ["errors", "requests", "ratio"]
    assert trigger["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"] == [
        {"name": "Service", "value": "one"}
    ]


async def test_an_alarm_on_a_percentile(cloudwatch: FakeCloudWatch) -> None:
    settings: dict[str, Any] = {"Statistic": None, "ExtendedStatistic": "p90", "Threshold": 5000}
    await cloudwatch.put_alarm("few", **settings, EvaluateLowSampleCountPercentile="ignore")
    await cloudwatch.put_alarm("any", **settings)
    await cloudwatch.put(Values=[100.0, 9000.0], Counts=[8.0, 2.0])
    await cloudwatch.evaluate(minutes=1)
    assert await cloudwatch.state("any") == "ALARM"
    assert await cloudwatch.state("few") == "OK"
    await cloudwatch.put(Values=[100.0, 9000.0], Counts=[80.0, 20.0])
    await cloudwatch.evaluate(minutes=1)
    assert await cloudwatch.state("few") == "ALARM"


async def test_a_notification_has_the_members_of_aws(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm(AlarmDescription="Look at the runbook.", Unit="Count")
    await cloudwatch.put(3, Unit="Count")
    await cloudwatch.evaluate()
    await cloudwatch.evaluate(minutes=1)
    sent = cloudwatch.notifications[-1]
    arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:alarm"
    assert (sent.action, sent.alarm) == (TOPIC, arn)
    assert sent.subject == 'ALARM: "alarm" in US East (N. Virginia)'
    assert sent.message == {
        "AlarmName": "alarm",
        "AlarmDescription": "Look at the runbook.",
        "AWSAccountId": "000000000000",
        "AlarmConfigurationUpdatedTimestamp": "2026-03-02T11:59:00.000+0000",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 1 out of the last 1 datapoints [3.0 (02/03/26"
        " 12:00:00)] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM"
        " transition).",
        "StateChangeTime": "2026-03-02T12:00:00.000+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": arn,
        "OldStateValue": "OK",
        "OKActions": [TOPIC],
        "AlarmActions": [TOPIC],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "Errors",
            "Namespace": NAMESPACE,
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": "Count",
            "Dimensions": [{"value": "one", "name": "Service"}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0.0,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": "",
        },
    }


async def test_the_subject_is_as_short_as_sns_requires(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm("a" * 200)
    await cloudwatch.evaluate()
    subject = cloudwatch.notifications[0].subject
    assert len(subject) == 100
    assert subject.endswith('aaa..." in US East (N. Virginia)')


async def test_a_function_gets_an_event(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm(OKActions=[FUNCTION])
    await cloudwatch.evaluate()
    [sent] = cloudwatch.notifications
    assert sent.message["source"] == "aws.cloudwatch"
    assert sent.message["alarmData"]["alarmName"] == "alarm"
    assert sent.message["alarmData"]["state"]["value"] == "OK"
    assert sent.message["alarmData"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    [query] = sent.message["alarmData"]["configuration"]["metrics"]
    assert query["metricStat"]["metric"]["dimensions"] == {"Service": "one"}


async def test_actions_can_be_disabled(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm()
    await cloudwatch.call("DisableAlarmActions", AlarmNames=["alarm"])
    await cloudwatch.evaluate()
    assert (await cloudwatch.state(), cloudwatch.notified()) == ("OK", [])
    await cloudwatch.call("EnableAlarmActions", AlarmNames=["alarm"])
    await cloudwatch.set_state("alarm", "ALARM")
    assert cloudwatch.notified() == ["alarm ALARM"]


async def test_a_state_that_was_set_returns_to_the_actual_one(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm()
    await cloudwatch.evaluate()
    await cloudwatch.set_state("alarm", "ALARM")
    assert (await cloudwatch.alarm())["StateReason"] == "test"
    await cloudwatch.evaluate()
    assert cloudwatch.notified() == ["alarm OK", "alarm ALARM", "alarm OK"]


async def test_the_history_has_configurations_states_and_actions(
    cloudwatch: FakeCloudWatch,
) -> None:
    await cloudwatch.put_alarm()
    cloudwatch.failure = "the topic does not exist"
    await cloudwatch.evaluate()
    answer = await cloudwatch.call("DescribeAlarmHistory", AlarmName="alarm")
    items = answer["AlarmHistoryItems"]
    assert [(each["HistoryItemType"], each["HistorySummary"]) for each in items] == [
        ("Action", f"Failed to execute action {TOPIC}"),
        ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to OK"),
        ("ConfigurationUpdate", 'Alarm "alarm" created'),
    ]
    assert "the topic does not exist" in items[0]["HistoryData"]


async def test_an_update_keeps_the_state_and_the_tags(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm(Tags=[{"Key": "Project", "Value": "x"}])
    await cloudwatch.evaluate()
    await cloudwatch.put_alarm(Threshold=100, Tags=[{"Key": "Project", "Value": "y"}])
    found = await cloudwatch.alarm()
    assert (found["StateValue"], found["Threshold"]) == ("OK", 100)
    tags = await cloudwatch.call("ListTagsForResource", ResourceARN=found["AlarmArn"])
    assert tags == {"Tags": [{"Key": "Project", "Value": "x"}]}
    await cloudwatch.call(
        "TagResource", ResourceARN=found["AlarmArn"], Tags=[{"Key": "Stack", "Value": "dev"}]
    )
    await cloudwatch.call("UntagResource", ResourceARN=found["AlarmArn"], TagKeys=["Project"])
    tags = await cloudwatch.call("ListTagsForResource", ResourceARN=found["AlarmArn"])
    assert tags == {"Tags": [{"Key": "Stack", "Value": "dev"}]}


async def test_alarms_are_described_by_name_prefix_and_state(cloudwatch: FakeCloudWatch) -> None:
    for name in ("b-one", "a-two", "b-two"):
        await cloudwatch.put_alarm(name)
    await cloudwatch.set_state("b-two", "ALARM")

    async def names(**parameters: Any) -> list[str]:  # noqa: ANN401 - any JSON
        answer = await cloudwatch.call("DescribeAlarms", **parameters)
        return [each["AlarmName"] for each in answer["MetricAlarms"]]

    assert await names() == ["a-two", "b-one", "b-two"]
    assert await names(AlarmNamePrefix="b-") == ["b-one", "b-two"]
    assert await names(StateValue="ALARM") == ["b-two"]
    assert await names(AlarmNames=["a-two", "none"]) == ["a-two"]
    assert await names(ActionPrefix="arn:aws:lambda") == []
    first = await cloudwatch.call("DescribeAlarms", MaxRecords=2)
    assert await names(MaxRecords=2, NextToken=first["NextToken"]) == ["b-two"]
    metric = {"Namespace": NAMESPACE, "MetricName": "Errors"}
    answer = await cloudwatch.call("DescribeAlarmsForMetric", Dimensions=[DIMENSION], **metric)
    assert len(answer["MetricAlarms"]) == 3
    answer = await cloudwatch.call("DescribeAlarmsForMetric", **metric)
    assert answer["MetricAlarms"] == []


async def test_a_deleted_alarm_is_gone_and_its_history_stays(cloudwatch: FakeCloudWatch) -> None:
    await cloudwatch.put_alarm()
    await cloudwatch.call("DeleteAlarms", AlarmNames=["alarm", "none"])
    assert (await cloudwatch.call("DescribeAlarms"))["MetricAlarms"] == []
    answer = await cloudwatch.call("DescribeAlarmHistory", AlarmName="alarm")
    assert answer["AlarmHistoryItems"][0]["HistorySummary"] == 'Alarm "alarm" deleted'
    with pytest.raises(ApiError, match="does not exist"):
        await cloudwatch.set_state("alarm", "OK")


async def test_an_alarm_that_is_deleted_during_an_evaluation_stays_deleted(
    cloudwatch: FakeCloudWatch,
) -> None:
    async def delete(_message: dict[str, Any]) -> None:
        await cloudwatch.call("DeleteAlarms", AlarmNames=["b"])

    for name in ("a", "b"):
        await cloudwatch.put_alarm(name)
    cloudwatch.on_action = delete
    await cloudwatch.evaluate()
    assert cloudwatch.notified() == ["a OK"]
    [left] = (await cloudwatch.call("DescribeAlarms"))["MetricAlarms"]
    assert left["AlarmName"] == "a"


async def test_moving_the_clock_waits_for_actions_that_have_begun(
    cloudwatch: FakeCloudWatch,
) -> None:
    began, finish = asyncio.Event(), asyncio.Event()

    async def wait(_message: dict[str, Any]) -> None:
        began.set()
        await finish.wait()

    cloudwatch.on_action = wait
    await cloudwatch.put_alarm()
    running = asyncio.create_task(cloudwatch.service.run_due())
    await began.wait()
    moving = asyncio.create_task(cloudwatch.passing_time.move({"Seconds": 60}))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not moving.done()
    finish.set()
    await asyncio.gather(running, moving)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"MetricName": None}, "either MetricName or Metrics"),
        ({"Metrics": [metric_query()]}, "either MetricName or Metrics"),
        ({"Metrics": [metric_query()], "MetricName": None}, "Namespace can't be combined"),
        ({"Statistic": None}, "either Statistic or ExtendedStatistic"),
        ({"Period": None}, "The parameter Period is required"),
        ({"Threshold": None}, "The parameter Threshold is required"),
        ({"Period": 45}, "multiple of 60"),
        ({"Period": 5}, "must be 10, 20, 30 or a multiple of 60"),
        ({"DatapointsToAlarm": 2}, "must be less than or equal to EvaluationPeriods"),
        ({"TreatMissingData": "bad"}, "must be one of breaching, notBreaching"),
        ({"EvaluationPeriods": 1441}, "more than 86400 seconds"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "more than 604800 seconds"),
        ({"AlarmActions": ["topic"]}, "Invalid arn syntax: topic"),
        ({"AlarmActions": [TOPIC.replace("us-east-1", "eu-west-1")]}, "Only us-east-1"),
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "Invalid arn syntax"),
        (
            {"AlarmActions": ["arn:aws:ssm:us-east-1:000000000000:opsitem:1"]},
            "doesn't support actions of ssm",
        ),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "for alarms on percentiles only"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "anomaly detection"),
        ({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 1}}, "WarmUpConfiguration"),
    ],
)
async def test_settings_that_are_refused(
    cloudwatch: FakeCloudWatch, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ApiError, match=message):
        await cloudwatch.put_alarm(**settings)


async def test_an_expression_must_return_one_series(cloudwatch: FakeCloudWatch) -> None:
    both = [metric_query(), {"Id": "e1", "Expression": "m1 * 2"}]
    with pytest.raises(ApiError, match="Exactly one element"):
        await cloudwatch.put_alarm(**NO_METRIC, Metrics=both)
