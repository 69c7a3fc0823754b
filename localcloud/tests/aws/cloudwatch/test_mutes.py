"""Mute rules, with the scenarios of AWS's user guide."""

from typing import Any

import pytest

from aws.cloudwatch.service import NOON, FakeCloudWatch
from localcloud.aws.cloudwatch import mutes
from localcloud.aws.protocol import ApiError

HOUR = 3600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1M", 60), ("PT1H30M", 5400), ("P2DT12H", 216000), ("P15D", 15 * 24 * HOUR)],
)
def test_durations(text: str, seconds: int) -> None:
    assert mutes.seconds(text) == seconds


@pytest.mark.parametrize("text", ["PT0M", "P15DT1M", "1h", "PT30S", "P", ""])
def test_durations_that_are_not_valid(text: str) -> None:
    with pytest.raises(ApiError, match="must be from PT1M to P15D"):
        mutes.seconds(text)


async def _mute(cloudwatch: FakeCloudWatch, name: str = "deployment", **more: Any) -> None:  # noqa: ANN401 - any JSON
    schedule = {"Expression": "at(2026-03-02T12:00)", "Duration": "PT1H", "Timezone": "UTC"}
    for key in tuple(schedule):
        schedule[key] = more.pop(key, schedule[key])
    await cloudwatch.call(
        "PutAlarmMuteRule",
        Name=name,
        Rule={"Schedule": schedule},
        MuteTargets={"AlarmNames": ["alarm"]},
        **more,
    )


@pytest.fixture
async def alarm(cloudwatch: FakeCloudWatch) -> FakeCloudWatch:
    """CloudWatch with an alarm in the state OK, which only changes when it is set."""
    await cloudwatch.put_alarm(TreatMissingData="ignore")
    await cloudwatch.set_state("alarm", "OK")
    cloudwatch.notified()
    return cloudwatch


async def test_an_alarm_that_clears_during_the_mute_reports_nothing(alarm: FakeCloudWatch) -> None:
    await _mute(alarm)
    await alarm.set_state("alarm", "ALARM")
    await alarm.evaluate(minutes=10)
    assert await alarm.state() == "ALARM"
    await alarm.set_state("alarm", "OK")
    await alarm.evaluate(minutes=60)
    assert alarm.notified() == []


async def test_an_alarm_that_remains_acts_at_the_end_of_the_mute(alarm: FakeCloudWatch) -> None:
    await _mute(alarm)
    await alarm.set_state("alarm", "ALARM")
    await alarm.evaluate(minutes=59)
    assert alarm.notified() == []
    await alarm.evaluate(minutes=1)
    assert alarm.notified() == ["alarm ALARM"]
    await alarm.evaluate(minutes=10)
    assert alarm.notified() == []


async def test_overlapping_mutes_end_with_the_last(alarm: FakeCloudWatch) -> None:
    await _mute(alarm)
    await _mute(alarm, "longer", Duration="PT2H")
    await alarm.set_state("alarm", "ALARM")
    await alarm.evaluate(minutes=119)
    assert alarm.notified() == []
    await alarm.evaluate(minutes=1)
    assert alarm.notified() == ["alarm ALARM"]


async def test_deleting_a_mute_rule_executes_the_muted_actions(alarm: FakeCloudWatch) -> None:
    await _mute(alarm)
    await alarm.set_state("alarm", "ALARM")
    await alarm.call("DeleteAlarmMuteRule", AlarmMuteRuleName="deployment")
    await alarm.evaluate()
    assert alarm.notified() == ["alarm ALARM"]
    await alarm.call("DeleteAlarmMuteRule", AlarmMuteRuleName="deployment")


async def test_an_alarm_that_was_reported_before_the_mute_clears_at_its_end(
    alarm: FakeCloudWatch,
) -> None:
    await alarm.set_state("alarm", "ALARM")
    await _mute(alarm)
    await alarm.set_state("alarm", "OK")
    await alarm.evaluate(minutes=60)
    assert alarm.notified() == ["alarm ALARM", "alarm OK"]


async def test_a_rule_has_a_status(alarm: FakeCloudWatch) -> None:
    await _mute(alarm, Expression="at(2026-03-02T13:30)", Timezone="Europe/Berlin")

    async def status() -> str:
        found = await alarm.call("GetAlarmMuteRule", AlarmMuteRuleName="deployment")
        return str(found["Status"])

    statuses = [await status()]
    for _ in range(2):
        await alarm.evaluate(minutes=30)
        statuses.append(await status())
    await alarm.evaluate(minutes=30)
    assert [*statuses, await status()] == ["SCHEDULED", "ACTIVE", "ACTIVE", "EXPIRED"]


async def test_a_rule_is_described_and_listed(alarm: FakeCloudWatch) -> None:
    await _mute(alarm, Description="Planned", Tags=[{"Key": "Stack", "Value": "dev"}])
    found = await alarm.call("GetAlarmMuteRule", AlarmMuteRuleName="deployment")
    arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm-mute-rule:deployment"
    assert (found["Name"], found["AlarmMuteRuleArn"]) == ("deployment", arn)
    assert (found["Status"], found["Description"]) == ("ACTIVE", "Planned")
    assert found["MuteTargets"] == {"AlarmNames": ["alarm"]}
    assert (await alarm.call("ListTagsForResource", ResourceARN=arn))["Tags"]
    for parameters, count in (
        ({}, 1),
        ({"AlarmName": "alarm"}, 1),
        ({"AlarmName": "other"}, 0),
        ({"Statuses": ["EXPIRED"]}, 0),
    ):
        answer = await alarm.call("ListAlarmMuteRules", **parameters)
        assert len(answer["AlarmMuteRuleSummaries"]) == count


async def test_limits_of_a_rule_shorten_it(alarm: FakeCloudWatch) -> None:
    await _mute(alarm, StartDate=NOON + 600, ExpireDate=NOON + 1200)
    await alarm.set_state("alarm", "ALARM")
    assert alarm.notified() == ["alarm ALARM"]
    await alarm.evaluate(minutes=10)
    await alarm.set_state("alarm", "OK")
    assert alarm.notified() == []
    await alarm.evaluate(minutes=10)
    assert alarm.notified() == ["alarm OK"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"Expression": "cron(0 2 * * *)"}, "doesn't support mute rules that repeat"),
        ({"Expression": "at(tomorrow)"}, "must be cron"),
        ({"Expression": "at(2026-02-30T12:00)"}, "isn't valid"),
        ({"Timezone": "Nowhere/None"}, "isn't valid"),
    ],
)
async def test_schedules_that_are_refused(
    alarm: FakeCloudWatch, more: dict[str, str], message: str
) -> None:
    with pytest.raises(ApiError, match=message):
        await _mute(alarm, **more)


async def test_a_rule_needs_alarms_that_exist(cloudwatch: FakeCloudWatch) -> None:
    with pytest.raises(ApiError, match="The alarms alarm do not exist"):
        await _mute(cloudwatch)
    with pytest.raises(ApiError, match="deployment does not exist"):
        await cloudwatch.call("GetAlarmMuteRule", AlarmMuteRuleName="deployment")
