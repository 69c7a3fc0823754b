"""Rotations: the four invocations of a rotation function, retries, and the schedule.

Sources: the API reference of RotateSecret and CancelRotateSecret, "Rotation by Lambda function" in
the AWS Secrets Manager User Guide ("If any rotation step fails, Secrets Manager retries the entire
rotation process multiple times"); for the removal of AWSPENDING after a rotation, a maintainer's
comment on pull request 145 of aws-samples/aws-secrets-manager-rotation-lambdas; for the values of
pending versions, moto's tests, which pass on AWS (pull requests 8504 and 8547 of getmoto/moto).
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from localcloud.aws.functions import Source
from localcloud.aws.secretsmanager import schedule, versions
from localcloud.aws.secretsmanager.models import (
    CURRENT,
    PENDING,
    Rotation,
    Secret,
    Secrets,
    Value,
    Version,
)

PRINCIPAL: Final = "secretsmanager.amazonaws.com"
STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
_LOG = logging.getLogger(__name__)


class Invoker(Protocol):
    """Invokes Lambda functions."""

    async def lets(self, function: str, source: Source) -> bool:
        """Return whether a function's policy lets a service invoke it."""

    async def invoke(self, function: str, event: Mapping[str, Any], source: Source) -> str | None:
        """Invoke a function, and return what went wrong."""


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a failed rotation is attempted; AWS documents no numbers.

    Attributes:
        attempts: how often in all.
        pause: seconds between two attempts.
    """

    attempts: int = 3
    pause: float = 2.0


class Rotations:
    """Runs the rotations of all secrets."""

    def __init__(
        self,
        secrets: Secrets,
        functions: Invoker,
        *,
        clock: Callable[[], float],
        retries: Retries,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Start without rotations.

        Args:
            secrets: the secrets.
            functions: invokes functions.
            clock: returns the time, in seconds since the epoch.
            retries: how often a failed rotation is attempted.
            sleep: waits between two attempts.
        """
        self._secrets = secrets
        self._functions = functions
        self._clock = clock
        self._retries = retries
        self._sleep = sleep
        self._running: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def running(self, arn: str) -> str | None:
        """Return the version that a secret's running rotation makes."""
        return self._running.get(arn)

    def start(self, arn: str, version_id: str) -> None:
        """Start a rotation; AWSPENDING is on the new version, which is empty, before it runs."""
        secret = self._existing(arn)
        started = secret
        if version_id not in secret.versions:
            started = _with_pending(secret, version_id, self._clock())
        self._store(secret, _with_later_start(started, self._clock()))
        self._running[arn] = version_id
        self._run_in_background(self._rotate(arn, version_id))

    def test(self, arn: str) -> None:
        """Test a secret's rotation without rotating it.

        A version with AWSPENDING and the current value exists while the function runs the step
        testSecret.
        """
        version_id = str(uuid.uuid4())
        secret = self._existing(arn)
        current = secret.versions.get(versions.holder(secret.versions, CURRENT) or "")
        value = None if current is None else current.value
        self._store(secret, _with_pending(secret, version_id, self._clock(), value))
        self._running[arn] = version_id
        self._run_in_background(self._test(arn, version_id))

    async def start_due(self) -> None:
        """Start the rotations whose window has opened.

        A version that an earlier rotation left with AWSPENDING is used again.
        """
        now = self._clock()
        for secret in self._secrets:
            rotation = secret.rotation
            if (
                rotation is not None
                and rotation.enabled
                and rotation.due is not None
                and rotation.due <= now
                and secret.deleted is None
                and secret.arn not in self._running
            ):
                version_id = versions.unfinished(secret.versions) or str(uuid.uuid4())
                self.start(secret.arn, version_id)

    async def finished(self) -> None:
        """Wait for the rotations that are running."""
        await asyncio.gather(*self._tasks)

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _rotate(self, arn: str, version_id: str) -> None:
        try:
            if await self._succeeds(arn, version_id):
                self._finish(arn, version_id)
        finally:
            self._running.pop(arn, None)

    async def _succeeds(self, arn: str, version_id: str) -> bool:
        for attempt in range(self._retries.attempts):
            if attempt:
                await self._sleep(self._retries.pause)
            if not self._may_continue(arn, version_id):
                return False
            if await self._attempt(arn, version_id):
                return True
        return False

    async def _attempt(self, arn: str, version_id: str) -> bool:
        """Call the function for each step, and return whether the rotation succeeded."""
        for step in STEPS:
            secret = self._secrets.find(arn)
            if secret is None or secret.rotation is None or not secret.rotation.enabled:
                return False
            error = await self._invoke(secret.rotation, step, arn, version_id)
            if error is not None:
                _LOG.warning("%s of %s failed: %s", step, arn, error)
                return False
        secret = self._secrets.find(arn)
        if secret is None or versions.holder(secret.versions, CURRENT) != version_id:
            _LOG.warning("%s of %s didn't move AWSCURRENT to %s", STEPS[-1], arn, version_id)
            return False
        return True

    async def _test(self, arn: str, version_id: str) -> None:
        try:
            rotation = self._existing(arn).rotation
            if rotation is None:
                return
            error = await self._invoke(rotation, "testSecret", arn, version_id)
            if error is not None:
                _LOG.warning("the test of the rotation of %s failed: %s", arn, error)
        finally:
            self._running.pop(arn, None)
            secret = self._secrets.find(arn)
            if secret is not None:
                remaining = {
                    key: version for key, version in secret.versions.items() if key != version_id
                }
                self._store(secret, replace(secret, versions=remaining))

    async def _invoke(self, rotation: Rotation, step: str, arn: str, version_id: str) -> str | None:
        event = {
            "Step": step,
            "SecretId": arn,
            "ClientRequestToken": version_id,
            "RotationToken": str(uuid.uuid4()),
        }
        source = Source(service=PRINCIPAL, arn=arn)
        return await self._functions.invoke(rotation.function, event, source)

    def _may_continue(self, arn: str, version_id: str) -> bool:
        """Return whether the rotation still is what the secret's state asks for."""
        secret = self._secrets.find(arn)
        return (
            secret is not None
            and secret.deleted is None
            and secret.rotation is not None
            and secret.rotation.enabled
            and version_id
            in {versions.holder(secret.versions, stage) for stage in (PENDING, CURRENT)}
        )

    def _finish(self, arn: str, version_id: str) -> None:
        secret = self._existing(arn)
        remaining = secret.versions
        if versions.holder(remaining, PENDING) == version_id:
            remaining = versions.without_stage(remaining, PENDING)
        rotation = secret.rotation
        if rotation is not None:
            now = self._clock()
            rotation = replace(rotation, last=now)
            # It may have been cancelled during its last step.
            rotation = scheduled(rotation, now) if rotation.enabled else rotation
        self._store(secret, replace(secret, versions=remaining, rotation=rotation))

    def _existing(self, arn: str) -> Secret:
        secret = self._secrets.find(arn)
        if secret is None:
            raise LookupError(arn)
        return secret

    def _store(self, before: Secret, after: Secret) -> None:
        if after != before:
            self._secrets.put(replace(after, changed=self._clock()))


def scheduled(rotation: Rotation, after: float) -> Rotation:
    """Return a rotation with its next window.

    Args:
        rotation: the rotation.
        after: the last rotation, or the time when it was set up; seconds since the epoch.
    """
    window = schedule.next_window(rotation.rules, after)
    return replace(rotation, next=window.closes, due=window.opens)


def _with_pending(
    secret: Secret, version_id: str, now: float, value: Value | None = None
) -> Secret:
    started = {**secret.versions, version_id: Version(created=now, value=value)}
    return replace(secret, versions=versions.with_stage(started, PENDING, version_id))


def _with_later_start(secret: Secret, now: float) -> Secret:
    """Move the start to the next window, for the case that the rotation fails.

    NextRotationDate stays, and may be in the past then.
    """
    if secret.rotation is None:
        return secret
    window = schedule.next_window(secret.rotation.rules, now)
    return replace(secret, rotation=replace(secret.rotation, due=window.opens))
