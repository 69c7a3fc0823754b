"""Rotations while callers of every kind call: none of their calls fails."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from automation.checks.context import request_token
from automation.checks.results import Outcome
from automation.controls import Controls
from automation.deployment import Deployment
from automation.drills.client_secrets import ClientSecrets
from automation.drills.exercise import Exercise, Options
from automation.drills.registry import Drill
from automation.drills.results import DrillResult
from automation.drills.rotation import expect_refused, rotated_client
from automation.drills.runner import run
from automation.drills.secret_traffic import SecretTraffic, secret_traffic
from automation.drills.tokens import shorten_token_lifetime
from localcloud.cloud import Cloud
from neo4j_mcp_client import ClientCredentials
from tests.end_to_end.breakage import World

pytestmark = pytest.mark.stand_in

_LIFETIME = 5
_DELAY = 4


def exercise(world: World, work: Callable[[Exercise], None]) -> DrillResult:
    made_up = Drill(name="made-up", sentence="No call fails", touches="", run=work)
    options = Options(callers=2, token_lifetime=_LIFETIME)
    (result,) = run([made_up], world.context, Controls(), options)
    return result


def statuses(running: Exercise, *known: ClientCredentials) -> list[int]:
    return [request_token(running.http, each).status_code for each in known]


def rotate(
    running: Exercise, secrets: ClientSecrets, callers: SecretTraffic
) -> tuple[ClientCredentials, ClientCredentials]:
    """Rotate once, with both client secrets in use, and return the credentials before and after."""
    name = secrets.client.name
    before, number = running.context.credentials(name), callers.current_number
    assert statuses(running, before) == [200]
    secrets.rotate()
    after = running.context.credentials(name)
    assert before.client_secret != after.client_secret
    assert statuses(running, before, after) == [200, 200]
    since = running.clock()
    for group in (callers.library, callers.keepers):
        callers.wait_for_tokens(group, secret=number, since=since, times=1)
    if callers.bridge is not None:
        callers.wait_for_renewal(callers.bridge, since=since)
    callers.keeper.restart()
    callers.wait_for_tokens(callers.keepers, secret=callers.current_number, since=since, times=1)
    return before, after


def end_overlap(
    running: Exercise,
    secrets: ClientSecrets,
    callers: SecretTraffic,
    before: ClientCredentials,
) -> None:
    secrets.retire()
    expect_refused(running.http, before, within=running.options.limits.recovery)
    since = running.clock()
    for group in (callers.library, callers.keepers):
        callers.wait_for_tokens(group, secret=callers.current_number, since=since, times=1)


@pytest.mark.slow
def test_three_rotations_fail_no_call_and_leave_no_drift(
    world: World, deployed: Deployment
) -> None:
    known: list[ClientCredentials] = []

    def work(running: Exercise) -> None:
        client = rotated_client(running.context.clients)
        secrets = ClientSecrets.of(running, client)
        secrets.prepare()
        shorten_token_lifetime(running, client.name)
        with secret_traffic(running, client, "it was rotated", with_bridge=True) as callers:
            for _ in range(3):
                before, after = rotate(running, secrets, callers)
                end_overlap(running, secrets, callers, before)
                known.append(before)
                assert statuses(running, *known, after) == [400] * len(known) + [200]
            assert callers.bridge is not None
            callers.wait_for_renewal(callers.bridge, since=running.clock())

    result = exercise(world, work)
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    assert {group.who: group.failures for group in result.traffic} == {
        "callers of the library": {},
        "callers that keep their secret": {},
        "callers of the bridge": {},
    }
    assert len({each.client_secret for each in known}) == 3
    assert deployed.preview(refresh=True).none


@pytest.mark.slow
def test_a_client_secret_that_is_accepted_late_fails_no_call(world: World, running: Cloud) -> None:
    def work(exercise: Exercise) -> None:
        client = rotated_client(exercise.context.clients)
        secrets = ClientSecrets.of(exercise, client)
        secrets.prepare()
        with secret_traffic(exercise, client, "it was rotated", with_bridge=False) as callers:
            began = exercise.clock()
            rotate(exercise, secrets, callers)
            assert exercise.clock() - began >= _DELAY

    with accepting_after(running, _DELAY):
        result = exercise(world, work)
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


@contextmanager
def accepting_after(running: Cloud, seconds: int) -> Iterator[None]:
    """Have the token endpoint accept new client secrets after some seconds, as Cognito may."""
    running.control().call("SetClientSecretDelay", Seconds=seconds)
    try:
        yield
    finally:
        running.control().call("SetClientSecretDelay", Seconds=0)
