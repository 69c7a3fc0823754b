"""Any history of a client's secret, with interruptions anywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.rotation.credentials import RotationError
from tests.functions.rotation.fakes import Killed
from tests.functions.rotation.scenarios import deploy_earlier_version
from tests.functions.rotation.world import World


def rotate(world: World) -> None:
    """Start a rotation as Secrets Manager does, or attempt a started one again."""
    token = world.manager.holder("AWSPENDING") or world.manager.start_rotation()
    world.steps(token)


def replace_app_client(world: World) -> None:
    client_id = f"{len(world.cognito.app_clients) + 1}example23456789"
    world.cognito.create(client_id)
    world.clock.sleep(3)
    world.publish(clientId=client_id)


EVENTS: dict[str, Callable[[World], object]] = {
    "publish": World.publish,
    "publish another address": lambda world: world.publish(
        mcpUrl=f"https://mcp.example/{len(world.calls.made)}"
    ),
    "replace the app client": replace_app_client,
    "rotate": rotate,
    "rotate by event": World.rotate_by_event,
    "revoke": World.revoke,
    "retire": World.retire,
    "wait an hour": lambda world: world.wait(timedelta(hours=1)),
    "wait two days": lambda world: world.wait(timedelta(days=2)),
}


@dataclass(frozen=True)
class Event:
    """Something that happens, and the call that it is killed at, if any."""

    name: str
    kill_at: int | None
    after: bool

    def happen(self, world: World) -> None:
        world.calls.restart()
        world.calls.kill_at, world.calls.kill_after = self.kill_at, self.after
        try:
            EVENTS[self.name](world)
        except (RotationError, Killed):
            return
        finally:
            world.calls.restart()


events = st.builds(
    Event, st.sampled_from(sorted(EVENTS)), st.none() | st.integers(0, 45), st.booleans()
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(earlier_version=st.booleans(), history=st.lists(events, max_size=8))
def test_callers_get_tokens_throughout_and_a_revocation_ends_every_other_client_secret(
    earlier_version: bool, history: list[Event]
) -> None:
    world = World()
    world.cognito.delay = timedelta(seconds=3)
    if earlier_version:
        deploy_earlier_version(world)
    world.calls.restart()

    for event in history:
        event.happen(world)  # callers are watched at each call

    world.publish()
    world.revoke()
    world.require_one_client_secret()
    rotate(world)
    world.end_overlap()
    world.require_one_client_secret()
