"""Measures calls in new and in used environments of the server's Lambda function."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from statistics import median
from typing import Any

from automation.checks.context import Context
from automation.checks.mcp import post
from automation.errors import AutomationError
from automation.hosting.host import RedeploymentError, aws_of
from automation.hosting.lambda_versions import SETTLING_SECONDS, published_again
from automation.waiting import Sleep
from components.hosting.lambda_.settings import LambdaSettings

_CALL = {"name": "read-cypher", "arguments": {"query": "RETURN 1 AS one"}}


class MeasurementError(AutomationError):
    """The starts can't be measured."""


@dataclass(frozen=True, kw_only=True)
class Starts:
    """Seconds of calls, from the request to the whole answer.

    Attributes:
        cold: the first call in a new environment, which starts the server and its connection.
        warm: the calls after it.
    """

    cold: tuple[float, ...]
    warm: tuple[float, ...]

    def summary(self) -> dict[str, float]:
        """Return medians and extremes, in milliseconds."""
        return {
            "cold, median": _milliseconds(median(self.cold)),
            "cold, slowest": _milliseconds(max(self.cold)),
            "warm, median": _milliseconds(median(self.warm)),
            "warm, slowest": _milliseconds(max(self.warm)),
        }


def require_function(context: Context) -> None:
    """Require a host that has starts to measure.

    Raises:
        MeasurementError: the stack has another host.
    """
    if not isinstance(context.settings.host, LambdaSettings):
        raise MeasurementError(
            f"The stack {context.stack} is on {context.settings.hosting}, which starts no"
            f" environments while it is called. To move it, run: pulumi config set --stack"
            f" {context.stack} hosting lambda"
        )


def measure_starts(
    context: Context,
    *,
    starts: int,
    calls: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Sleep = time.sleep,
) -> Starts:
    """Measure calls of the first client.

    Each time, callers are led to another version of the same function, which has no environments.

    Args:
        starts: how many environments to start.
        calls: how many calls to make in each after the first.
        clock: the time in seconds.

    Raises:
        MeasurementError: callers don't reach what was deployed last, or a call failed.
    """
    aws, name = aws_of(context.client), context.names.server_function
    token = context.token(context.first_client)
    cold, warm = [], []
    with context.http_client() as http:

        def call() -> float:
            began = clock()
            answer = post(http, context.outputs["mcpUrl"], "tools/call", _CALL, token=token)
            seconds = clock() - began
            _require_rows(answer)
            return seconds

        try:
            for _ in range(starts):
                with published_again(aws, name, sleep):
                    # A request that still reached the earlier version would be a warm one.
                    sleep(SETTLING_SECONDS)
                    cold.append(call())
                    warm += [call() for _ in range(calls)]
        except RedeploymentError as error:
            raise MeasurementError(
                f"Nothing can be measured: {error}\nDeploy first: python -m automation deploy"
                f" --stack {context.stack}"
            ) from error
    return Starts(cold=tuple(cold), warm=tuple(warm))


def _require_rows(answer: Any) -> None:  # noqa: ANN401 - a response
    failed = answer.status_code != HTTPStatus.OK
    if failed or answer.json().get("result", {"isError": True}).get("isError"):
        raise MeasurementError(
            f"A call failed, with HTTP {answer.status_code}: {answer.text[:200]}"
        )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
