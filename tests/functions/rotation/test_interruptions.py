"""Each event killed before and after each of its calls, and overtaken by others at each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

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


@pytest.mark.parametrize(
    "name",
    ["first publication", "move of an earlier version's stack", "replaced app client"],
)
def test_a_publication_that_is_repeated_too_soon_succeeds_both_times(
    name: str, new_world: NewWorld
) -> None:
    scenario = SCENARIOS[name]
    for index, call in enumerate(scenario.calls()):
        with at(f"by itself at call {index}, {call}"):
            world = new_world()
            scenario.start(world)
            world.calls.hooks[index] = partial(scenario.work, world)

            scenario.work(world)

            world.wait(timedelta(hours=1))
            world.require_settled()


def test_a_rotation_is_not_undone_by_a_publication_at_the_same_time(new_world: NewWorld) -> None:
    scenario = SCENARIOS["other addresses"]
    for index, call in enumerate(scenario.calls()):
        with at(f"by a rotation at call {index}, {call}"):
            world = new_world()
            scenario.start(world)
            before = world.current["clientSecret"]
            world.calls.hooks[index] = partial(_rotate, world)

            scenario.work(world)

            assert world.current["clientSecret"] != before
            world.require_settled()


def test_the_latest_addresses_survive_a_rotation_at_the_same_time(new_world: NewWorld) -> None:
    scenario = SCENARIOS["rotation with addresses changed since"]
    latest = "https://latest.example/mcp"
    for index, call in enumerate(scenario.calls()):
        with at(f"by a publication at call {index}, {call}"):
            world = new_world()
            scenario.start(world)
            before = world.current["clientSecret"]
            world.calls.hooks[index] = partial(_publish_at, world, latest)

            try_to(partial(scenario.work, world))
            unstick(world)

            assert world.current["mcpUrl"] == latest
            assert world.current["clientSecret"] != before


def _rotate(world: World) -> None:
    world.rotate()


def _publish_at(world: World, mcp_url: str) -> None:
    world.publish(mcpUrl=mcp_url)


def try_to(work: Callable[[], object]) -> None:
    """Do something that another invocation at the same time can make impossible."""
    try:
        work()
    except RotationError:
        return
