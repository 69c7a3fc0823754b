"""Invokes the targets of rules when they are due."""

import json
import uuid
from dataclasses import replace

from localcloud.aws.context import ServiceContext
from localcloud.aws.events import rules
from localcloud.aws.events.bus import described
from localcloud.aws.events.invocations import Invocations
from localcloud.aws.events.models import Rule, Rules
from localcloud.aws.movable_clock import MovableClock
from localcloud.aws.service_events import ServiceEvent


class Schedules:
    """The schedules of all rules."""

    def __init__(
        self,
        stored: Rules,
        invocations: Invocations,
        context: ServiceContext,
        clock: MovableClock,
    ) -> None:
        """Start with the stored rules.

        Args:
            stored: the rules.
            invocations: invokes their targets.
            context: where and when the service runs.
            clock: the time in which rules are due.
        """
        self._rules = stored
        self._invocations = invocations
        self._context = context
        self._clock = clock

    def next_run(self, schedule: str) -> float:
        """Return when a rule that has this schedule from now on is due."""
        return self._clock.now() + rules.interval(schedule)

    async def run_due(self) -> None:
        """Invoke the targets of the rules that are due."""
        now = self._clock.now()
        for rule in self._rules:
            if rule.enabled and rule.schedule and rule.due <= now:
                self._rules.put(replace(rule, due=now + rules.interval(rule.schedule)))
                await self.run(rule)

    async def run(self, rule: Rule) -> list[str]:
        """Invoke a rule's targets, and return what went wrong."""
        now = self._context.clock()
        event = ServiceEvent(
            source="aws.events",
            detail_type="Scheduled Event",
            resources=(rule.arn,),
            detail={},
            at=now,
        )
        text = json.dumps(described(event, str(uuid.uuid4()), self._context))
        return await self._invocations.invoke(rule, text, now)
