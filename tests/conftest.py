"""The stand-in cloud of the tests' own, once a session, for all who need it."""

import gc
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
import yaml

from automation.deployment import Deployment
from demo.stand_in import target
from localcloud import cloud
from localcloud.cloud import PORT_VARIABLES, Cloud, Ports
from localcloud.console import connect_aura
from localcloud.paths import Home
from localcloud.progress import Progress
from localcloud.workspace import STACK

Configure = Callable[[dict[str, Any]], None]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Part what needs a stand-in into two halves, each with one of its own and in its order."""
    for item in items:
        if item.get_closest_marker("stand_in"):
            half = "end to end" if "end_to_end" in item.path.parts else "parts"
            item.add_marker(pytest.mark.xdist_group(half))


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def free_range(length: int) -> tuple[int, int]:
    """Find consecutive free ports, others than a worker beside this one finds."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for first in range(28443 + 2000 * worker, 60000, length):
        with ExitStack() as stack:
            try:
                for port in range(first, first + length):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first, first + length - 1
    raise AssertionError("no free range of ports")


def choose_ports() -> Ports:
    """Choose free ports for a stand-in."""
    aws, bolt, console = free_ports(3)
    return Ports(aws=aws, services=free_range(6), bolt=bolt, console=console)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A whole stand-in cloud of the tests' own, beside one that a person may have up."""
    home = Home(tmp_path_factory.mktemp("localcloud") / "home")
    try:
        yield cloud.up(home, choose_ports(), Progress())
    finally:
        cloud.down(home, Progress())


@pytest.fixture(scope="session")
def deployed(running: Cloud) -> Iterator[Deployment]:
    """The stack, up once for all tests of the session."""
    deployment = Deployment(target(running))
    deployment.up()
    yield deployment
    deployment.destroy()


@pytest.fixture(scope="session")
def outputs(running: Cloud, deployed: Deployment) -> dict[str, Any]:
    """The stack's outputs; auraSso is typed into the emulated Aura."""
    outputs = deployed.outputs()
    connect_aura(running, outputs["auraSso"])
    return outputs


@pytest.fixture
def configure(running: Cloud, deployed: Deployment) -> Iterator[Configure]:
    """Change the stack's configuration; the test's end puts it, and the stack, back."""
    path = Home(running.home).workspace / f"Pulumi.{STACK}.yaml"
    original = path.read_text(encoding="utf-8")

    def change(settings: dict[str, Any]) -> None:
        stack = yaml.safe_load(path.read_text(encoding="utf-8"))
        stack["config"] |= settings
        path.write_text(yaml.safe_dump(stack), encoding="utf-8")

    yield change
    path.write_text(original, encoding="utf-8")
    deployed.up()


@pytest.fixture(scope="session")
def aws(running: Cloud) -> Callable[[str], Any]:
    """Make boto3 clients with nothing but what `make env` gives."""
    environment = running.environment()

    def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region_name=environment["AWS_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )

    return client


@pytest.fixture
def shell(running: Cloud) -> dict[str, str]:
    """The environment of a shell in which the tests' stand-in is the default one."""
    return shell_of(Home(running.home), running.ports)


def shell_of(home: Home, ports: Ports) -> dict[str, str]:
    """Give the environment of a shell in which a stand-in is the default one."""
    first, last = ports.services
    variables = {
        "aws": str(ports.aws),
        "services": f"{first}-{last}",
        "bolt": str(ports.bolt),
        "console": str(ports.console),
    }
    return os.environ | {
        "LOCALCLOUD_HOME": str(home.directory),
        **{variable: variables[port] for port, variable in PORT_VARIABLES.items()},
    }


@pytest.fixture
def failing_program() -> Iterator[None]:
    """The Automation API leaves the event loop of a program that fails open: end it here."""
    yield
    gc.collect()
