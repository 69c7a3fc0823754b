"""Invokes the targets of a rule, and counts what happens.

Source of the metrics: "Monitoring Amazon EventBridge" in its user guide.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from localcloud.aws.events.models import Rule
from localcloud.aws.functions import Source

PRINCIPAL: Final = "events.amazonaws.com"
_LOG = logging.getLogger(__name__)
PutMetrics = Callable[[str, Sequence[Mapping[str, Any]]], Awaitable[None]]


class TargetInvoker(Protocol):
    """Invokes targets."""

    async def invoke(self, target_arn: str, event: str, at: float, source: Source) -> str | None:
        """Invoke a target, and return why it didn't accept the event."""


@dataclass(frozen=True, kw_only=True)
class Invocations:
    """The invocations of all rules.

    Attributes:
        targets: what rules invoke.
        put_metrics: writes metrics to a namespace.
    """

    targets: TargetInvoker
    put_metrics: PutMetrics

    async def invoke(self, rule: Rule, event: str, at: float, *, matched: int = 0) -> list[str]:
        """Invoke a rule's targets, and return what went wrong.

        A failure is logged and not raised: on AWS, only a metric counts it.

        Args:
            rule: the rule.
            event: the event for targets without an Input.
            at: when it happened, in seconds since the epoch.
            matched: the number of events that the rule's pattern matched.
        """
        failures = []
        source = Source(service=PRINCIPAL, arn=rule.arn)
        for target in rule.targets.values():
            failure = await self.targets.invoke(target.arn, target.input or event, at, source)
            if failure is not None:
                _LOG.warning("the rule %s didn't invoke %s: %s", rule.name, target.arn, failure)
                failures.append(failure)
        await self._count(
            rule,
            {
                "MatchedEvents": matched,
                # Whether AWS counts a rule without targets isn't documented.
                "TriggeredRules": int(bool(rule.targets)),
                "Invocations": len(rule.targets),
                "FailedInvocations": len(failures),
            },
        )
        return failures

    async def _count(self, rule: Rule, counts: Mapping[str, int]) -> None:
        """Write the metrics of one event; AWS writes those that aren't zero."""
        dimensions = [{"Name": "RuleName", "Value": rule.name}]
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Value": count, "Unit": "Count"}
            for name, count in counts.items()
            if count
        ]
        try:
            if data:
                await self.put_metrics("AWS/Events", data)
        except Exception:  # an event must not depend on its metrics  # noqa: BLE001
            _LOG.warning("the metrics of the rule %s were lost", rule.name, exc_info=True)
