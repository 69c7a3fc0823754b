"""Health checks: how an instance is checked, and when it counts as healthy."""

import asyncio
import contextlib
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

import aiohttp

from localcloud.aws.apprunner.models import HealthCheck

_CLOSED_AT_ONCE = 0.2
"""Seconds within which Docker's port proxy closes a connection that no container accepts."""


class Health(StrEnum):
    """An instance's health, after the checks so far."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of the checks so far.

    Attributes:
        health: the instance's health.
        successes: consecutive successful checks.
        failures: consecutive failed checks.
    """

    health: Health = Health.UNKNOWN
    successes: int = 0
    failures: int = 0

    def after(self, check: HealthCheck, *, passed: bool) -> "Verdict":
        """Return the verdict after one more check, by the thresholds of the health check."""
        successes = self.successes + 1 if passed else 0
        failures = 0 if passed else self.failures + 1
        health = self.health
        if successes >= check.healthy_threshold:
            health = Health.HEALTHY
        elif failures >= check.unhealthy_threshold:
            health = Health.UNHEALTHY
        return Verdict(health=health, successes=successes, failures=failures)


async def passes(check: HealthCheck, host: str, port: int, session: aiohttp.ClientSession) -> bool:
    """Check an instance once, and return whether it answers in time.

    An HTTP check requires status 200 (API reference, HealthCheckConfiguration).
    """
    with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(check.timeout):
            if check.protocol == "TCP":
                return await _accepts(host, port)
            url = f"http://{host}:{port}/{check.path.removeprefix('/')}"
            async with session.get(url, allow_redirects=False) as response:
                return response.status == HTTPStatus.OK
    return False


async def _accepts(host: str, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        # Docker's port proxy accepts every connection, and closes it if the container isn't
        # listening.
        async with asyncio.timeout(_CLOSED_AT_ONCE):
            return await reader.read(1) != b""
    except TimeoutError:
        return True
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
