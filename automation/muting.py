"""Mutes a stack's alarms during a deployment.

The mute rule ends by itself, because a deployment can be killed. A muted alarm still changes its
state. One that is in ALARM when the rule is deleted sends its notification then, so a failed
deployment isn't hidden.

Source: PutAlarmMuteRule and DeleteAlarmMuteRule in the Amazon CloudWatch API Reference.
"""

import datetime as dt
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from automation.deployment import Report
from automation.hosting.host import Aws
from automation.waiting import is_not_found

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
def muting(
    state: Mapping[str, Any],
    rule: str,
    aws_in: Callable[[str], Aws],
    report: Report,
    now: Callable[[], dt.datetime] = _now,
) -> Iterator[Callable[[], None]]:
    """Let a deployment mute its stack's alarms for at most an hour, and unmute them at the end.

    A mute rule that another deployment has put meanwhile stays. If AWS refuses, that is reported,
    and the deployment continues.

    Args:
        state: the stack's state; without alarms in it, nothing is done.
        rule: the mute rule's name. A rule that a killed deployment has left is replaced.
        aws_in: returns what calls AWS in a region.
        now: returns the time, with its zone.

    Yields:
        What mutes the alarms. It is called once the deployment holds the stack's lock: one that
        waits for the lock, or doesn't get it, must neither mute nor unmute.
    """
    mutes = [
        _Mute(alarms, rule, aws_in(region), report, now)
        for region, alarms in alarm_names(state).items()
    ]

    def begin() -> None:
        for each in mutes:
            each.begin()

    with ExitStack() as ending:
        for each in mutes:
            ending.callback(each.end)
        yield begin


def delete_mute_rules(
    state: Mapping[str, Any], rule: str, aws_in: Callable[[str], Aws], report: Report
) -> None:
    """Delete the mute rule that a killed deployment may have left.

    If that fails, it is reported.

    Args:
        state, rule, aws_in: see `muting`.
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


class _Mute:
    """The mute rule of one deployment in one region."""

    def __init__(
        self,
        alarms: tuple[str, ...],
        rule: str,
        aws: Aws,
        report: Report,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._alarms = alarms
        self._rule = rule
        self._aws = aws
        self._report = report
        self._now = now
        # Shows whose rule it is, since its name is the same for all deployments of the stack.
        self._description = (
            "A deployment by python -m automation, which deletes this at its end"
            f" ({uuid.uuid4().hex})"
        )
        # An engine's event, which comes in another thread, begins it.
        self._lock = threading.Lock()
        self._ended = False
        self._until: dt.datetime | None = None

    def begin(self) -> None:
        with self._lock:
            if self._ended:
                return
            since = self._now().astimezone(dt.UTC)
            if self._put(since):
                self._until = since + MUTED

    def end(self) -> None:
        with self._lock:
            self._ended = True
            if self._until is None:
                return
            otherwise = f"The alarms stay muted until {self._until:%H:%M} UTC"
            if self._is_own(otherwise):
                _delete(self._rule, self._aws, self._report, otherwise)

    def _put(self, since: dt.datetime) -> bool:
        """Put the mute rule, and return whether it may exist now."""
        put = False
        try:
            self._aws(
                "cloudwatch",
                "put_alarm_mute_rule",
                Name=self._rule,
                Description=self._description,
                Rule={"Schedule": _schedule(since)},
                MuteTargets={"AlarmNames": list(self._alarms)},
            )
            put = True
            found = self._aws("cloudwatch", "get_alarm_mute_rule", **{_RULE: self._rule})
        except (BotoCoreError, ClientError) as error:
            self._report(
                f"! The alarms can't be muted, so they may report this deployment: {error}"
            )
            # Without an answer, the rule may have been put.
            return put or not isinstance(error, ClientError)
        if found["Status"] != "ACTIVE":
            self._report(
                f"! CloudWatch reports the mute rule {self._rule} as {found['Status']}, so the"
                " alarms may report this deployment"
            )
        return True

    def _is_own(self, otherwise: str) -> bool:
        try:
            found = self._aws("cloudwatch", "get_alarm_mute_rule", **{_RULE: self._rule})
        except (BotoCoreError, ClientError) as error:
            if not (isinstance(error, ClientError) and is_not_found(error)):
                _report_muted(self._rule, self._report, otherwise, error)
            return False
        return bool(found.get("Description") == self._description)


def _delete(rule: str, aws: Aws, report: Report, otherwise: str) -> None:
    """Delete a mute rule, or report what happens otherwise; one that is missing is no error."""
    try:
        aws("cloudwatch", "delete_alarm_mute_rule", **{_RULE: rule})
    except (BotoCoreError, ClientError) as error:
        _report_muted(rule, report, otherwise, error)


def _report_muted(rule: str, report: Report, otherwise: str, error: Exception) -> None:
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
