import dataclasses
from collections.abc import Sequence

from localcloud.aws.autoscaling.tracking import History, Limits, PolicyReading, decide

LIMITS = Limits(least=1, most=10)
READING = PolicyReading(
    name="requests",
    high_alarm="high",
    low_alarm="low",
    target_value=100,
    scales_in=True,
    scale_out_cooldown=300,
    scale_in_cooldown=300,
    values=[100.0] * 15,
)


def reading(values: Sequence[float | None], **changes: object) -> PolicyReading:
    """Return a reading that ends with these values, after minutes at the target."""
    padded = [*[100.0] * (15 - len(values)), *values]
    return dataclasses.replace(READING, values=padded, **changes)  # type: ignore[arg-type] # any field


def capacity(
    *readings: PolicyReading,
    capacity: int = 2,
    limits: Limits = LIMITS,
    history: History | None = None,
    now: float = 0,
) -> int | None:
    change = decide(
        readings, capacity=capacity, limits=limits, history=history or History(), now=now
    )
    return None if change is None else change.capacity


def test_at_the_target_nothing_changes() -> None:
    assert capacity(READING) is None


def test_capacity_is_added_in_proportion_after_three_high_minutes() -> None:
    assert capacity(reading([250, 250])) is None
    assert capacity(reading([250, 250, 250])) == 5
    assert capacity(reading([250, None, 250])) is None
    assert capacity(reading([101, 101, 101])) == 3
    assert capacity(reading([250, 100, 250])) is None


def test_one_is_removed_after_fifteen_low_minutes() -> None:
    low = [89.0] * 15
    assert capacity(reading(low)) == 1
    assert capacity(reading(low[1:])) is None
    assert capacity(reading([90.0] * 15)) is None
    assert capacity(reading([None, *low[1:]])) is None
    assert capacity(reading([0.0] * 15), capacity=8) == 7


def test_any_policy_adds_and_all_must_agree_to_remove() -> None:
    low, high = reading([0.0] * 15), reading([300, 300, 300], name="cpu")
    assert capacity(low, high) == 6
    assert capacity(high, reading([200, 200, 200])) == 6
    assert capacity(low, READING) is None
    assert capacity(low, low) == 1


def test_a_policy_that_must_not_remove_has_no_say() -> None:
    low = reading([0.0] * 15)
    assert capacity(low, dataclasses.replace(READING, scales_in=False)) == 1
    assert capacity(dataclasses.replace(low, scales_in=False)) is None


def test_capacity_stays_within_the_limits() -> None:
    assert capacity(reading([900, 900, 900])) == 10
    assert capacity(reading([900, 900, 900]), capacity=10) is None
    assert capacity(reading([0.0] * 15), capacity=1) is None
    assert capacity(READING, limits=Limits(least=3, most=4)) == 3
    assert capacity(READING, capacity=9, limits=Limits(least=3, most=4)) == 4


def test_suspended_scaling_changes_nothing() -> None:
    no_more = Limits(least=1, most=10, out_suspended=True)
    no_less = Limits(least=1, most=10, in_suspended=True)
    assert capacity(reading([300, 300, 300]), limits=no_more) is None
    assert capacity(reading([0.0] * 15), limits=no_less) is None


def test_only_a_larger_addition_is_made_during_its_cooldown() -> None:
    high = reading([200, 200, 200])
    change = decide([high], capacity=2, limits=LIMITS, history=History(), now=1000)
    assert change is not None
    history = History().after(change, 2, 1000)
    assert capacity(high, capacity=4, history=history, now=1200) is None
    assert capacity(reading([400, 400, 400]), capacity=4, history=history, now=1200) == 8
    assert capacity(high, capacity=4, history=history, now=1300) == 8


def test_removals_wait_for_their_cooldown_but_additions_do_not() -> None:
    low = reading([0.0] * 15)
    change = decide([low], capacity=5, limits=LIMITS, history=History(), now=1000)
    assert change is not None
    history = History().after(change, 5, 1000)
    assert capacity(low, capacity=4, history=history, now=1299) is None
    assert capacity(low, capacity=4, history=history, now=1300) == 3
    assert capacity(reading([200, 200, 200]), capacity=4, history=history, now=1001) == 8


def test_the_cause_names_the_alarm_and_the_policy() -> None:
    change = decide([reading([300, 300, 300])], capacity=1, limits=LIMITS, history=History(), now=0)
    assert change is not None
    assert change.cause == "monitor alarm high in state ALARM triggered policy requests"
