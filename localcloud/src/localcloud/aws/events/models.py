"""Rules and their targets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a rule invokes.

    Attributes:
        id: its id within the rule.
        arn: the Lambda function, the topic or the log group.
        input: the event, as JSON; None for EventBridge's own.
        retry_policy: how long EventBridge tries to deliver an event. Delivery can't fail here,
            except for what AWS doesn't retry: a missing permission or target.
    """

    id: str
    arn: str
    input: str | None = None
    retry_policy: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule with a schedule, an event pattern or both.

    Attributes:
        arn, name: its names.
        schedule: its ScheduleExpression; empty without one.
        pattern: its EventPattern, as JSON; None without one.
        enabled: whether the schedule runs and events are matched.
        due: when the schedule invokes its targets next, in seconds since the epoch.
        description: its description.
        role_arn: the role in the request; Lambda functions need none.
        targets: its targets by their ids.
        tags: its tags.
    """

    arn: str
    name: str
    schedule: str
    pattern: str | None
    enabled: bool
    due: float
    description: str | None = None
    role_arn: str | None = None
    targets: Mapping[str, Target] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class Rules:
    """The rules of one account in one region."""

    def __init__(self) -> None:
        """Start without rules."""
        self._by_name: dict[str, Rule] = {}

    def __iter__(self) -> Iterator[Rule]:
        """Iterate over all rules, by name."""
        return iter([self._by_name[name] for name in sorted(self._by_name)])

    def find(self, name: str) -> Rule | None:
        """Find a rule."""
        return self._by_name.get(name)

    def put(self, rule: Rule) -> None:
        """Store a rule, in place of an earlier state of it."""
        self._by_name[rule.name] = rule

    def remove(self, name: str) -> None:
        """Forget a rule, if it exists."""
        self._by_name.pop(name, None)
