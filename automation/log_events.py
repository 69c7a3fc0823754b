"""Reads the events of log groups."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from automation.hosting.host import Aws


def function_log_group(aws: Aws, function: str) -> str:
    """Return the name of the log group that a Lambda function writes to."""
    found = aws("lambda", "get_function_configuration", FunctionName=function)
    return str(found["LoggingConfig"]["LogGroup"])


def read_events(
    aws: Aws, group: str, since: dt.datetime, until: dt.datetime
) -> Iterator[dict[str, Any]]:
    """Return a log group's events as CloudWatch Logs does, the oldest first.

    Args:
        group: the log group's name.
        since: the time, with its zone, from which on events count.
        until: the time before which they count.
    """
    page: dict[str, Any] = {}
    while True:
        response = aws(
            "logs",
            "filter_log_events",
            logGroupName=group,
            startTime=_milliseconds(since),
            endTime=_milliseconds(until),
            **page,
        )
        yield from response["events"]
        if not response.get("nextToken"):
            return
        page = {"nextToken": response["nextToken"]}


def _milliseconds(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)
