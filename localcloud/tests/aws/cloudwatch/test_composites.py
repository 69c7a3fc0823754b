"""Composite alarms: their rules, states and the suppression of their actions."""

from typing import Any

import pytest

from aws.cloudwatch.service import FakeCloudWatch
from localcloud.aws.cloudwatch.composite_rules import parse
from localcloud.aws.cloudwatch.states import State
from localcloud.aws.protocol import ApiError

SUPPRESSOR: dict[str, Any] = {
    "ActionsSuppressor": "suppressor",
    "ActionsSuppressorWaitPeriod": 120,
    "ActionsSuppressorExtensionPeriod": 180,
}


@pytest.mark.parametrize(
    ("rule", "is_true"),
    [
        ("ALARM(a)", True),
        ("ALARM(b)", False),
        ('ALARM("a") AND OK("b")', True),
        ("ALARM('a') AND NOT ALARM('b')", True),
        ("(ALARM(a) OR ALARM(b)) AND OK(a)", False),
        ("ALARM(b) OR ALARM(a) AND OK(b)", True),
        ("NOT (ALARM(b) OR OK(b))", False),
        ("INSUFFICIENT_DATA(c)", True),
        ("TRUE", True),
        ("FALSE OR ALARM(b)", False),
        ("alarm(a) and ok(b)", True),
        ("ALARM(missing)", False),
        ("ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:a)", True),
        ('ALARM("with \\"quotes\\" and spaces")', True),
        ("ALARM(with spaces)", True),
    ],
)
def test_rules(rule: str, *, is_true: bool) -> None:
    states = {
        "a": State.ALARM,
        "b": State.OK,
        "c": State.INSUFFICIENT_DATA,
        "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a": State.ALARM,
        'with "quotes" and spaces': State.ALARM,
        "with spaces": State.ALARM,
    }
    assert parse(rule).holds(states.get) is is_true


@pytest.mark.parametrize(
    "rule", ["", "ALARM()", "ALARM(a", "a", "ALARM(a) OK(b)", "AND", "(ALARM(a)", "WARN(a)"]
)
def test_rules_that_are_not_valid(rule: str) -> None:
    with pytest.raises(ApiError, match="Invalid AlarmRule"):
        parse(rule)


def test_a_rule_names_its_alarms() -> None:
    rule = parse("ALARM(a) AND (OK(b) OR NOT ALARM(a))")
    assert rule.alarms() == ["a", "b", "a"]
    with pytest.raises(ApiError, match="more than 100 alarms"):
        parse(" OR ".join(f"ALARM(a{number})" for number in range(101)))


@pytest.fixture
async def children(cloudwatch: FakeCloudWatch) -> FakeCloudWatch:
    """CloudWatch with the alarms one, two and suppressor, which are OK and have no actions."""
    for name in ("one", "two", "suppressor"):
        await cloudwatch.put_alarm(
            name, MetricName=name, AlarmActions=[], OKActions=[], TreatMissingData="ignore"
        )
        await cloudwatch.set_state(name, "OK")
    return cloudwatch


async def _change(cloudwatch: FakeCloudWatch, name: str, state: str) -> list[str]:
    await cloudwatch.set_state(name, state)
    await cloudwatch.evaluate()
    return cloudwatch.notified()


async def test_a_composite_alarm_follows_its_children(children: FakeCloudWatch) -> None:
    await children.put_composite('ALARM("one") OR ALARM("two")')
    assert await children.state("composite") == "INSUFFICIENT_DATA"
    await children.evaluate()
    assert children.notified() == ["composite OK"]
    assert await _change(children, "one", "ALARM") == ["composite ALARM"]
    assert await _change(children, "two", "ALARM") == []
    assert await _change(children, "one", "OK") == []
    assert await _change(children, "two", "OK") == ["composite OK"]


