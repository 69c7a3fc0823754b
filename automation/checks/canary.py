"""P6: the canary runs, and succeeds."""

import datetime as dt
import json
from typing import Any, Final

from automation.checks.lookups import expect_own_code, find_function_log_group
from automation.checks.monitoring import require_monitoring
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.schedules import expect_scheduled
from automation.checks.verdicts import Failed, Skipped
from components.function_code import canary_package, write_canary_package
from components.monitoring.alarm import NAMESPACE
from components.monitoring.canary_alarms import CANARY_DIMENSION, CANARY_SUCCESS
from components.monitoring.canary_schedule import schedule

_INTERVALS: Final = 3
"""How many intervals without a result are too many."""
_MINUTE: Final = dt.timedelta(minutes=1)
# A line of a run that failed.
_FAILURE: Final = '{ $.message = "canary" && $.hop = * }'
_WHERE: Final = "see docs/canary.md, Find out why it fails"


@check("P6-canary")
def canary(probe: Probe) -> None:
    """The canary runs this checkout's code as often as configured, and its last run succeeded."""
    require_monitoring(probe)
    context = probe.context
    minutes, function = context.settings.monitoring.canary_minutes, context.names.canary_function
    expect_own_code(probe, function, canary_package(), write_canary_package)
    expect_scheduled(
        probe,
        rule=context.names.canary_rule,
        schedule=schedule(minutes),
        function=function,
    )
    now = dt.datetime.now(dt.UTC)
    limit = _INTERVALS * minutes * _MINUTE
    last = _last_result(probe, now - limit, now)
    if last is None:
        raise _no_result(probe, function, now, limit)
    time, value = last
    if value < 1:
        raise Failed(f"the canary failed at {time:%H:%M} UTC{_cause(probe, function, time)}")


def _last_result(
    probe: Probe, since: dt.datetime, now: dt.datetime
) -> tuple[dt.datetime, float] | None:
    """Return the time and the value of the last result, if there is one."""
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": CANARY_SUCCESS,
        "Dimensions": [{"Name": CANARY_DIMENSION, "Value": probe.context.names.service_dimension}],
    }
    statistic = {"Metric": metric, "Period": int(_MINUTE.total_seconds()), "Stat": "Minimum"}
    (found,) = probe.aws(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=[{"Id": "success", "MetricStat": statistic}],
        StartTime=since,
        # The end is exclusive, and a value's time is the beginning of its minute.
        EndTime=now + _MINUTE,
        ScanBy="TimestampDescending",
    )["MetricDataResults"]
    if not found["Values"]:
        return None
    return found["Timestamps"][0], found["Values"][0]


def _no_result(
    probe: Probe, function: str, now: dt.datetime, limit: dt.timedelta
) -> Failed | Skipped:
    found = probe.aws("lambda", "get_function_configuration", FunctionName=function)
    due = dt.datetime.fromisoformat(found["LastModified"]) + limit
    if now < due:
        return Skipped(
            f"the canary was deployed less than {limit // _MINUTE} minutes ago, and has no result"
            f" yet; one is due by {due:%H:%M} UTC"
        )
    return Failed(
        f"the canary has had no result for {limit // _MINUTE} minutes. Its log says why:"
        f" python -m automation logs canary --stack {probe.context.stack} --since 3h"
    )


def _cause(probe: Probe, function: str, time: dt.datetime) -> str:
    """Return which hop failed, as the last line of the canary's log names it."""
    group = find_function_log_group(probe, function)
    events = probe.aws_pages(
        "logs",
        "filter_log_events",
        logGroupName=group,
        startTime=int(time.timestamp() * 1000),
        filterPattern=_FAILURE,
    ).get("events")
    if not events:
        return f": {_WHERE}"
    line: dict[str, Any] = json.loads(events[-1]["message"])
    return f" at the hop {line['hop']} ({line['cause']}): {_WHERE}"
