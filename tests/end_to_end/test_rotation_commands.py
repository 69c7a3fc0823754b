"""Rotating and revoking clients' secrets, as an operator does."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from automation.checks.context import request_token
from automation.rotation.results import Outcome
from functions.rotation.decisions import PENDING
from localcloud.workspace import STACK
from neo4j_mcp_client import ClientCredentials
from tests.end_to_end import breakage
from tests.end_to_end.breakage import World
from tests.repository import ROOT

pytestmark = pytest.mark.stand_in

_TIMEOUT = 180
"""Seconds."""
_COMMAND = [sys.executable, "-m", "automation"]


def _run(pipeline: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *arguments, "--stack", STACK],
        cwd=ROOT,
        env=pipeline,
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )


def _json(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    found: dict[str, Any] = result
    return found


def _is_accepted(world: World, credentials: ClientCredentials) -> bool:
    with world.context.http_client() as http:
        return request_token(http, credentials).is_success


def test_a_replaced_secret_is_valid_until_the_next_rotation_and_a_revoked_one_is_not(
    world: World, pipeline: dict[str, str]
) -> None:
    first = world.context.credentials("reader")
    rotated = _json(_run(pipeline, "rotate", "--client", "reader", "--json"))
    assert rotated["outcome"] == "rotated"
    assert rotated["previous"] != rotated["current"]
    second = world.context.credentials("reader")
    assert second.client_secret != first.client_secret
    assert _is_accepted(world, first)
    assert _is_accepted(world, second)
    again = _json(_run(pipeline, "rotate", "--client", "reader", "--json"))
    third = world.context.credentials("reader")
    assert again["previous"] == rotated["current"]
    assert [_is_accepted(world, each) for each in (first, second, third)] == [False, True, True]
    revoked = _run(pipeline, "revoke", "--client", "reader")
    assert revoked.returncode == 0, revoked.stderr
    fourth = world.context.credentials("reader")
    assert [_is_accepted(world, each) for each in (second, third, fourth)] == [False, False, True]
    assert "the last token already issued expires by" in revoked.stdout
    assert f"remove {first.client_id} from the audience" in revoked.stdout
    for each in (first, second, third, fourth):
        assert each.client_secret not in revoked.stdout + revoked.stderr


@contextmanager
def _failing_function(world: World) -> Iterator[None]:
    """Have the rotation function fail after it has written a new client secret."""
    with breakage.rotation_function(
        world,
        "lifecycle.py",
        "        value = self._versions.read(version_id)\n        versions",
        '        raise RotationError("broken on purpose")\n        versions',
    ):
        yield


def test_a_failed_rotation_is_reported_with_its_reason(
    world: World, pipeline: dict[str, str]
) -> None:
    before = world.context.credentials("writer")
    with _failing_function(world):
        failed = _run(pipeline, "rotate", "--client", "writer")
        assert world.context.credentials("writer") == before
    assert failed.returncode == 3, failed.stderr
    assert "broken on purpose" in failed.stdout
    assert f"rotate --stack {STACK} --client writer --unstick" in failed.stdout
    # Secrets Manager may have repeated it by now.
    assert world.rotator.unstick(world.client("writer")).outcome in {
        Outcome.ROTATED,
        Outcome.SKIPPED,
    }


def test_a_rotation_that_was_left_incomplete_is_named_and_completed(
    world: World, pipeline: dict[str, str]
) -> None:
    client = world.client("writer")
    world.rotator.retire(client)
    left = "L" * 64
    before = world.context.credentials("writer")
    secrets = world.aws("secretsmanager")
    value = json.loads(secrets.get_secret_value(SecretId=client.secret_arn)["SecretString"])
    secrets.put_secret_value(
        SecretId=client.secret_arn,
        SecretString=json.dumps(value | {"clientSecret": left}),
        VersionStages=[PENDING],
    )
    stuck = _run(pipeline, "rotate", "--client", "writer")
    assert stuck.returncode == 1, stuck.stderr
    assert "isn't complete, and blocks every other one" in stuck.stdout
    assert f"rotate --stack {STACK} --client writer --unstick" in stuck.stdout
    assert world.context.credentials("writer") == before
    completed = _json(_run(pipeline, "rotate", "--client", "writer", "--unstick", "--json"))
    assert completed["outcome"] == "rotated"
    after = world.context.credentials("writer")
    assert after.client_secret == left
    assert _is_accepted(world, after)


def test_a_rotation_that_cannot_be_completed_is_abandoned(world: World) -> None:
    client, rotator = world.client("writer"), replace(world.rotator, limit=60.0)
    before = world.context.credentials("writer")
    with _failing_function(world):
        assert rotator.rotate(client).outcome is Outcome.FAILED
        abandoned = rotator.unstick(client)
    assert abandoned.outcome is Outcome.ABANDONED
    assert "broken on purpose" in abandoned.reason
    assert world.context.credentials("writer") == before
    # Secrets Manager refuses it until its own repetition of the abandoned one has ended.
    assert rotator.rotate(client).outcome is Outcome.ROTATED


def test_a_rotation_within_the_overlap_is_refused_and_the_secret_kept(world: World) -> None:
    client = replace(world.client("reader"), overlap=timedelta(hours=24))
    # Deletes an earlier replaced client secret.
    world.rotator.retire(world.client("reader"))
    assert world.rotator.rotate(client).outcome is Outcome.ROTATED
    before = world.context.credentials("reader")
    refused = world.rotator.rotate(client)
    assert refused.outcome is Outcome.REFUSED
    assert "The overlap ends at" in refused.reason
    assert world.context.credentials("reader") == before


def test_a_client_without_a_schedule_is_rotated_by_the_function(world: World) -> None:
    client = replace(world.client("reader"), rotation_days=0)
    before = world.context.credentials("reader")
    assert world.rotator.rotate(client).outcome is Outcome.ROTATED
    after = world.context.credentials("reader")
    assert after.client_secret != before.client_secret
    assert _is_accepted(world, after)


@pytest.mark.slow
def test_an_interrupted_command_says_that_the_rotation_continues(
    world: World, pipeline: dict[str, str]
) -> None:
    with breakage.rotation_function(
        world,
        "lifecycle.py",
        "        value = self._versions.read(version_id)\n        versions",
        "        self._services.sleep(5)\n"
        "        value = self._versions.read(version_id)\n        versions",
    ):
        with subprocess.Popen(
            [*_COMMAND, "rotate", "--client", "reader", "--stack", STACK],
            cwd=ROOT,
            env=pipeline,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            assert "Rotating the secret of reader" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=_TIMEOUT)
        assert process.returncode == 130
        assert "the secret of reader continues on AWS" in said
        assert "Traceback" not in said
        world.wait_for_rotations()
    assert _is_accepted(world, world.context.credentials("reader"))


def test_an_unknown_client_is_refused_with_the_known_ones(pipeline: dict[str, str]) -> None:
    done = _run(pipeline, "revoke", "--client", "nobody")
    assert done.returncode == 3
    assert "Its clients are: reader, writer" in done.stderr
