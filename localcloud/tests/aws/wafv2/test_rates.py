from dataclasses import dataclass

from localcloud.aws.wafv2.rates import Block, RateLimits, RateRule

PERIOD = 10.0


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def rule(limit: int = 10, window: int = 60, status: int | None = None) -> RateRule:
    return RateRule(name="rate", limit=limit, window=window, block=Block(status=status))


def limits(clock: Clock, *rules: RateRule) -> RateLimits:
    return RateLimits(rules, clock=clock, period=PERIOD)


def blocked(found: RateLimits, count: int, address: str = "192.0.2.1") -> int:
    """Send requests, and return how many are blocked."""
    return sum(found.block(address) is not None for _ in range(count))


def test_an_address_is_blocked_once_waf_has_noticed() -> None:
    clock = Clock()
    found = limits(clock, rule(status=429))

    # Far more than the limit, until WAF looks.
    assert blocked(found, 50) == 0
    clock.now = PERIOD
    assert found.block("192.0.2.1") == Block(status=429)


def test_the_limit_itself_is_allowed() -> None:
    clock = Clock()
    found = limits(clock, rule(limit=10))

    assert blocked(found, 10) == 0
    clock.now = PERIOD
    assert blocked(found, 1) == 0
    clock.now = 2 * PERIOD
    assert blocked(found, 1) == 1


def test_other_addresses_are_not_blocked() -> None:
    clock = Clock()
    found = limits(clock, rule())
    blocked(found, 50)

    clock.now = PERIOD
    assert blocked(found, 1, "192.0.2.2") == 0
    assert blocked(found, 1) == 1


def test_an_address_is_let_through_once_the_window_has_passed() -> None:
    clock = Clock()
    found = limits(clock, rule(window=60))
    blocked(found, 50)
    clock.now = PERIOD
    assert blocked(found, 1) == 1

    clock.now = 59.0
    assert blocked(found, 1) == 1
    clock.now = 80.0
    assert blocked(found, 1) == 0


def test_blocked_requests_count() -> None:
    clock = Clock()
    found = limits(clock, rule(window=60))
    blocked(found, 11)
    for second in range(10, 200, 2):
        clock.now = second
        assert blocked(found, 1) == 1, second


def test_a_changed_rule_starts_again() -> None:
    clock = Clock()
    found = limits(clock, rule())
    blocked(found, 50)
    clock.now = PERIOD

    assert blocked(found.with_rules([rule(limit=11)]), 1) == 0
    assert blocked(found.with_rules([rule()]), 1) == 1


def test_without_rules_nothing_is_blocked() -> None:
    assert blocked(limits(Clock()), 1000) == 0
