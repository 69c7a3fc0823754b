"""Identities, events and the history."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

_MOST_EVENTS: Final = 20_000
"""Older events are forgotten; CloudTrail keeps them for 90 days."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who signed a request.

    Attributes:
        kind: Root, IAMUser or AssumedRole.
        arn, id: the principal's.
        account: the account's id.
    """

    kind: str
    arn: str
    id: str
    account: str

    @property
    def name(self) -> str:
        """The user's name, or the session's of a role."""
        return "root" if self.kind == "Root" else self.arn.rpartition("/")[2]

    def described(self, key_id: str) -> dict[str, Any]:
        """Return the member userIdentity of an event."""
        identity: dict[str, Any] = {
            "type": self.kind,
            "principalId": self.id,
            "arn": self.arn,
            "accountId": self.account,
            "accessKeyId": key_id,
        }
        if self.kind == "IAMUser":
            identity["userName"] = self.name
        if self.kind == "AssumedRole":
            role = self.arn.split("/")[1]
            issuer = {
                "type": "Role",
                "principalId": self.id.partition(":")[0],
                "arn": f"arn:aws:iam::{self.account}:role/{role}",
                "accountId": self.account,
                "userName": role,
            }
            identity["sessionContext"] = {
                "sessionIssuer": issuer,
                "attributes": {"mfaAuthenticated": "false"},
            }
        return identity


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource that an event names."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """A call of a management operation.

    Attributes:
        number: its place in the history.
        id: its id.
        name, source: the operation, and its service such as secretsmanager.amazonaws.com.
        at: when it was called, in whole seconds since the epoch.
        read_only: whether the operation changes nothing.
        key_id, username: who called it.
        resources: what it names.
        document: the whole event, as CloudTrail writes it.
    """

    number: int
    id: str
    name: str
    source: str
    at: int
    read_only: bool
    key_id: str
    username: str
    resources: tuple[Resource, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """Return the structure Event of LookupEvents."""
        return {
            "EventId": self.id,
            "EventName": self.name,
            "ReadOnly": str(self.read_only).lower(),
            "AccessKeyId": self.key_id,
            "EventTime": self.at,
            "EventSource": self.source,
            "Username": self.username,
            "Resources": [
                {"ResourceType": each.kind, "ResourceName": each.name} for each in self.resources
            ],
            "CloudTrailEvent": json.dumps(self.document),
        }


class History:
    """The events of one account in one region."""

    def __init__(self, most: int = _MOST_EVENTS) -> None:
        """Start without events.

        Args:
            most: how many events are kept.
        """
        self._events: deque[Event] = deque(maxlen=most)
        self._numbers = count(1)
        self._lock = threading.Lock()

    def next_number(self) -> int:
        """Return the number of the next event."""
        return next(self._numbers)

    def add(self, event: Event) -> None:
        """Add an event."""
        with self._lock:
            self._events.append(event)

    def newest_first(self) -> list[Event]:
        """List the events."""
        with self._lock:
            return list(reversed(self._events))
