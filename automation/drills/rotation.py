"""Drills on the clients' secrets: a rotation, and one whose function dies in the middle."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.checks.context import request_token
from automation.checks.verdicts import Failed, Skipped, Undecided
from automation.drills.client_secrets import (
    ClientSecrets,
    describe,
    expect_rotated,
    has_leftovers,
)
from automation.drills.exercise import Exercise
from automation.drills.function_process import (
    FAILED,
    KILLED,
    RETURNED,
    FunctionProcess,
    Run,
)
from automation.drills.registry import drill
from automation.drills.secret_traffic import ENOUGH_TOKENS, SecretTraffic, secret_traffic
from automation.drills.tokens import shorten_token_lifetime
from automation.rotation.clients import Client
from automation.rotation.decisions import is_complete
from neo4j_mcp_client import ClientCredentials

_POLL: Final = 1.0
_ADD: Final = "AddUserPoolClientSecret"
_PURPOSE_OF_ONE: Final = (
    "the overlap leaves room for one rotation: the function ends after it has added the new client"
    " secret"
)


@drill(
    "rotation",
    touches="rotates a client's secret, shortens its tokens' lifetime, pauses the hourly deletion",
)
def rotation(exercise: Exercise) -> None:
    """No call fails while a client's secret is rotated, whether callers reread it or keep it."""
    client = rotated_client(exercise.context.clients)
    secrets = ClientSecrets.of(exercise, client)
    secrets.prepare()
    shorten_token_lifetime(exercise, client.name)
    credentials = exercise.context.credentials(client.name)
    with secret_traffic(exercise, client, "the secret was rotated", with_bridge=True) as callers:
        replaced = callers.current_number
        with exercise.phase("the rotation"):
            secrets.rotate()
        with exercise.phase("both client secrets are valid"):
            _use_both(callers, replaced)
        if client.overlap:
            exercise.mark("the replaced client secret stays valid; its end isn't waited for")
        else:
            with exercise.phase("the replaced client secret is deleted"):
                _delete(callers, secrets, credentials)


@drill(
    "rotation-interrupted",
    touches="rotates a client's secret many times, and pauses the hourly deletion",
)
def rotation_interrupted(exercise: Exercise) -> None:
    """The next run completes a rotation whose function died at any point, and no call fails."""
    client = rotated_client(exercise.context.clients)
    secrets = ClientSecrets.of(exercise, client)
    secrets.prepare()
    exercise.restore_at_end("the rotation", secrets.restore)
    environment = {
        "USER_POOL_ID": exercise.context.user_pool_id,
        "AWS_DEFAULT_REGION": str(exercise.context.session.region_name),
    }
    with (
        FunctionProcess(environment) as function,
        secret_traffic(
            exercise, client, "rotations were interrupted", with_bridge=False
        ) as callers,
    ):
        interruption = _Interruption(callers=callers, secrets=secrets, function=function)
        with exercise.phase("rotations are interrupted"):
            if client.overlap:
                exercise.mark(_PURPOSE_OF_ONE)
                if interruption.run(operation=_ADD).ended != KILLED:
                    raise Undecided(f"the rotation function has made no call of {_ADD}")
            else:
                calls = 0
                while interruption.run(calls=calls).ended == KILLED:
                    calls += 1


def rotated_client(outputs: Mapping[str, Mapping[str, Any]]) -> Client:
    """Return the first client that Secrets Manager rotates.

    Args:
        outputs: the output `clients`.

    Raises:
        Skipped: there is none.
    """
    for name, found in outputs.items():
        client = Client.from_output(name, found)
        if client.enabled and client.rotation_days:
            return client
    raise Skipped("no client is enabled and has rotationDays above 0")


def _use_both(callers: SecretTraffic, replaced: int) -> None:
    """Have callers take tokens with the replaced client secret, and then with the new one.

    Args:
        replaced: the number of the replaced client secret.
    """
    since = callers.exercise.mark("both client secrets are valid")
    for group in (callers.keepers, callers.library):
        callers.wait_for_tokens(group, secret=replaced, since=since, times=ENOUGH_TOKENS)
    if callers.bridge is not None:
        callers.wait_for_renewal(callers.bridge, since=since)
    restarted = callers.exercise.mark("the callers that keep their secret are restarted")
    callers.keeper.restart()
    callers.wait_for_tokens(
        callers.keepers, secret=callers.current_number, since=restarted, times=ENOUGH_TOKENS
    )


def _delete(callers: SecretTraffic, secrets: ClientSecrets, old: ClientCredentials) -> None:
    """Delete the replaced client secret, and have callers notice by themselves."""
    exercise = callers.exercise
    secrets.retire()
    expect_refused(exercise.http, old, within=exercise.options.limits.recovery)
    since = exercise.mark("the token endpoint refuses the replaced client secret")
    callers.wait_for_tokens(
        callers.library, secret=callers.current_number, since=since, times=ENOUGH_TOKENS
    )
    if callers.bridge is not None:
        callers.wait_for_renewal(callers.bridge, since=since)


def expect_refused(http: httpx2.Client, credentials: ClientCredentials, *, within: float) -> None:
    """Wait until the token endpoint refuses a client secret.

    Args:
        within: the longest wait, in seconds.

    Raises:
        Failed: it doesn't refuse it.
    """
    attempts = Retrying(
        retry=retry_if_result(lambda response: response.is_success),
        stop=stop_after_delay(within),
        wait=wait_fixed(_POLL),
    )
    try:
        attempts(request_token, http, credentials)
    except RetryError as error:
        raise Failed(
            f"{within:g} s after a client secret was deleted, the token endpoint still accepts it"
        ) from error


@dataclass(frozen=True, kw_only=True)
class _Interruption:
    """Interrupts rotations, and has the next run complete them."""

    callers: SecretTraffic
    secrets: ClientSecrets
    function: FunctionProcess

    def run(self, *, calls: int | None = None, operation: str | None = None) -> Run:
        """Rotate with a function that dies, have the deployed function complete it, and compare.

        Args:
            calls: after how many external calls the function dies, if it makes so many.
            operation: after the first call of which operation it dies, if it makes one.

        Returns:
            The run of the function that died.

        Raises:
            Failed: the function fails, or the next run leaves another state than it should.
            Skipped: the function may not run on this machine.
        """
        secrets, callers = self.secrets, self.callers
        before = secrets.inventory()
        event = {"rotate": secrets.client.secret_arn}
        run = self.function.run(event, calls=calls, operation=operation)
        _expect_no_error(run)
        since = callers.exercise.mark(_died(run))
        left = secrets.inventory()
        if left == before:
            # It had only read.
            return run
        if has_leftovers(left) or not is_complete(before, left):
            secrets.complete()
        after = secrets.inventory()
        callers.exercise.probe.note(_died(run), describe(after))
        expect_rotated(before, after)
        callers.keeper.restart()
        callers.wait_for_tokens(
            callers.keepers, secret=callers.current_number, since=since, times=1
        )
        secrets.retire()
        return run


def _expect_no_error(run: Run) -> None:
    if run.ended == FAILED:
        problem = f"the rotation function fails on this machine: {run.message}"
        raise Skipped(problem) if "AccessDenied" in run.message else Failed(problem)


def _died(run: Run) -> str:
    if run.ended == RETURNED:
        return f"the function made all its {len(run.calls)} external calls"
    last = f"call {len(run.calls)}, {run.calls[-1]}" if run.calls else "no call"
    return f"the function died after {last}"
