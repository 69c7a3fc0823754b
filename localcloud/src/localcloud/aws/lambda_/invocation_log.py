"""What Lambda writes to a function's log group about an invocation. Pure.

Source: "Viewing CloudWatch logs for Lambda functions" in the AWS Lambda Developer Guide.
"""

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Final

from localcloud.aws.lambda_.python_runtime import SEPARATOR

_TIMED_OUT: Final = re.compile(r"Task timed out after \d+\.\d\d seconds")


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """A finished invocation.

    Attributes:
        request_id: its id.
        version: the version that ran.
        ended: when it ended, in seconds since the epoch.
        seconds: how long the handler ran.
        initialization: how long its environment took to start; None for a warm one.
        memory, peak_memory: the function's memory and what was used, in MB.
    """

    request_id: str
    version: str
    ended: float
    seconds: float
    initialization: float | None
    memory: int
    peak_memory: int


def messages(invocation: Invocation, output: str) -> list[str]:
    """Return the events of an invocation, oldest first.

    Args:
        invocation: the invocation.
        output: what the function wrote, an event a line.
    """
    lines = [line.replace(SEPARATOR, "\n") for line in output.split("\n") if line]
    timed_out = bool(lines) and _TIMED_OUT.fullmatch(lines[-1]) is not None
    if timed_out:
        at = dt.datetime.fromtimestamp(invocation.ended, dt.UTC).isoformat(timespec="milliseconds")
        lines[-1] = f"{at.removesuffix('+00:00')}Z {invocation.request_id} {lines[-1]}"
    return [
        f"START RequestId: {invocation.request_id} Version: {invocation.version}",
        *lines,
        f"END RequestId: {invocation.request_id}",
        _report(invocation, timed_out=timed_out),
    ]


def _report(invocation: Invocation, *, timed_out: bool) -> str:
    milliseconds = invocation.seconds * 1000
    parts = [
        f"REPORT RequestId: {invocation.request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {math.ceil(milliseconds)} ms",
        f"Memory Size: {invocation.memory} MB",
        f"Max Memory Used: {invocation.peak_memory} MB",
    ]
    if invocation.initialization is not None:
        parts.append(f"Init Duration: {invocation.initialization * 1000:.2f} ms")
    if timed_out:
        parts.append("Status: timeout")
    return "\t".join(parts) + "\t"
