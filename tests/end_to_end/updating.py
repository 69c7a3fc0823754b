"""Starts a deployment for a test to interrupt."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tests.repository import ROOT

UNHEALTHY: Final[dict[str, Any]] = {
    "protocol": "HTTP",
    "path": "/nowhere",
    "interval": 1,
    "timeout": 1,
    "healthyThreshold": 1,
    "unhealthyThreshold": 2,
}
"""A health check that no instance passes, so that App Runner rolls the update back."""


@contextmanager
def updating_the_service(
    *arguments: str, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Start a command that deploys, and wait until it updates the service.

    Args:
        arguments: the module to run and its arguments.
        environment: the command's whole environment.

    Yields:
        The command's process, which leads a process group; the rest of its output is in stderr.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    with process.stderr as lines:
        said = []
        for line in lines:
            said.append(line)
            if "update server-service" in line:
                break
        else:
            raise AssertionError("the service was not being updated:\n" + "".join(said))
        yield process
