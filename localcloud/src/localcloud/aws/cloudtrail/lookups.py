"""Which events a lookup returns, in pages. Pure.

Source: LookupEvents in the AWS CloudTrail API Reference.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from localcloud.aws.cloudtrail.models import Event
from localcloud.aws.protocol import ApiError

_MOST: Final = 50

_Matches = Callable[[Event, str], bool]
_ATTRIBUTES: Final[Mapping[str, _Matches]] = {
    "AccessKeyId": lambda event, value: event.key_id == value,
    "EventId": lambda event, value: event.id == value,
    "EventName": lambda event, value: event.name == value,
    "EventSource": lambda event, value: event.source == value,
    "ReadOnly": lambda event, value: str(event.read_only).lower() == value,
    "ResourceName": lambda event, value: any(each.name == value for each in event.resources),
    "ResourceType": lambda event, value: any(each.kind == value for each in event.resources),
    "Username": lambda event, value: event.username == value,
}


def look_up(
    newest_first: Sequence[Event], parameters: Mapping[str, Any]
) -> tuple[list[Event], str | None]:
    """Return a page of events, newest first, and the token of the next page.

    Args:
        newest_first: the whole history.
        parameters: LookupEvents' request.

    Raises:
        ApiError: CloudTrail refuses the request.
    """
    attributes = parameters.get("LookupAttributes", [])
    if len(attributes) > 1:
        raise ApiError(
            "InvalidLookupAttributesException", "Only one lookup attribute can be given."
        )
    start, end = parameters.get("StartTime"), parameters.get("EndTime")
    if start is not None and end is not None and start > end:
        raise ApiError("InvalidTimeRangeException", "The start time is after the end time.")
    size = parameters.get("MaxResults", _MOST)
    if not 1 <= size <= _MOST:
        raise ApiError("InvalidMaxResultsException", f"MaxResults must be from 1 to {_MOST}.")
    before = _number(parameters)
    found = [
        event
        for event in newest_first
        if (before is None or event.number < before)
        and (start is None or event.at >= start)
        and (end is None or event.at <= end)
        and all(
            _ATTRIBUTES[each["AttributeKey"]](event, each["AttributeValue"]) for each in attributes
        )
    ]
    page = found[:size]
    following = f"{_digest(parameters)}-{page[-1].number}" if len(found) > size else None
    return page, following


def _number(parameters: Mapping[str, Any]) -> int | None:
    """Return the number of the last event of the page before; None for the first page."""
    token = parameters.get("NextToken")
    if token is None:
        return None
    digest, _, number = token.partition("-")
    if digest != _digest(parameters) or not number.isdecimal():
        raise ApiError(
            "InvalidNextTokenException",
            "The token is invalid, or the parameters differ from those of the page before.",
        )
    return int(number)


def _digest(parameters: Mapping[str, Any]) -> str:
    """Identify a request's parameters, which must be the same for all pages."""
    others = {name: value for name, value in parameters.items() if name != "NextToken"}
    return hashlib.sha256(json.dumps(others, sort_keys=True).encode()).hexdigest()[:32]
