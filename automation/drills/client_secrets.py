"""A client's secrets in Secrets Manager and Cognito, as the rotation drills change them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.checks.verdicts import Failed, Skipped, Undecided, expect
from automation.drills.exercise import Exercise
from automation.rotation.clients import Client
from automation.rotation.decisions import (
    current_client_secret,
    incomplete_version,
    overlap_end,
)
from automation.rotation.operations import Rotator
from automation.rotation.results import Outcome
from functions.rotation.credentials import RotationError
from functions.rotation.decisions import PENDING, PUBLISHING, Inventory

_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class ClientSecrets:
    """The secrets of one client."""

    exercise: Exercise
    client: Client
    rotator: Rotator

    @classmethod
    def of(cls, exercise: Exercise, client: Client) -> Self:
        """Find the secrets of a client."""
        context = exercise.context

        def report(line: str) -> None:
            exercise.mark(line.removeprefix("… "))

        rotator = Rotator(
            stack=context.stack,
            function=context.outputs["rotationFunction"],
            user_pool_id=context.user_pool_id,
            aws=context.client,
            report=report,
        )
        return cls(exercise=exercise, client=client, rotator=rotator)

    def inventory(self) -> Inventory:
        """Look up what there is."""
        return self.rotator.inventory(self.client)

    def prepare(self) -> None:
        """Require that the secret can be rotated, and delete a client secret that is due for it.

        Without an overlap, the hourly deletion could come between a rotation and the restart of
        callers, so it is paused until the drill ends.

        Raises:
            Skipped: a replaced client secret is still valid.
            Failed: a rotation is incomplete, or a client secret can't be deleted.
        """
        context = self.exercise.context
        require_rotatable(self.inventory(), self.client, context.stack, now=datetime.now(UTC))
        if not self.client.overlap:
            events, rule = context.client("events"), context.names.retirement_rule
            self.exercise.restore_at_end(
                "the hourly deletion", lambda: events.enable_rule(Name=rule)
            )
            events.disable_rule(Name=rule)
        self.retire()

    def rotate(self) -> None:
        """Rotate as `python -m automation rotate` does.

        Raises:
            Failed: the rotation failed, or left another state than it should.
            Undecided: it takes too long.
        """
        before = self.inventory()
        result = self.rotator.rotate(self.client)
        if result.outcome is Outcome.UNDECIDED:
            raise Undecided(result.reason)
        expect(result.outcome is Outcome.ROTATED, f"{result.outcome.value}: {result.reason}")
        self.exercise.mark(f"{result.previous} is replaced by {result.current}")
        # The labels move one after another, and the last one may still be on its way.
        settled = Retrying(
            retry=retry_if_result(has_leftovers),
            stop=stop_after_delay(self.exercise.options.limits.recovery),
            wait=wait_fixed(_POLL_SECONDS),
            retry_error_callback=lambda _: self.inventory(),
        )
        expect_rotated(before, settled(self.inventory))

    def restore(self) -> None:
        """Complete a rotation that was left incomplete; do nothing if none was.

        Raises:
            Failed: the function fails.
        """
        if has_leftovers(self.inventory()):
            self.complete()

    def complete(self) -> None:
        """Run the deployed function once, as after an interruption.

        Raises:
            Failed: the function fails.
        """
        try:
            self.rotator.invoke({"rotate": self.client.secret_arn, "enabled": self.client.enabled})
        except RotationError as error:
            raise Failed(f"the next run doesn't complete the rotation: {error}") from error

    def retire(self) -> None:
        """Delete replaced client secrets whose overlap has ended, as the hourly rule does.

        Raises:
            Failed: the function fails.
        """
        try:
            self.rotator.retire(self.client)
        except RotationError as error:
            raise Failed(f"replaced client secrets can't be deleted: {error}") from error


def require_rotatable(inventory: Inventory, client: Client, stack: str, *, now: datetime) -> None:
    """Require that nothing prevents a rotation.

    Args:
        inventory: what there is.
        client: the client.
        stack: the stack's name, for messages.
        now: the time.

    Raises:
        Skipped: a replaced client secret is still valid.
        Failed: a rotation is incomplete.
    """
    if incomplete_version(inventory):
        raise Failed(
            f"a rotation of {client.name}'s secret is incomplete. Run: python -m automation rotate"
            f" --stack {stack} --client {client.name} --unstick"
        )
    ends = overlap_end(inventory, client.overlap)
    if ends is not None and ends > now:
        raise Skipped(
            f"{client.name}'s last replaced client secret is valid until {ends:%Y-%m-%d %H:%M} UTC,"
            " and Cognito keeps two"
        )


def expect_rotated(before: Inventory, after: Inventory) -> None:
    """Fail the drill unless one rotation has taken place, and is complete.

    Args:
        before: what there was: one client secret.
        after: what there is.

    Raises:
        Failed: the message says what is wrong.
    """
    replaced, current = current_client_secret(before), current_client_secret(after)
    if current is None:
        raise Failed(f"the current version names no client secret of Cognito's: {describe(after)}")
    expect(replaced != current, f"the client secret is still {current.id}")
    expect_only(after, {current.id, *([replaced.id] if replaced else [])})


def expect_only(inventory: Inventory, ids: Collection[str]) -> None:
    """Fail the drill unless there are exactly these client secrets, and no rotation is incomplete.

    Raises:
        Failed: the message says what is wrong.
    """
    found = {each.id for each in inventory.client_secrets}
    expect(
        found == set(ids),
        f"Cognito has the client secrets {sorted(found)}, but must have {sorted(ids)}",
    )
    expect(not has_leftovers(inventory), f"a rotation is incomplete: {describe(inventory)}")


def has_leftovers(inventory: Inventory) -> bool:
    """Return whether a version has a label that a rotation or a publication removes at its end."""
    return any(inventory.versions.staged(stage) for stage in (PENDING, PUBLISHING))


def describe(inventory: Inventory) -> Mapping[str, Any]:
    """Show what there is: labels and ids, no value."""
    return {
        "versions": {each.id: sorted(each.stages) for each in inventory.versions.all},
        "client secrets": [each.id for each in inventory.client_secrets],
    }
