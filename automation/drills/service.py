"""Drills on the running service: its instances killed, a new deployment under traffic."""

from typing import Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.checks.lookups import find_service, host_operations
from automation.checks.verdicts import Skipped, Undecided, expect
from automation.drills.exercise import Exercise
from automation.drills.records import expect_failures, expect_no_failure, outage
from automation.drills.registry import drill
from automation.hosting.host import Operation, RedeploymentError, Service, aws_of
from automation.hosting.instances import UnreachableError
from components.hosting.definitions import DEFINITIONS

HOST_FAILURES: Final = frozenset({"HTTP 429", "HTTP 502", "HTTP 503", "HTTP 504", "NetworkError"})
"""What a caller may see while a host has no instance, or removes one in the middle of a call."""
_LONGEST_DEPLOYMENT: Final = 3600.0
_POLL: Final = 1.0
_STEADY: Final = 20
"""Successful calls in a row after which no failure is expected any more."""


@drill("container-killed", touches="ends the service's instances where this machine runs them")
def container_killed(exercise: Exercise) -> None:
    """The host replaces a killed instance, and then no call fails."""
    host, service = host_operations(exercise.probe), find_service(exercise.probe)
    endpoint = exercise.context.client("lambda").meta.endpoint_url
    replacement = exercise.options.limits.replacement
    try:
        with (
            host.instances(service, endpoint) as instances,
            exercise.traffic(exercise.call()) as traffic,
        ):
            killed = instances.running()
            if not killed:
                title = DEFINITIONS[host.hosting].title
                raise Skipped(
                    f"this machine runs no instance of the service: {title}'s own are out of reach"
                )
            since = exercise.mark(f"kill {', '.join(each.name for each in killed)}")
            with exercise.phase("killed and replaced"):
                for instance in killed:
                    instance.kill()
                exercise.expect_success(traffic, since, within=replacement, in_a_row=_STEADY)
            wanted = len(killed) if instances.are_kept else 1
            after = instances.wait_for_running(wanted, replacement)
    except UnreachableError as error:
        raise Skipped(str(error)) from error
    lost = outage(traffic.records, since)
    exercise.mark(f"calls failed for {lost:.1f} s; {', '.join(each.name for each in after)}")
    expect_failures(traffic.records, HOST_FAILURES)
    remaining = {each.id for each in killed} & {each.id for each in after}
    expect(not remaining, f"{len(remaining)} of {len(killed)} instances weren't killed")
    expect(len(after) >= wanted, f"of {len(killed)} instances, only {len(after)} run again")


@drill("redeploy-under-traffic", touches="deploys what the service runs again")
def redeploy_under_traffic(exercise: Exercise) -> None:
    """No call fails while the service is deployed again."""
    probe = exercise.probe
    host, service = host_operations(probe), find_service(probe)
    with exercise.traffic(exercise.call()) as traffic:
        began = exercise.mark("start a deployment")
        with exercise.phase("the deployment"):
            try:
                started = host.redeploy(probe.aws, service, exercise.context.settings)
            except RedeploymentError as error:
                raise Skipped(str(error)) from error
            operation = wait_for_operation(exercise, service, started)
        ended = exercise.mark(f"the deployment ends: {operation.status}")
        expect(operation.succeeded, f"the deployment's status is {operation.status!r}")
        exercise.expect_success(
            traffic, ended, within=exercise.options.limits.replacement, in_a_row=_STEADY
        )
    expect_no_failure(
        [record for record in traffic.records if record.ended >= began],
        "the service was deployed again",
    )


def wait_for_operation(exercise: Exercise, service: Service, operation: str) -> Operation:
    """Wait for the end of an operation of the host, and return it.

    Raises:
        Undecided: it hasn't ended within an hour.
    """
    host = host_operations(exercise.probe)
    # Not the probe: its evidence would have every repetition.
    aws = aws_of(exercise.context.client)

    def find_ended() -> Operation | None:
        listed = host.operations(aws, service.id)
        return next((each for each in listed if each.id == operation and each.ended), None)

    attempts = Retrying(
        retry=retry_if_result(lambda found: found is None),
        stop=stop_after_delay(_LONGEST_DEPLOYMENT),
        wait=wait_fixed(_POLL),
    )
    try:
        found = attempts(find_ended)
    except RetryError as error:
        title = DEFINITIONS[host.hosting].title
        raise Undecided(
            f"after {_LONGEST_DEPLOYMENT:g} s {title} still reports the deployment in progress"
        ) from error
    if found is None:
        raise Undecided("the deployment has no end")
    exercise.probe.note("The deployment", f"{found.kind}: {found.status} {found.reason}")
    return found
