"""Health checks: how an instance is asked, and what the answers make of it."""

import asyncio
import contextlib
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

import aiohttp

from localcloud.aws.apprunner.model import HealthCheck

_CLOSED_AT_ONCE = 0.2
"""Seconds in which Docker's port proxy closes a connection that nothing takes behind it."""


class Health(StrEnum):
    """What the checks so far say."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the checks so far say of an instance, and how many in a row say so.

    Attributes:
        health: the instance's health.
        successes: successful checks in a row.
        failures: failed checks in a row.
    """

    health: Health = Health.UNKNOWN
    successes: int = 0
    failures: int = 0

    def after(self, check: HealthCheck, *, passed: bool) -> "Verdict":
        """Take one more check in.

        Args:
            check: the thresholds.
            passed: whether the check succeeded.

        Returns:
            The verdict after it.
        """
        successes = self.successes + 1 if passed else 0
        failures = 0 if passed else self.failures + 1
        health = self.health
        if successes >= check.healthy_threshold:
            health = Health.HEALTHY
        elif failures >= check.unhealthy_threshold:
            health = Health.UNHEALTHY
        return Verdict(health=health, successes=successes, failures=failures)


async def passes(check: HealthCheck, host: str, port: int, session: aiohttp.ClientSession) -> bool:
    """Ask an instance once.

    Args:
        check: what to ask.
        host: where the instance listens.
        port: on which port.
        session: asks HTTP.

    Returns:
        True where the instance answered well and in time. An HTTP check wants status 200, as the
        API reference's HealthCheckConfiguration does.
    """
    with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(check.timeout):
            if check.protocol == "TCP":
                return await _accepts(host, port)
            url = f"http://{host}:{port}/{check.path.removeprefix('/')}"
            async with session.get(url, allow_redirects=False) as answer:
                return answer.status == HTTPStatus.OK
    return False


async def _accepts(host: str, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        # Docker's port proxy accepts whether or not the container listens, and hangs up then.
        async with asyncio.timeout(_CLOSED_AT_ONCE):
            return await reader.read(1) != b""
    except TimeoutError:
        return True
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