async def test_a_notification_names_the_children_in_alarm(children: FakeCloudWatch) -> None:
    await children.put_composite('ALARM("one") OR ALARM("two")')
    await children.evaluate()
    await children.set_state("two", "ALARM")
    await children.evaluate()
    message = children.notifications[-1].message
    arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:two"
    assert message["AlarmRule"] == 'ALARM("one") OR ALARM("two")'
    assert message["NewStateReason"] == (
        f"{arn} transitioned to ALARM at Monday 02 March, 2026 12:00:00 UTC"
    )
    assert message["TriggeringChildren"] == [
        {"Arn": arn, "State": {"Value": "ALARM", "Timestamp": "2026-03-02T12:00:00.000+0000"}}
    ]


async def test_composite_alarms_can_depend_on_others(children: FakeCloudWatch) -> None:
    # In the order of their names, the parent comes first.
    await children.put_composite("ALARM(one)", "z-inner")
    await children.put_composite("ALARM(z-inner)", "a-outer")
    await children.evaluate()
    children.notified()
    assert await _change(children, "one", "ALARM") == ["z-inner ALARM", "a-outer ALARM"]


async def test_composite_alarms_that_depend_on_themselves_are_not_evaluated(
    children: FakeCloudWatch,
) -> None:
    await children.put_composite("FALSE", "a")
    await children.put_composite("NOT ALARM(a)", "b")
    await children.put_composite("ALARM(b)", "a")
    await children.evaluate()
    assert await children.state("a") == await children.state("b") == "INSUFFICIENT_DATA"


async def test_a_child_cannot_be_deleted_before_its_parents(children: FakeCloudWatch) -> None:
    await children.put_composite("ALARM(one) AND ALARM(two)")
    with pytest.raises(
        ApiError,
        match=r"Cannot delete one,two as there are composite alarm\(s\) depending on them\.",
    ):
        await children.call("DeleteAlarms", AlarmNames=["one", "two"])
    await children.call("DeleteAlarms", AlarmNames=["composite"])
    await children.call("DeleteAlarms", AlarmNames=["one", "two"])


async def test_children_must_exist(children: FakeCloudWatch) -> None:
    with pytest.raises(ApiError, match=r"as alarms \[none\] in the alarm rule do not exist"):
        await children.put_composite("ALARM(one) OR ALARM(none)")


async def test_a_suppressor_needs_its_periods(children: FakeCloudWatch) -> None:
    with pytest.raises(ApiError, match="ActionsSuppressorWaitPeriod is required"):
        await children.put_composite("ALARM(one)", ActionsSuppressor="suppressor")


async def test_actions_wait_for_the_suppressor(children: FakeCloudWatch) -> None:
    await children.put_composite("ALARM(one)", **SUPPRESSOR)
    await children.evaluate(minutes=3)
    children.notified()
    assert await _change(children, "one", "ALARM") == []
    assert (await children.alarm("composite"))["ActionsSuppressedBy"] == "WaitPeriod"
    await children.evaluate(minutes=1)
    assert children.notified() == []
    await children.evaluate(minutes=1)
    assert children.notified() == ["composite ALARM"]


async def test_a_suppressor_in_alarm_suppresses_actions(children: FakeCloudWatch) -> None:
    await children.put_composite("ALARM(one)", **SUPPRESSOR)
    await children.evaluate(minutes=3)
    children.notified()
    await _change(children, "one", "ALARM")
    await _change(children, "suppressor", "ALARM")
    await children.evaluate(minutes=10)
    assert (await children.alarm("composite"))["ActionsSuppressedBy"] == "Alarm"
    await _change(children, "suppressor", "OK")
    await children.evaluate(minutes=2)
    assert (await children.alarm("composite"))["ActionsSuppressedBy"] == "ExtensionPeriod"
    assert children.notified() == []
    await children.evaluate(minutes=1)
    assert children.notified() == ["composite ALARM"]


async def test_an_alarm_that_clears_while_it_is_suppressed_reports_nothing(
    children: FakeCloudWatch,
) -> None:
    await children.put_composite("ALARM(one)", **SUPPRESSOR)
    await children.evaluate(minutes=3)
    children.notified()
    await _change(children, "suppressor", "ALARM")
    await _change(children, "one", "ALARM")
    await _change(children, "one", "OK")
    await _change(children, "suppressor", "OK")
    await children.evaluate(minutes=10)
    assert children.notified() == []
