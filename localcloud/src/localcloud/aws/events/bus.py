"""The default event bus: events on their way to the rules whose patterns match them."""

import datetime as dt
import json
import queue
import uuid
from typing import Any

from localcloud.aws.context import ServiceContext
from localcloud.aws.events import patterns
from localcloud.aws.events.invocations import Invocations
from localcloud.aws.events.models import Rules
from localcloud.aws.service_events import ServiceEvent


class EventBus:
    """The default event bus of one account in one region."""

    def __init__(self, stored: Rules, invocations: Invocations, context: ServiceContext) -> None:
        """Start without events.

        Args:
            stored: the rules.
            invocations: invokes their targets.
            context: where and when the service runs.
        """
        self._rules = stored
        self._invocations = invocations
        self._context = context
        # Services put events from their own threads.
        self._waiting: queue.SimpleQueue[tuple[str, ServiceEvent]] = queue.SimpleQueue()

    def put(self, event: ServiceEvent) -> None:
        """Add an event; safe to call from any thread."""
        self.put_with_id(event)

    def put_with_id(self, event: ServiceEvent) -> str:
        """Add an event, and return the id that it gets."""
        event_id = str(uuid.uuid4())
        self._waiting.put((event_id, event))
        return event_id

    async def deliver_waiting(self) -> None:
        """Invoke the targets of the rules that match the waiting events, oldest first."""
        while not self._waiting.empty():
            event_id, event = self._waiting.get_nowait()
            await self._deliver(described(event, event_id, self._context), event.at)

    async def _deliver(self, event: dict[str, Any], at: float) -> None:
        for rule in self._rules:
            if not rule.enabled or rule.pattern is None:
                continue
            if patterns.matches(patterns.parse(rule.pattern), event):
                await self._invocations.invoke(rule, json.dumps(event), at, matched=1)


def described(event: ServiceEvent, event_id: str, context: ServiceContext) -> dict[str, Any]:
    """Return an event with what EventBridge adds.

    Source: "Events in Amazon EventBridge" in its user guide.
    """
    return {
        "version": "0",
        "id": event_id,
        "detail-type": event.detail_type,
        "source": event.source,
        "account": context.account_id,
        "time": dt.datetime.fromtimestamp(event.at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": context.region,
        "resources": list(event.resources),
        "detail": dict(event.detail),
    }
