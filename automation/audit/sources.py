"""Reads the claims function's log and CloudTrail's event history."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from automation.audit.records import Audit, SecretRead, Token, reads_in, tokens_in
from automation.hosting.host import Aws
from automation.log_events import function_log_group, read_events
from automation.rotation.clients import Client
from automation.waiting import Sleep

HISTORY: Final = dt.timedelta(days=90)
"""How far back CloudTrail's event history goes."""
CLAIMS_LOG: Final = "the claims function's log"
EVENT_HISTORY: Final = "CloudTrail's event history"
# LookupEvents allows two requests a second in an account and region.
_LOOKUP_SECONDS: Final = 0.5

_Found = TypeVar("_Found", Token, SecretRead)


def read_audit(
    stack: str,
    clients: Sequence[Client],
    claims_function: str,
    aws: Aws,
    since: dt.datetime,
    until: dt.datetime,
    sleep: Sleep = time.sleep,
) -> Audit:
    """Read who got tokens, and who read the clients' secrets.

    A source that can't be read is in the result with the reason, so that the other one is shown.

    Args:
        stack: the stack's name.
        clients: its clients.
        claims_function: the claims function's name.
        since: the time, with its zone, from which on events count.
        until: the time before which they count.
    """
    unread: dict[str, str] = {}

    def attempt(source: str, read: Callable[[], list[_Found]]) -> list[_Found]:
        try:
            return read()
        except (BotoCoreError, ClientError) as error:
            unread[source] = str(error)
            return []

    return Audit(
        stack=stack,
        since=since,
        until=until,
        tokens=attempt(
            CLAIMS_LOG,
            lambda: tokens_in(_log_events(aws, claims_function, since, until), clients),
        ),
        reads=attempt(
            EVENT_HISTORY, lambda: reads_in(_secret_events(aws, since, until, sleep), clients)
        ),
        unread=unread,
    )


def _log_events(
    aws: Aws, function: str, since: dt.datetime, until: dt.datetime
) -> Iterator[dict[str, Any]]:
    yield from read_events(aws, function_log_group(aws, function), since, until)


def _secret_events(
    aws: Aws, since: dt.datetime, until: dt.datetime, sleep: Sleep
) -> Iterator[dict[str, Any]]:
    page: dict[str, Any] = {}
    while True:
        response = aws(
            "cloudtrail",
            "lookup_events",
            # Not the secret's name: CloudTrail has it among an event's resources only sometimes.
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GetSecretValue"}],
            StartTime=since,
            EndTime=until,
            **page,
        )
        yield from response["Events"]
        if not response.get("NextToken"):
            return
        page = {"NextToken": response["NextToken"]}
        sleep(_LOOKUP_SECONDS)
