"""Ports from the environment, and ports in use."""

import os
import socket
from collections.abc import Iterator

import pytest

from localcloud.errors import LocalCloudError
from localcloud.ports import Ports, require_free
from tests.ports import free_ports


@pytest.fixture
def listeners() -> Iterator[list[int]]:
    """Three ports in use."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    yield [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()


def test_all_ports_in_use_are_reported_at_once_with_their_variables(listeners: list[int]) -> None:
    aws, bolt, service = listeners
    (console,) = free_ports(1)
    ports = Ports(aws=aws, bolt=bolt, console=console, services=(service, service))
    with pytest.raises(LocalCloudError) as raised:
        require_free(ports, ["aws", "services", "bolt", "console"])
    message = str(raised.value)
    for port, variable in (
        (aws, "LOCALCLOUD_AWS_PORT"),
        (bolt, "LOCALCLOUD_BOLT_PORT"),
        (service, "LOCALCLOUD_SERVICE_PORTS"),
    ):
        assert f"port {port} is in use by process {os.getpid()} (" in message
        assert f"set {variable}" in message
    assert "LOCALCLOUD_CONSOLE_PORT" not in message


def test_one_free_port_of_a_range_is_enough(listeners: list[int]) -> None:
    taken = listeners[0]
    require_free(Ports(services=(taken, free_ports(1)[0])), ["services"])
    with pytest.raises(LocalCloudError, match="LOCALCLOUD_SERVICE_PORTS"):
        require_free(Ports(services=(taken, taken)), ["services"])


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"AWS_PORT": "9000", "BOLT_PORT": "9000"}, "LOCALCLOUD_AWS_PORT and LOCALCLOUD_BOLT_PORT"),
        ({"SERVICE_PORTS": "9000-9010", "CONSOLE_PORT": "9005"}, "both are 9005"),
        ({"SERVICE_PORTS": "9010-9000"}, "higher than the last"),
    ],
)
def test_conflicting_ports_are_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"LOCALCLOUD_{name}", value)
    with pytest.raises(LocalCloudError, match=named):
        Ports.from_environment()
