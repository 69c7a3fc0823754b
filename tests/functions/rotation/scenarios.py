"""What can be interrupted or overtaken, from which state, and what completes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from functions.rotation.credentials import Addresses, Credentials
from tests.functions.rotation.fakes import Json
from tests.functions.rotation.world import ADDRESSES, OVERLAP, STEPS, Work, World

OTHER_ADDRESSES: Json = {"mcpUrl": "https://other.example/mcp"}
OTHER_CLIENT = "2example23456789"
_DELAY = timedelta(seconds=3)


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
    completions: Mapping[str, Work]
    meanwhile: Mapping[str, Work] = field(default_factory=dict)

    def start(self, world: World) -> None:
        """Prepare, with a token endpoint that accepts new client secrets after a delay."""
        world.cognito.delay = _DELAY
        self.prepare(world)
        world.calls.restart()

    def calls(self) -> list[str]:
        """Find the calls to interrupt, by doing the work once."""
        world = World()
        self.start(world)
        self.work(world)
        return list(world.calls.made)


def deploy_earlier_version(world: World) -> None:
    """Write what the program wrote before this function existed: the original client secret."""
    (original,) = world.cognito.values(ADDRESSES["clientId"])
    value = Credentials(addresses=Addresses.parse(ADDRESSES), client_secret=original)
    world.manager.write_by_hand(value.dump(), {"AWSCURRENT"})
    world.watched = True


def unstick(world: World) -> None:
    """Complete a rotation that was left, as ``rotate --unstick`` does."""
    if pending := world.manager.holder("AWSPENDING"):
        world.complete(pending)


def replace_app_client(world: World) -> None:
    world.cognito.create(OTHER_CLIENT)
    world.clock.sleep(3)


def _nothing(_world: World) -> None:
    return


def _publish(world: World) -> None:
    world.publish()


def _publish_others(world: World) -> None:
    world.publish(**OTHER_ADDRESSES)


def _publish_replaced(world: World) -> None:
    world.publish(clientId=OTHER_CLIENT)


def _rotate(world: World) -> None:
    world.rotate_by_event()


def _revoke(world: World) -> None:
    world.revoke()


def _retire(world: World) -> None:
    world.retire()


def _steps(world: World) -> None:
    """Do the steps of the rotation that Secrets Manager has started, unless it has ended."""
    token = world.manager.holder("AWSPENDING")
    if token:
        world.steps(token)


def _others_then_unstick(world: World) -> None:
    _publish_others(world)
    unstick(world)


def _published(world: World) -> None:
    world.publish()
    world.retire()


def _rotated(world: World) -> None:
    _published(world)
    world.rotate()


def _rotation_started(world: World) -> None:
    _published(world)
    world.manager.start_rotation()


def _second_rotation_started(world: World) -> None:
    _rotated(world)
    world.end_overlap()
    world.manager.start_rotation()


def _rotating_until(world: World, last: str) -> None:
    _rotation_started(world)
    token = world.manager.holder("AWSPENDING")
    assert token
    for step in STEPS[: STEPS.index(last) + 1]:
        world.step(step, token)


def _secret_written(world: World) -> None:
    _rotating_until(world, "createSecret")


def _addresses_changed_since(world: World) -> None:
    _rotating_until(world, "testSecret")
    _publish_others(world)


def _app_client_replaced(world: World) -> None:
    _published(world)
    replace_app_client(world)


def _app_client_replaced_since(world: World) -> None:
    _rotating_until(world, "setSecret")
    replace_app_client(world)


def _overlap_ended(world: World) -> None:
    _rotated(world)
    world.clock.now += OVERLAP


_OTHERS: Mapping[str, Work] = {
    "publish": _publish,
    "publish others": _publish_others,
    "rotate": _rotate,
    "retire": _retire,
}
_ROTATIONS: Mapping[str, Work] = {
    "steps": _steps,
    "unstick": unstick,
    "publish others and unstick": _others_then_unstick,
    "revoke": _revoke,
}
_PUBLICATIONS: Mapping[str, Work] = {"publish": _publish, "publish others": _publish_others}

SCENARIOS = {
    "first publication": Scenario(_nothing, _publish, _PUBLICATIONS, {"publish": _publish}),
    "move of an earlier version's stack": Scenario(
        deploy_earlier_version,
        _publish,
        _PUBLICATIONS,
        {"publish": _publish, "retire": _retire},
    ),
    "other addresses": Scenario(
        _published, _publish_others, {"publish others": _publish_others}, _OTHERS
    ),
    "replaced app client": Scenario(
        _app_client_replaced,
        _publish_replaced,
        {"publish": _publish_replaced},
        {"publish": _publish_replaced},
    ),
    "app client replaced during a rotation": Scenario(
        _app_client_replaced_since, _publish_replaced, {"publish": _publish_replaced}
    ),
    "rotation": Scenario(_rotation_started, _steps, _ROTATIONS, {**_OTHERS, "steps": _steps}),
    "second rotation": Scenario(_second_rotation_started, _steps, _ROTATIONS),
    "rotation by event": Scenario(_published, _rotate, {"unstick": unstick, "revoke": _revoke}),
    "rotation with addresses changed since": Scenario(
        _addresses_changed_since, _steps, {"unstick": unstick, "steps": _steps}, _OTHERS
    ),
    "retirement": Scenario(_overlap_ended, _retire, {"retire": _retire}, _OTHERS),
    "revocation": Scenario(_published, _revoke, {"revoke": _revoke, "unstick": unstick}, _OTHERS),
    "revocation within an overlap": Scenario(
        _rotated, _revoke, {"revoke": _revoke, "unstick": unstick}
    ),
    "revocation during a rotation": Scenario(
        _secret_written, _revoke, {"revoke": _revoke}, {"steps": _steps}
    ),
}
