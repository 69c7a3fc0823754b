"""Each event killed before and after each of its calls, and overtaken by others at each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from functions.rotation.credentials import RotationError
from tests.functions.rotation.fakes import Killed
from tests.functions.rotation.scenarios import SCENARIOS, Scenario, unstick
from tests.functions.rotation.world import World

NewWorld = Callable[[], World]


@contextmanager
def at(point: str) -> Iterator[None]:
    """Name the point of an interruption in a failure."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"interrupted {point}")
        raise


def require_settled_until_one_is_left(world: World) -> None:
    world.require_settled()
    world.end_overlap()
    world.require_one_client_secret()


@pytest.mark.parametrize("gap", [timedelta(minutes=1), timedelta(days=3)], ids=["soon", "later"])
@pytest.mark.parametrize(
    ("scenario", "completion"),
    [
        pytest.param(scenario, completion, id=f"{name}, {completion}")
        for name, scenario in SCENARIOS.items()
        for completion in scenario.completions
    ],
)
def test_the_next_run_completes_one_that_was_killed_at_any_call(
    scenario: Scenario, completion: str, gap: timedelta, new_world: NewWorld
) -> None:
    calls = scenario.calls()
    assert len(calls) > 3
    for index, call in enumerate(calls):
        for after in (False, True):
            with at(f"{'after' if after else 'before'} call {index}, {call}"):
                world = new_world()
                scenario.start(world)
                world.calls.kill_at, world.calls.kill_after = index, after
                with pytest.raises(Killed):
                    scenario.work(world)
                world.calls.restart()

                world.wait(gap)
                scenario.completions[completion](world)

                require_settled_until_one_is_left(world)


@pytest.mark.parametrize(
    ("scenario", "other"),
    [
        pytest.param(scenario, other, id=f"{name}, {other}")
        for name, scenario in SCENARIOS.items()
        for other in scenario.meanwhile
    ],
)
def test_two_invocations_at_once_end_as_one_after_the_other(
    scenario: Scenario, other: str, new_world: NewWorld
) -> None:
    for index, call in enumerate(scenario.calls()):
        with at(f"by {other} at call {index}, {call}"):
            world = new_world()
            scenario.start(world)

            def overtake(world: World = world) -> None:
                try_to(lambda: scenario.meanwhile[other](world))

            world.calls.hooks[index] = overtake
            try_to(lambda: scenario.work(world))  # noqa: B023  called at once
            world.calls.restart()

            unstick(world)
            world.wait(timedelta(hours=1))

            require_settled_until_one_is_left(world)


def try_to(work: Callable[[], object]) -> None:
    """Do something that another invocation at the same time can make impossible."""
    try:
        work()
    except RotationError:
        return
