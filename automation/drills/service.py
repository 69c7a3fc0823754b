"""Drills on the running service: its container killed, a new deployment under traffic."""

from http import HTTPStatus
from typing import Any, Final

import docker
import docker.errors
from docker.models.containers import Container
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.checks.lookups import find_service
from automation.checks.verdicts import Skipped, Undecided, expect, expect_equal
from automation.drills.exercise import Exercise
from automation.drills.records import expect_all_answered, expect_failures, outage
from automation.drills.registry import drill

# What a caller may see while a host has no instance, or takes one away in the middle of a call.
_HOSTS_REFUSALS: Final = frozenset({"HTTP 429", "HTTP 502", "HTTP 503", "HTTP 504", "NetworkError"})
_LONGEST_REPLACEMENT: Final = 300.0
_LONGEST_DEPLOYMENT: Final = 3600.0
_POLL: Final = 1.0
_STEADY: Final = 20
"""Calls in a row that show that no failure comes back."""
_ENGINE_TIMEOUT: Final = 30
_ENDED: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})
"""What the Docker Engine answers where the container to kill is gone, or runs no more."""


@drill("container-killed", touches="ends the service's containers, by the Docker Engine")
def container_killed(exercise: Exercise) -> None:
    """A killed container is replaced by itself, and then no call fails."""
    image = find_service(exercise.probe)["SourceConfiguration"]["ImageRepository"][
        "ImageIdentifier"
    ]
    try:
        engine = docker.from_env(timeout=_ENGINE_TIMEOUT)
    except docker.errors.DockerException as error:
        raise Skipped(f"no Docker Engine answers that could run the service: {error}") from error
    try:
        killed = _containers(engine, image)
        if not killed:
            raise Skipped(
                "the Docker Engine runs no container of the service: App Runner's own are out of"
                " reach"
            )
        with exercise.traffic(exercise.call()) as traffic:
            since = exercise.mark(f"kill {', '.join(str(each.name) for each in killed)}")
            with exercise.phase("killed and replaced"):
                for container in killed:
                    kill(container)
                exercise.expect_answered(
                    traffic, since, within=_LONGEST_REPLACEMENT, in_a_row=_STEADY
                )
        after = _wait_for_containers(engine, image, len(killed))
    finally:
        engine.close()
    lost = outage(traffic.records, since)
    exercise.mark(f"calls failed for {lost:.1f} s; {', '.join(str(each.name) for each in after)}")
    expect_failures(traffic.records, _HOSTS_REFUSALS)
    expect(len(after) >= len(killed), f"of {len(killed)} containers, {len(after)} run again")


@drill("redeploy-under-traffic", touches="deploys the service's own image once more")
def redeploy_under_traffic(exercise: Exercise) -> None:
    """While the service is deployed again, no call fails."""
    probe = exercise.probe
    arn = find_service(probe)["ServiceArn"]
    with exercise.traffic(exercise.call()) as traffic:
        began = exercise.mark("start a deployment")
        with exercise.phase("the deployment"):
            started = probe.aws("apprunner", "start_deployment", ServiceArn=arn)
            status = _wait_for_end(exercise, arn, started["OperationId"])
        ended = exercise.mark(f"the deployment ends: {status}")
        expect_equal("the deployment's status", status, "SUCCEEDED")
        exercise.expect_answered(traffic, ended, within=_LONGEST_REPLACEMENT, in_a_row=_STEADY)
    expect_all_answered(
        [record for record in traffic.records if record.ended >= began],
        "the service was deployed again",
    )


def kill(container: Container) -> None:
    """Kill a container, if it still runs: one of an earlier deployment may just have ended.

    Args:
        container: the container.

    Raises:
        docker.errors.APIError: the Docker Engine can't.
    """
    try:
        container.kill()
    except docker.errors.APIError as error:
        if error.status_code not in _ENDED:
            raise


def _containers(engine: docker.DockerClient, image: str) -> list[Container]:
    # The image's name holds its registry and its digest, so it is this deployment's alone.
    running = engine.containers.list(ignore_removed=True)
    return [each for each in running if each.attrs["Config"]["Image"] == image]


def _wait_for_containers(engine: docker.DockerClient, image: str, wanted: int) -> list[Container]:
    """Wait until as many run again: callers are answered as soon as one does."""
    attempts = Retrying(
        retry=retry_if_result(lambda found: len(found) < wanted),
        stop=stop_after_delay(_LONGEST_REPLACEMENT),
        wait=wait_fixed(_POLL),
        retry_error_callback=lambda _: _containers(engine, image),
    )
    return attempts(_containers, engine, image)


def _wait_for_end(exercise: Exercise, arn: str, operation: str) -> str:
    client = exercise.context.client("apprunner")

    def look() -> dict[str, Any] | None:
        listed = client.list_operations(ServiceArn=arn)["OperationSummaryList"]
        return next(
            (
                each
                for each in listed
                if each["Id"] == operation and each["Status"] not in {"PENDING", "IN_PROGRESS"}
            ),
            None,
        )

    attempts = Retrying(
        retry=retry_if_result(lambda found: found is None),
        stop=stop_after_delay(_LONGEST_DEPLOYMENT),
        wait=wait_fixed(_POLL),
    )
    try:
        found = attempts(look)
    except RetryError as error:
        raise Undecided(
            f"after {_LONGEST_DEPLOYMENT:g} s App Runner still reports the deployment in progress"
        ) from error
    exercise.probe.note("apprunner list_operations", found)
    return str((found or {})["Status"])
