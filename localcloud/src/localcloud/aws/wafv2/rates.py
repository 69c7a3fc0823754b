"""Rate-based rules: count requests, and find the addresses with too many. Pure, but for its counts.

WAF looks at the counts from time to time, not at each request: an address may exceed the limit
until WAF has noticed, and stays limited until WAF has noticed that it sends less. Source:
"Rate-based rule caveats" in the AWS WAF Developer Guide. Requests count while they are blocked,
too, which isn't documented.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Block:
    """How a request is blocked.

    Attributes:
        status: the rule's own HTTP status; None for WAF's 403.
    """

    status: int | None = None


@dataclass(frozen=True, kw_only=True)
class RateRule:
    """A rule that limits the requests of each IP address.

    Attributes:
        limit: requests of one address within the window.
        window: seconds.
        block: how it blocks.
    """

    name: str
    limit: int
    window: int
    block: Block


@dataclass(kw_only=True)
class _Counts:
    """The requests that one rule has seen."""

    started: float
    times: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    limited: frozenset[str] = frozenset()


class RateLimits:
    """The rate-based rules of one web ACL, with their counts."""

    def __init__(
        self, rules: Sequence[RateRule], *, clock: Callable[[], float], period: float
    ) -> None:
        """Start without requests.

        Args:
            rules: in the order of their priority.
            clock: returns the time, in seconds.
            period: seconds between two looks at the counts.
        """
        self._rules = tuple(rules)
        self._clock = clock
        self._period = period
        self._counts = {rule.name: _Counts(started=clock()) for rule in rules}

    def with_rules(self, rules: Sequence[RateRule]) -> "RateLimits":
        """Return the same limits with other rules; the counts of changed rules start again."""
        changed = RateLimits(rules, clock=self._clock, period=self._period)
        for rule in rules:
            if rule in self._rules:
                changed._counts[rule.name] = self._counts[rule.name]
        return changed

    def block(self, address: str) -> Block | None:
        """Count a request of an address, and return how it is blocked; None if it isn't."""
        now = self._clock()
        blocked: Block | None = None
        for rule in self._rules:
            counts = self._counts[rule.name]
            if now - counts.started >= self._period:
                counts.started = now
                counts.limited = _limited(rule, counts, now)
            # A rule that blocks ends the evaluation, so later rules don't see the request.
            counts.times[address].append(now)
            if address in counts.limited:
                blocked = rule.block
                break
        return blocked


def _limited(rule: RateRule, counts: _Counts, now: float) -> frozenset[str]:
    """Forget old requests, and return the addresses with more than the limit."""
    for address, times in list(counts.times.items()):
        while times and times[0] <= now - rule.window:
            times.popleft()
        if not times:
            del counts.times[address]
    return frozenset(address for address, times in counts.times.items() if len(times) > rule.limit)
