"""Drills on the running service: its container killed, a new deployment under traffic."""

from typing import Any, Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.checks.lookups import find_service
from automation.checks.verdicts import Skipped, Undecided, expect, expect_equal
from automation.drills.exercise import Exercise
from automation.drills.records import expect_failures, expect_no_failure, outage
from automation.drills.registry import drill

# What a caller may see while a host has no instance, or removes one in the middle of a call.
_HOST_FAILURES: Final = frozenset({"HTTP 429", "HTTP 502", "HTTP 503", "HTTP 504", "NetworkError"})
_LONGEST_DEPLOYMENT: Final = 3600.0
_POLL: Final = 1.0
_STEADY: Final = 20
"""Successful calls in a row after which no failure is expected any more."""


@drill("container-killed", touches="ends the service's containers through the Docker Engine")
def container_killed(exercise: Exercise) -> None:
    """App Runner replaces a killed container, and then no call fails."""
    image = find_service(exercise.probe)["SourceConfiguration"]["ImageRepository"][
        "ImageIdentifier"
    ]
    try:
        from automation.drills import containers  # noqa: PLC0415 - nothing else needs Docker's SDK
    except ImportError as error:
        raise Skipped("without the Docker SDK no container can be killed") from error
    replacement = exercise.options.limits.replacement
    with containers.docker_engine() as engine:
        killed = containers.running(engine, image)
        if not killed:
            raise Skipped(
                "the Docker Engine runs no container of the service: App Runner's own are out of"
                " reach"
            )
        with exercise.traffic(exercise.call()) as traffic:
            since = exercise.mark(f"kill {', '.join(str(each.name) for each in killed)}")
            with exercise.phase("killed and replaced"):
                for container in killed:
                    containers.kill(container)
                exercise.expect_success(traffic, since, within=replacement, in_a_row=_STEADY)
        after = containers.wait_for_running(engine, image, len(killed), replacement)
    lost = outage(traffic.records, since)
    exercise.mark(f"calls failed for {lost:.1f} s; {', '.join(str(each.name) for each in after)}")
    expect_failures(traffic.records, _HOST_FAILURES)
    expect(len(after) >= len(killed), f"of {len(killed)} containers, only {len(after)} run again")


@drill("redeploy-under-traffic", touches="deploys the service's own image again")
def redeploy_under_traffic(exercise: Exercise) -> None:
    """No call fails while the service is deployed again."""
    probe = exercise.probe
    arn = find_service(probe)["ServiceArn"]
    with exercise.traffic(exercise.call()) as traffic:
        began = exercise.mark("start a deployment")
        with exercise.phase("the deployment"):
            started = probe.aws("apprunner", "start_deployment", ServiceArn=arn)
            status = wait_for_operation(exercise, arn, started["OperationId"])
        ended = exercise.mark(f"the deployment ends: {status}")
        expect_equal("the deployment's status", status, "SUCCEEDED")
        exercise.expect_success(
            traffic, ended, within=exercise.options.limits.replacement, in_a_row=_STEADY
        )
    expect_no_failure(
        [record for record in traffic.records if record.ended >= began],
        "the service was deployed again",
    )


def wait_for_operation(exercise: Exercise, arn: str, operation: str) -> str:
    """Wait for the end of an operation of App Runner, and return its status.

    Raises:
        Undecided: it hasn't ended within an hour.
    """
    client = exercise.context.client("apprunner")

    def find_ended() -> dict[str, Any] | None:
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
        found = attempts(find_ended)
    except RetryError as error:
        raise Undecided(
            f"after {_LONGEST_DEPLOYMENT:g} s App Runner still reports the deployment in progress"
        ) from error
    exercise.probe.note("apprunner list_operations", found)
    return str((found or {})["Status"])
