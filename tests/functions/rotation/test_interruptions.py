"""Each event killed before and after each of its calls, and overtaken by others at each of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from functions.rotation.credentials import Addresses, Credentials
from tests.functions.rotation.fakes import Killed
from tests.functions.rotation.world import ADDRESSES, OVERLAP, Work, World, try_to, unstick

NewWorld = Callable[[], World]
OTHER = {"mcpUrl": "https://other.example/mcp"}
DELAY = timedelta(seconds=3)


@dataclass(frozen=True)
class Scenario:
    """Work to interrupt.

    Attributes:
        prepare: makes the state that the work starts in.
        work: the work.
        completions: what completes it after an interruption, by name.
        meanwhile: what can run at the same time, by name.
    """

    prepare: Work
    work: Work
    completions: dict[str, Work]
    meanwhile: dict[str, Work] = field(default_factory=dict)


def publish(world: World) -> None:
    world.publish()


def publish_others(world: World) -> None:
    world.publish(**OTHER)


def _nothing(_world: World) -> None:
    return


def _published(world: World) -> None:
    world.publish()
    world.retire()


def _started(world: World) -> None:
    _published(world)
    world.manager.start_rotation()


def _rotated_before(world: World) -> None:
    _published(world)
    world.rotate()
    world.wait(OVERLAP)
    world.manager.start_rotation()


def _addresses_changed_since(world: World) -> None:
    _started(world)
    token = world.manager.holder("AWSPENDING")
    assert token
    for step in ("createSecret", "setSecret", "testSecret"):
        world.step(step, token)
    world.publish(**OTHER)


def _overlap_ends(world: World) -> None:
    _published(world)
    world.rotate()
    world.clock.now += OVERLAP


def _replaced_app_client(world: World) -> None:
    _published(world)
    world.cognito.create("2example23456789")
    world.clock.sleep(3)


def _replaced_during_a_rotation(world: World) -> None:
    _started(world)
    token = world.manager.holder("AWSPENDING")
    assert token
    world.step("createSecret", token)
    world.step("setSecret", token)
    world.cognito.create("2example23456789")
    world.clock.sleep(3)


def _earlier_version(world: World) -> None:
    deploy_earlier_version(world)


def deploy_earlier_version(world: World) -> None:
    """Write what the program wrote before this function existed: the original."""
    (original,) = world.cognito.values(ADDRESSES["clientId"])
    value = Credentials(addresses=Addresses.parse(ADDRESSES), client_secret=original)
    world.manager.write_by_hand(value.dump(), {"AWSCURRENT"})
    world.watched = True


def _steps(world: World) -> None:
    token = world.manager.holder("AWSPENDING")
    if token:
        world.steps(token)


def _publish_replaced(world: World) -> None:
    world.publish(clientId="2example23456789")


def _others_then_unstick(world: World) -> None:
    world.publish(**OTHER)
    unstick(world)


def _revoke(world: World) -> None:
    world.revoke()


def _retire(world: World) -> None:
    world.retire()


def _rotate(world: World) -> None:
    world.rotate_by_event()


_ROTATION = {
    "steps": _steps,
    "unstick": unstick,
    "publish, unstick": _others_then_unstick,
    "revoke": _revoke,
}
_AT_ONCE = {
    "publish": publish,
    "publish others": publish_others,
    "rotate": _rotate,
    "retire": _retire,
}
SCENARIOS = {
    "first publication": Scenario(
        _nothing,
        publish,
        {"publish": publish, "publish others": publish_others},
        {"publish": publish},
    ),
    "move of an earlier version's stack": Scenario(
        deploy_earlier_version,
        publish,
        {"publish": publish, "publish others": publish_others},
        {"publish": publish, "retire": _retire},
    ),
    "other addresses": Scenario(
        _published, publish_others, {"publish others": publish_others}, _AT_ONCE
    ),
    "replaced app client": Scenario(
        _replaced_app_client,
        _publish_replaced,
        {"publish": _publish_replaced},
        {"publish": _publish_replaced},
    ),
    "replaced app client during a rotation": Scenario(
        _replaced_during_a_rotation, _publish_replaced, {"publish": _publish_replaced}
    ),
    "rotation": Scenario(_started, _steps, _ROTATION, _AT_ONCE | {"steps": _steps}),
    "second rotation": Scenario(_rotated_before, _steps, _ROTATION),
    "rotation by event": Scenario(_published, _rotate, {"unstick": unstick, "revoke": _revoke}),
    "rotation with addresses changed since": Scenario(
        _addresses_changed_since, _steps, {"unstick": unstick, "steps": _steps}, _AT_ONCE
    ),
    "retirement": Scenario(_overlap_ends, _retire, {"retire": _retire}, _AT_ONCE),
    "revocation": Scenario(_published, _revoke, {"revoke": _revoke, "unstick": unstick}, _AT_ONCE),
    "revocation within an overlap": Scenario(
        lambda world: (_published(world), world.rotate()),
        _revoke,
        {"revoke": _revoke, "unstick": unstick},
    ),
    "revocation during a rotation": Scenario(
        lambda world: (_started(world), world.step("createSecret", _token(world))),
        _revoke,
        {"revoke": _revoke},
        {"steps": _steps},
    ),
}


def _token(world: World) -> str:
    token = world.manager.holder("AWSPENDING")
    assert token
    return token


def _calls(scenario: Scenario) -> list[str]:
    """Find the calls to interrupt, by doing the work once."""
    world = World()
    world.cognito.delay = DELAY
    scenario.prepare(world)
    world.calls.restart()
    scenario.work(world)
    return list(world.calls.made)


def _interruptions() -> Iterator[object]:
    for name, scenario in SCENARIOS.items():
        for completion in scenario.completions:
            for index, call in enumerate(_calls(scenario)):
                for after in (False, True):
                    when = "after" if after else "before"
                    yield pytest.param(
                        scenario,
                        completion,
                        index,
                        after,
                        id=f"{name}, {when} {index} {call}, {completion}",
                    )


@pytest.mark.parametrize("gap", [timedelta(minutes=1), timedelta(days=3)], ids=["soon", "later"])
@pytest.mark.parametrize(("scenario", "completion", "index", "after"), list(_interruptions()))
def test_the_next_run_completes_a_killed_one(
    scenario: Scenario,
    completion: str,
    index: int,
    after: bool,
    gap: timedelta,
    new_world: NewWorld,
) -> None:
    world = new_world()
    world.cognito.delay = DELAY
    scenario.prepare(world)
    world.calls.restart()
    world.calls.kill_at, world.calls.kill_after = index, after
    with pytest.raises(Killed):
        scenario.work(world)
    world.calls.restart()

    world.wait(gap)
    scenario.completions[completion](world)

    world.require_settled()
    world.wait(OVERLAP + timedelta(hours=1))
    world.require_one_client_secret()


def _overtakings() -> Iterator[object]:
    for name, scenario in SCENARIOS.items():
        for other in scenario.meanwhile:
            for index, call in enumerate(_calls(scenario)):
                yield pytest.param(scenario, other, index, id=f"{name}, {other} at {index} {call}")


@pytest.mark.parametrize(("scenario", "other", "index"), list(_overtakings()))
def test_two_invocations_at_once_end_as_one_after_the_other(
    scenario: Scenario, other: str, index: int, new_world: NewWorld
) -> None:
    world = new_world()
    world.cognito.delay = DELAY
    scenario.prepare(world)
    world.calls.restart()
    world.calls.hooks[index] = lambda: try_to(lambda: scenario.meanwhile[other](world))
    try_to(lambda: scenario.work(world))
    world.calls.restart()

    unstick(world)

    world.require_settled()
    world.wait(OVERLAP + timedelta(hours=1))
    world.require_one_client_secret()


def test_there_is_something_to_interrupt() -> None:
    for name, scenario in SCENARIOS.items():
        assert len(_calls(scenario)) > 3, name
