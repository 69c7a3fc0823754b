"""Invokes the targets of rules when they are due."""

import logging
import uuid
from dataclasses import replace
from typing import Final, Protocol

from localcloud.aws.context import ServiceContext
from localcloud.aws.events import rules
from localcloud.aws.events.models import Rule, Rules
from localcloud.aws.functions import Source

PRINCIPAL: Final = "events.amazonaws.com"
_LOG = logging.getLogger(__name__)


class Sender(Protocol):
    """Sends events to Lambda functions."""

    async def send(self, function: str, event: bytes, source: Source) -> str | None:
        """Send an event, and return why Lambda didn't accept it."""


class Schedules:
    """The schedules of all rules."""

    def __init__(self, stored: Rules, functions: Sender, context: ServiceContext) -> None:
        """Start with the stored rules.

        Args:
            stored: the rules.
            functions: sends the events.
            context: where and when the service runs.
        """
        self._rules = stored
        self._functions = functions
        self._context = context

    async def run_due(self) -> None:
        """Invoke the targets of the rules that are due."""
        now = self._context.clock()
        for rule in self._rules:
            if rule.enabled and rule.due <= now:
                self._rules.put(replace(rule, due=now + rules.interval(rule.schedule)))
                await self.run(rule)

    async def run(self, rule: Rule) -> list[str]:
        """Invoke a rule's targets, and return what went wrong.

        A failure is logged and not raised: on AWS, only a metric counts it.
        """
        failures = []
        source = Source(service=PRINCIPAL, arn=rule.arn)
        for target in rule.targets.values():
            event = target.input or rules.scheduled_event(
                rule,
                event_id=str(uuid.uuid4()),
                account_id=self._context.account_id,
                region=self._context.region,
                at=self._context.clock(),
            )
            failure = await self._functions.send(target.arn, event.encode(), source)
            if failure is not None:
                _LOG.warning("the rule %s didn't invoke %s: %s", rule.name, target.arn, failure)
                failures.append(failure)
        return failures
