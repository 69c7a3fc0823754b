"""The alarms of one account in one region."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.aws.cloudwatch.composite_rules import Expression
from localcloud.aws.cloudwatch.evaluation import Rule
from localcloud.aws.cloudwatch.queries import Queries
from localcloud.aws.cloudwatch.states import State, StateRecord


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm.

    Attributes:
        name, arn: its names.
        settings: the members of the request that the API returns.
        configured: when it was last configured, in seconds since the epoch.
        state: its state.
        held_from: the state from which it changed while its actions were muted or suppressed; None
            if all were executed.
        tags: its tags.
    """

    name: str
    arn: str
    settings: Mapping[str, Any]
    configured: float
    state: StateRecord
    held_from: State | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def actions(self, state: State) -> list[str]:
        """Return the ARNs of its actions for a state; none if its actions are disabled."""
        if not self.settings["ActionsEnabled"]:
            return []
        member = {
            State.OK: "OKActions",
            State.ALARM: "AlarmActions",
            State.INSUFFICIENT_DATA: "InsufficientDataActions",
        }[state]
        return list(self.settings[member])


@dataclass(frozen=True, kw_only=True)
class MetricAlarm(Alarm):
    """An alarm on a metric or an expression.

    Attributes:
        queries: what it reads.
        watched: the id of the query that it compares with its threshold.
        rule: when it is in the state ALARM.
    """

    queries: Queries
    watched: str
    rule: Rule

    @property
    def period(self) -> int:
        """The length of its periods, in seconds."""
        return self.queries.period()


@dataclass(frozen=True, kw_only=True)
class Suppressor:
    """The alarm that suppresses a composite alarm's actions.

    Attributes:
        alarm: its name or ARN.
        wait: how long actions wait for it to be in the state ALARM, in seconds.
        extension: how long actions remain suppressed after it left that state, in seconds.
    """

    alarm: str
    wait: int
    extension: int


@dataclass(frozen=True, kw_only=True)
class CompositeAlarm(Alarm):
    """An alarm on the states of other alarms.

    Attributes:
        expression: its rule.
        suppressor: what suppresses its actions.
    """

    expression: Expression
    suppressor: Suppressor | None = None


class Alarms:
    """All alarms."""

    def __init__(self) -> None:
        """Start without alarms."""
        self._by_name: dict[str, Alarm] = {}

    def __iter__(self) -> Iterator[Alarm]:
        """Iterate over all alarms, by name."""
        return iter([self._by_name[name] for name in sorted(self._by_name)])

    def names(self) -> list[str]:
        """Return the names of all alarms, in their order."""
        return sorted(self._by_name)

    def find(self, name_or_arn: str) -> Alarm | None:
        """Find an alarm by its name or ARN."""
        prefix, separator, name = name_or_arn.partition(":alarm:")
        is_arn = separator and prefix.startswith("arn:")
        return self._by_name.get(name if is_arn else name_or_arn)

    def put(self, alarm: Alarm) -> None:
        """Store an alarm, in place of an earlier state of it."""
        self._by_name[alarm.name] = alarm

    def remove(self, name: str) -> None:
        """Forget an alarm, if it exists."""
        self._by_name.pop(name, None)

    @property
    def metric_alarms(self) -> list[MetricAlarm]:
        """The alarms on metrics."""
        return [each for each in self if isinstance(each, MetricAlarm)]

    @property
    def composite_alarms(self) -> list[CompositeAlarm]:
        """The alarms on other alarms."""
        return [each for each in self if isinstance(each, CompositeAlarm)]

    def children(self, composite: CompositeAlarm) -> list[Alarm]:
        """Return the alarms that a composite alarm's rule names."""
        found = (self.find(each) for each in composite.expression.alarms())
        return [each for each in found if each is not None]

    def parents(self, alarm: Alarm) -> list[CompositeAlarm]:
        """Return the composite alarms with a rule that names an alarm."""
        return [
            each
            for each in self.composite_alarms
            if alarm.name in {child.name for child in self.children(each)}
        ]

    def is_cyclic(self, alarm: CompositeAlarm) -> bool:
        """Return whether an alarm's rule depends on the alarm itself."""
        seen: set[str] = set()
        waiting = self.children(alarm)
        while waiting:
            each = waiting.pop()
            if each.name == alarm.name:
                return True
            if isinstance(each, CompositeAlarm) and each.name not in seen:
                seen.add(each.name)
                waiting += self.children(each)
        return False
