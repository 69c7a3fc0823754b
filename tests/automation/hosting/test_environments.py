"""A function's environments, where they are processes of this machine."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from automation.hosting.environments import environments

pytestmark = pytest.mark.program

_ENDPOINT = "http://localhost:4566"
_FUNCTION = "neo4j-mcp-test-environments"
_SERVER = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
"""
_ENVIRONMENT = """
import os, subprocess, sys
for name in ("AWS_LAMBDA_FUNCTION_NAME", "AWS_ENDPOINT_URL"):
    os.environ.pop(name)
sys.exit(subprocess.call([sys.executable, "-c", sys.argv[1]]))
"""


@contextmanager
def _environment(endpoint: str = _ENDPOINT) -> Iterator[int]:
    """Run an environment with a server as its child, and return the server's port."""
    with subprocess.Popen(
        [sys.executable, "-c", _ENVIRONMENT, _SERVER],
        env={**os.environ, "AWS_LAMBDA_FUNCTION_NAME": _FUNCTION, "AWS_ENDPOINT_URL": endpoint},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def test_the_server_in_an_environment_has_an_address() -> None:
    with _environment() as port, environments(_FUNCTION, _ENDPOINT) as instances:
        [found] = instances.running()
        assert found.address == f"http://127.0.0.1:{port}"
        with socket.create_connection(("127.0.0.1", port)):
            pass


def test_another_stand_ins_environments_are_left_alone() -> None:
    with _environment("http://localhost:4567"), environments(_FUNCTION, _ENDPOINT) as instances:
        assert instances.running() == []
