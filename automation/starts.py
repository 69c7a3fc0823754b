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
from components.hosting.lambda_.package import ServerPackage
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


def require_function(context: Context) -> LambdaSettings:
    """Return the settings of a host that has starts to measure.

    Raises:
        MeasurementError: the stack has another host.
    """
    host = context.settings.host
    if not isinstance(host, LambdaSettings):
        raise MeasurementError(
            f"The stack {context.stack} is on {context.settings.hosting}, which starts no"
            f" environments while it is called. To move it, run: pulumi config set --stack"
            f" {context.stack} hosting lambda"
        )
    return host


def measure_starts(
    context: Context,
    package: ServerPackage,
    *,
    starts: int,
    calls: int,
    clock: Callable[[], float] = time.monotonic,
) -> Starts:
    """Measure calls of the first client.

    Each time, Lambda is given the code that it has, which ends the function's environments.

    Args:
        package: the function's code.
        starts: how many environments to start.
        calls: how many calls to make in each after the first.
        clock: the time in seconds.

    Raises:
        MeasurementError: the code isn't what is deployed, or a call failed.
    """
    deployed = context.outputs.get("codeSha256")
    if package.code_sha256 != deployed:
        raise MeasurementError(
            "The function has other code than this checkout makes, and measuring would replace it."
            f" Deploy first: python -m automation deploy --stack {context.stack}"
        )
    client, name = context.client("lambda"), context.names.server_function
    token = context.token(context.first_client)
    cold, warm = [], []
    with context.http_client() as http:

        def call() -> float:
            began = clock()
            answer = post(http, context.outputs["mcpUrl"], "tools/call", _CALL, token=token)
            seconds = clock() - began
            _require_rows(answer)
            return seconds

        for _ in range(starts):
            client.update_function_code(FunctionName=name, ZipFile=package.path.read_bytes())
            client.get_waiter("function_updated_v2").wait(FunctionName=name)
            cold.append(call())
            warm += [call() for _ in range(calls)]
    return Starts(cold=tuple(cold), warm=tuple(warm))


def _require_rows(answer: Any) -> None:  # noqa: ANN401 - a response
    failed = answer.status_code != HTTPStatus.OK
    if failed or answer.json().get("result", {"isError": True}).get("isError"):
        raise MeasurementError(
            f"A call failed, with HTTP {answer.status_code}: {answer.text[:200]}"
        )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
