"""Mutes a stack's alarms during a deployment.

The mute rule ends by itself, because a deployment can be killed. A muted alarm still changes its
state. One that is in ALARM when the rule is deleted sends its notification then, so a failed
deployment isn't hidden.

Source: PutAlarmMuteRule and DeleteAlarmMuteRule in the Amazon CloudWatch API Reference.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from automation.deployment import Report
from automation.hosting.host import Aws

MUTED: Final = dt.timedelta(hours=1)
"""How long a killed deployment leaves the alarms muted: as long as the slowest changes take."""

METRIC_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
"""The type of an alarm on metrics in a stack's state."""
_ALARMS: Final = frozenset({"aws:cloudwatch/compositeAlarm:CompositeAlarm", METRIC_ALARM})
_RULE: Final = "AlarmMuteRuleName"
_EXPRESSION: Final = "at(%Y-%m-%dT%H:%M)"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextmanager
def muted_alarms(
    state: Mapping[str, Any],
    rule: str,
    aws_in: Callable[[str], Aws],
    report: Report,
    now: Callable[[], dt.datetime] = _now,
) -> Iterator[None]:
    """Mute the alarms that a stack has, for at most an hour, and delete the mute rule at the end.

    If that fails, it is reported, and the block runs nevertheless.

    Args:
        state: the stack's state; without alarms in it, nothing is done.
        rule: the mute rule's name. A rule that a killed deployment has left is replaced.
        aws_in: returns what calls AWS in a region.
        now: returns the time, with its zone.
    """
    with ExitStack() as muted:
        for region, alarms in alarm_names(state).items():
            muted.enter_context(_muted(alarms, rule, aws_in(region), report, now))
        yield


def delete_mute_rules(
    state: Mapping[str, Any], rule: str, aws_in: Callable[[str], Aws], report: Report
) -> None:
    """Delete the mute rule that a killed deployment may have left.

    If that fails, it is reported.

    Args:
        state, rule, aws_in: see `muted_alarms`.
    """
    for region in alarm_names(state):
        _delete(rule, aws_in(region), report, "The alarms may stay muted for up to an hour")


def alarm_names(state: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the alarms in a stack's state, sorted, by their region.

    A mute rule is for one region, and the edge's alarms are where CloudFront's metrics are.
    """
    found = defaultdict(list)
    for resource in state.get("resources") or []:
        if resource["type"] in _ALARMS and resource.get("id") and not resource.get("delete"):
            region = resource["outputs"]["arn"].split(":")[3]
            # An alarm's id is its name.
            found[region].append(str(resource["id"]))
    return {region: tuple(sorted(names)) for region, names in sorted(found.items())}


def mute_end(rule: Mapping[str, Any]) -> dt.datetime | None:
    """Return when a mute rule of a deployment ends; None for one that was written otherwise.

    Args:
        rule: as GetAlarmMuteRule returns it.
    """
    schedule = rule["Rule"]["Schedule"]
    try:
        since = dt.datetime.strptime(schedule["Expression"], _EXPRESSION).replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    return since + MUTED if schedule == _schedule(since) else None


@contextmanager
def _muted(
    alarms: tuple[str, ...],
    rule: str,
    aws: Aws,
    report: Report,
    now: Callable[[], dt.datetime],
) -> Iterator[None]:
    since = now().astimezone(dt.UTC)
    is_muted = True
    try:
        is_muted = _mute(alarms, rule, since, aws, report)
        yield
    finally:
        if is_muted:
            until = since + MUTED
            _delete(rule, aws, report, f"The alarms stay muted until {until:%H:%M} UTC")


def _mute(alarms: tuple[str, ...], rule: str, since: dt.datetime, aws: Aws, report: Report) -> bool:
    """Put the mute rule, and return whether it may exist now."""
    try:
        aws(
            "cloudwatch",
            "put_alarm_mute_rule",
            Name=rule,
            Description="A deployment by python -m automation, which deletes this at its end",
            Rule={"Schedule": _schedule(since)},
            MuteTargets={"AlarmNames": list(alarms)},
        )
        found = aws("cloudwatch", "get_alarm_mute_rule", **{_RULE: rule})
    except (BotoCoreError, ClientError) as error:
        report(f"! The alarms can't be muted, so they may report this deployment: {error}")
        # Without an answer, the rule may have been put.
        return not isinstance(error, ClientError)
    if found["Status"] != "ACTIVE":
        report(
            f"! CloudWatch reports the mute rule {rule} as {found['Status']}, so the alarms may"
            " report this deployment"
        )
    return True


def _delete(rule: str, aws: Aws, report: Report, otherwise: str) -> None:
    """Delete a mute rule, or report what happens otherwise; one that is missing is no error."""
    try:
        aws("cloudwatch", "delete_alarm_mute_rule", **{_RULE: rule})
    except (BotoCoreError, ClientError) as error:
        report(
            f"! {otherwise}: {error}\n"
            "  To end that now, run: aws cloudwatch delete-alarm-mute-rule"
            f" --alarm-mute-rule-name {rule}"
        )


def _schedule(since: dt.datetime) -> dict[str, str]:
    """Return a schedule that is active once, from the minute that has begun.

    Args:
        since: the time, in UTC.
    """
    minutes = int(MUTED.total_seconds() // 60)
    return {
        "Expression": since.strftime(_EXPRESSION),
        "Duration": f"PT{minutes}M",
        "Timezone": "UTC",
    }
