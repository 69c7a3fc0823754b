"""The tests' own stand-in cloud and stack, once per session."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
import yaml
from hypothesis import settings
from pulumi.automation import PulumiFn
from pulumi.runtime import run_in_stack

from automation.deployment import Deployment
from demo.stand_in import target
from localcloud import cloud
from localcloud.cloud import REGION, Cloud
from localcloud.console import connect_aura
from localcloud.paths import Home
from localcloud.ports import PORT_VARIABLES, Ports
from localcloud.progress import Progress
from localcloud.workspace import STACK
from tests.ports import free_ports

# No verdict depends on the load of the machine.
settings.register_profile("any load", deadline=None)
settings.load_profile("any load")

# These don't use the shared stack, and in the other group both take about as long.
_OWN_STACK = {
    "test_client_secrets.py",
    "test_lambda.py",
    "test_preflights.py",
    "test_pulumi_cli.py",
    "test_stand_in.py",
}

Aws = Callable[[str], Any]
"""Makes the boto3 client of a service, by the service's name."""
Configure = Callable[[dict[str, Any]], None]
"""Sets keys of the stack's configuration."""


def pytest_configure() -> None:
    """Let Ctrl-C reach the tests' programs, which ignore SIGINT after a shell's `&`."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Split the tests that need a stand-in into two ordered groups with a stand-in each."""
    # A new account has no services, so these come before every stack that another test deploys.
    items.sort(key=lambda item: item.path.name != "test_preflights.py")
    for item in items:
        if item.get_closest_marker("stand_in"):
            shared = "end_to_end" in item.path.parts and item.path.name not in _OWN_STACK
            half = "end to end" if shared else "parts"
            item.add_marker(pytest.mark.xdist_group(half))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:  # noqa: ANN401 - xdist is untyped
    """Refuse a scheduler that would mix the groups."""
    halves = [each for each in ids if "/end_to_end/" in each]
    if node.config.getoption("dist") == "loadgroup" and not all("@" in each for each in halves):
        pytest.exit("pytest-xdist doesn't keep groups of tests together", returncode=4)


def choose_ports() -> Ports:
    """Choose free ports for a stand-in."""
    aws, bolt, console, *services = free_ports(9)
    return Ports(aws=aws, services=(services[0], services[-1]), bolt=bolt, console=console)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The tests' own stand-in cloud, next to one that may be running already."""
    home = Home(tmp_path_factory.mktemp("localcloud") / "home")
    try:
        yield cloud.up(home, choose_ports(), Progress())
    finally:
        cloud.down(home, Progress())


@pytest.fixture(scope="session")
def deployed(running: Cloud) -> Iterator[Deployment]:
    """The stack, deployed once for all tests of the session."""
    deployment = Deployment(target(running), create=True)
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
    """Change the stack's configuration; it is restored with the stack at the end of the test."""
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
def aws(running: Cloud) -> Aws:
    """Make boto3 clients for the tests' stand-in."""
    key = running.access_key()

    def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        # A session keeps what it once read, and tests change the environment that it reads.
        session = boto3.Session(
            aws_access_key_id=key.key_id, aws_secret_access_key=key.secret, region_name=REGION
        )
        return session.client(  # type: ignore[call-overload] # the name is no literal
            service, endpoint_url=running.aws_endpoint
        )

    return client


@pytest.fixture
def shell(running: Cloud) -> dict[str, str]:
    """The environment of a shell that uses the tests' stand-in."""
    return shell_of(Home(running.home), running.ports)


def shell_of(home: Home, ports: Ports) -> dict[str, str]:
    """Return the environment of a shell that uses a stand-in."""
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


@pytest.fixture(autouse=True)
def programs_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End what the Automation API leaves of a program whose deployment fails.

    It stops the program's event loop then, and neither ends its tasks nor closes it.
    """
    loops: list[asyncio.AbstractEventLoop] = []

    async def run(program: PulumiFn) -> None:
        loops.append(asyncio.get_running_loop())
        await run_in_stack(program)

    monkeypatch.setattr("pulumi.automation._server.run_in_stack", run)
    yield
    for loop in loops:
        for task in () if loop.is_closed() else asyncio.all_tasks(loop):
            with suppress(RuntimeError):
                task.get_coro().close()
        loop.close()
