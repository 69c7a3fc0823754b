"""Finds and reads the logs of a stack, by what writes them."""

import datetime as dt
import enum
import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from automation.errors import AutomationError
from automation.hosting.host import Aws, HostOperations
from automation.log_events import function_log_group, read_events
from automation.waiting import is_not_found
from components.names import ResourceNames


class NoLogError(AutomationError):
    """The stack has no such log."""


class Writer(enum.StrEnum):
    """What writes a log."""

    SERVER = "server"
    CANARY = "canary"
    CLAIMS = "claims"
    ROTATION = "rotation"


@dataclass(frozen=True, kw_only=True, order=True)
class Line:
    """A line of a log.

    Attributes:
        at: when it was written, with its zone.
        source: the log group's name; the service's for an event that its host keeps elsewhere.
        message: the line's text.
    """

    at: dt.datetime
    source: str
    message: str

    def __str__(self) -> str:
        """Return the line as people read it."""
        return f"{self._time} {self.message}"

    def document(self) -> dict[str, str]:
        """Return the line for programs."""
        return {"at": self._time, "source": self.source, "message": self.message}

    @property
    def _time(self) -> str:
        return self.at.astimezone(dt.UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, kw_only=True)
class Log:
    """Where the lines of a part of a stack are.

    Attributes:
        groups: names of log groups. One that doesn't exist yet has no lines.
        events: lines that are in none of them.
    """

    groups: tuple[str, ...]
    events: tuple[Line, ...] = ()


def find_log(writer: Writer, aws: Aws, names: ResourceNames, host: HostOperations) -> Log:
    """Find the log of a part of a stack.

    Args:
        host: what runs the server.

    Raises:
        NoLogError: the stack has no function of this kind.
        NoServiceError: the host has no service with the stack's name.
    """
    if writer is Writer.SERVER:
        service = host.describe(aws, host.find(aws, names))
        events = (
            Line(at=each.at, source=service.name, message=each.message)
            for each in host.events(aws, service)
        )
        return Log(groups=service.log_groups, events=tuple(events))
    function = {
        Writer.CANARY: names.canary_function,
        Writer.CLAIMS: names.claims_function,
        Writer.ROTATION: names.rotation_function,
    }[writer]
    try:
        return Log(groups=(function_log_group(aws, function),))
    except ClientError as error:
        if not is_not_found(error):
            raise
        raise NoLogError(_no_function(writer, function, names.stack)) from error


def read_lines(aws: Aws, log: Log, since: dt.datetime, until: dt.datetime) -> Iterator[Line]:
    """Return the lines of a log, the oldest first.

    Args:
        since: the time, with its zone, from which on lines count.
        until: the time before which they count.
    """
    events = sorted(each for each in log.events if since <= each.at < until)
    return heapq.merge(events, *(_lines(aws, group, since, until) for group in log.groups))


def _lines(aws: Aws, group: str, since: dt.datetime, until: dt.datetime) -> Iterator[Line]:
    try:
        for event in read_events(aws, group, since, until):
            at = dt.datetime.fromtimestamp(event["timestamp"] / 1000, dt.UTC)
            yield Line(at=at, source=group, message=event["message"].rstrip())
    except ClientError as error:
        # App Runner creates its groups with their first event.
        if not is_not_found(error):
            raise


def _no_function(writer: Writer, function: str, stack: str) -> str:
    deploy = f"python -m automation deploy --stack {stack}"
    if writer is not Writer.CANARY:
        return f"There is no Lambda function {function}. To deploy it, run: {deploy}"
    return (
        f"There is no Lambda function {function}: a stack has a canary only with monitoring. To"
        " switch it on, run:\n"
        f"  pulumi config set --stack {stack} --path neo4j-mcp:monitoring.enabled true\n"
        f"  {deploy}"
    )
