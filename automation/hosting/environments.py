"""The environments of a Lambda function, where they are processes of this machine.

On AWS nobody but Lambda reaches them.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import psutil

from automation.hosting.instances import Instance, Instances

_NAME_VARIABLE: Final = "AWS_LAMBDA_FUNCTION_NAME"
_ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL"
_END_SECONDS: Final = 10.0


@contextmanager
def environments(function: str, endpoint: str) -> Iterator[Instances]:
    """Find the environments of a function.

    Args:
        function: the function's name.
        endpoint: the URL of Lambda's API, because several stand-ins can have this function.
    """
    yield Instances(running=partial(_running, function, urlsplit(endpoint).port), are_kept=False)


def _running(function: str, port: int | None) -> list[Instance]:
    found = {
        process.pid: process
        for process in psutil.process_iter(["environ", "ppid", "create_time"])
        if _is_environment(process.info["environ"] or {}, function, port)
    }
    return [
        Instance(
            id=f"{pid}-{process.info['create_time']}",
            name=f"process {pid}",
            kill=partial(_kill, process),
            address=_address(process),
        )
        for pid, process in found.items()
        # The server runs as a child of its environment.
        if process.info["ppid"] not in found
    ]


def _is_environment(variables: dict[str, str], function: str, port: int | None) -> bool:
    if variables.get(_NAME_VARIABLE) != function or port is None:
        return False
    return urlsplit(variables.get(_ENDPOINT_VARIABLE, "")).port == port


def _address(environment: psutil.Process) -> str:
    """Return the base URL of the server, which listens on this machine only."""
    with suppress(psutil.Error):
        for child in environment.children(recursive=True):
            for each in child.net_connections("tcp4"):
                if each.status == psutil.CONN_LISTEN:
                    return f"http://{each.laddr.ip}:{each.laddr.port}"
    return ""


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()
        with suppress(psutil.TimeoutExpired):
            process.wait(_END_SECONDS)
