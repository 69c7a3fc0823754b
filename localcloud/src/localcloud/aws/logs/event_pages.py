"""Pages of FilterLogEvents in front of ministack, which has one page and drops the rest. Pure."""

import base64
import binascii
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

# Source: FilterLogEvents' API reference.
_MOST: Final = 10_000


class PageTokenError(ValueError):
    """A token isn't one of FilterLogEvents."""


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """One page.

    Attributes:
        request: what ministack is asked for: all events from the page's first millisecond on.
        skipped: how many of them are on pages before.
    """

    request: Mapping[str, Any]
    skipped: int

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the page that a request asks for.

        Raises:
            PageTokenError: its nextToken isn't from a page before.
        """
        rest = {name: value for name, value in parameters.items() if name != "nextToken"}
        skipped = 0
        if (token := parameters.get("nextToken")) is not None:
            rest["startTime"], skipped = _read_token(token)
        limit = min(parameters.get("limit", _MOST) + skipped, _MOST)
        return cls(request={**rest, "limit": limit}, skipped=skipped)

    def result(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the page from what ministack has found, with the next one's token if it is full.

        As on AWS, a page can have a token although no event is left.
        """
        events = found["events"]
        page = {**found, "events": events[self.skipped :]}
        if len(events) < self.request["limit"]:
            return page
        last = events[-1]["timestamp"]
        same = sum(
            1 for _ in itertools.takewhile(lambda each: each["timestamp"] == last, events[::-1])
        )
        # More events of a millisecond than a page has would be asked for again and again.
        return {**page, "nextToken": _token(last, same) if same < _MOST else _token(last + 1, 0)}


def _token(timestamp: int, skipped: int) -> str:
    return base64.urlsafe_b64encode(f"{timestamp}/{skipped}".encode()).decode()


def _read_token(token: str) -> tuple[int, int]:
    try:
        timestamp, skipped = base64.urlsafe_b64decode(token).decode().split("/")
        return int(timestamp), int(skipped)
    except (binascii.Error, ValueError) as error:
        raise PageTokenError("The specified nextToken is invalid.") from error
