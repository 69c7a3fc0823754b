"""Alarm: what CloudWatch compares, with what, how long, and why. Pure.

The alarms themselves are next to what they monitor: those of a host in its package, the others in
the module of their subject. `components.monitoring.alarms` collects those of a stack.
"""

import enum
from dataclasses import dataclass, replace
from typing import Final

RUNBOOK: Final = "docs/runbook.md"
"""The document with a section for each alarm; the section's anchor is the alarm's key."""
NAMESPACE: Final = "Neo4jMcp"
"""The namespace of the metrics that AWS doesn't have."""
# Source: cloudwatch AlarmDescription.
LONGEST_DESCRIPTION: Final = 1024
PAGE_LABEL, TICKET_LABEL = "page", "ticket"


class Severity(enum.StrEnum):
    """How soon somebody has to look."""

    PAGE = PAGE_LABEL
    """Now: callers are failing, or soon will."""
    TICKET = TICKET_LABEL
    """Within a working day."""


class Comparison(enum.StrEnum):
    """When a value is one that raises the alarm; CloudWatch's ComparisonOperator."""

    ABOVE = "GreaterThanThreshold"
    AT_LEAST = "GreaterThanOrEqualToThreshold"
    BELOW = "LessThanThreshold"

    @property
    def words(self) -> str:
        """The comparison in a sentence."""
        return {
            Comparison.ABOVE: "above",
            Comparison.AT_LEAST: "at least",
            Comparison.BELOW: "below",
        }[self]


class MissingData(enum.StrEnum):
    """How a period without data counts; CloudWatch's TreatMissingData."""

    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


class Subject(enum.StrEnum):
    """What a metric is of. A component knows the dimensions of its own subjects."""

    CANARY = "canary"
    CLIENT = "client"
    TOOL_CALLS = "tool calls"
    CLAIMS = "claims function"
    ROTATION = "rotation function"
    SERVICE = "service"
    LOAD_BALANCER = "load balancer"
    TARGETS = "targets"
    DEPLOYMENTS = "deployment events"
    EDGE = "edge"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A statistic of a metric.

    Attributes:
        namespace: its namespace; `own_namespace` for a metric that AWS doesn't have.
        name: its name.
        statistic: Sum, Average, Minimum, Maximum, or a percentile such as p90.
        subject: what it is of, which determines the dimensions.
        id: its name in an expression.
        label: its name in a graph.
        client: the configured client that it is of, for the subject CLIENT.
    """

    namespace: str
    name: str
    statistic: str
    subject: Subject
    id: str = "m1"
    label: str = ""
    client: str = ""

    @property
    def is_percentile(self) -> bool:
        """Whether the statistic is a percentile, which CloudWatch takes as another parameter."""
        return self.statistic.startswith("p")


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm.

    Attributes:
        key: its key in the setting `monitoring.thresholds`, and its anchor in the runbook.
        title: what is wrong, as a heading.
        severity: how soon somebody has to look.
        metrics: what is compared, or what the expression is made of.
        expression: metric math; None to compare the only metric.
        comparison: how the value is compared with the threshold.
        threshold: the default threshold.
        unit: the threshold's unit, in words.
        period: seconds of one value.
        evaluation_periods: how many of the last values count.
        datapoints_to_alarm: how many of them raise the alarm.
        missing_data: how a period without data counts.
        affects_callers: whether it is part of the alarm that callers are affected.
        meaning: what has happened, as a sentence.
        reason: why this threshold, as a sentence.
        normal: what is usual, as a sentence.
        client: the client that it is of, if there is one for each.
    """

    key: str
    title: str
    severity: Severity
    metrics: tuple[Metric, ...]
    expression: str | None = None
    comparison: Comparison
    threshold: float
    unit: str
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: MissingData = MissingData.NOT_BREACHING
    affects_callers: bool = False
    meaning: str
    reason: str
    normal: str
    client: str = ""

    @property
    def name(self) -> str:
        """The end of its AWS name."""
        return f"{self.key}-{self.client}" if self.client else self.key

    @property
    def is_of_edge(self) -> bool:
        """Whether its metrics are CloudFront's, which one region has, and so its alarm."""
        return any(each.subject is Subject.EDGE for each in self.metrics)

    @property
    def runbook(self) -> str:
        """The alarm's section in the runbook."""
        return f"{RUNBOOK}#{self.key}"

    @property
    def condition(self) -> str:
        """When it is raised, in words."""
        minutes = self.period // 60
        each = "minute" if minutes == 1 else f"{minutes} minutes"
        threshold = f"{self.comparison.words} {self.threshold:g} {self.unit}"
        if self.evaluation_periods == 1:
            return f"{threshold} in {each}"
        return (
            f"{threshold} in {self.datapoints_to_alarm} of {self.evaluation_periods} periods of"
            f" {each}"
        )

    @property
    def description(self) -> str:
        """What CloudWatch sends with every message."""
        return (
            f"[{self.severity}] {self.meaning}\n"
            f"Raised if {self.condition}. {self.reason}\n"
            f"Normal: {self.normal}\n"
            f"Runbook: {self.runbook}"
        )

    def with_threshold(self, threshold: float | None) -> "Alarm":
        """Return the alarm with a configured threshold; None keeps the default."""
        return self if threshold is None else replace(self, threshold=threshold)


def own_namespace(service: str) -> str:
    """Return the namespace of the metrics that a service's log lines are counted in.

    A metric filter takes its dimensions from the line and can't have a fixed one, so the namespace
    names the service. Source: PutMetricFilter in the CloudWatch Logs API reference.

    Args:
        service: `<prefix>-<stack>`.
    """
    return f"{NAMESPACE}/{service}"


CALLERS_AFFECTED: Final = "callers-affected"
"""The key of the composite alarm."""
