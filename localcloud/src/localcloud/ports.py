"""The ports of a stand-in cloud on this machine, and the processes that use them."""

import os
import socket
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Annotated, Self

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from localcloud.errors import LocalCloudError

PORT_VARIABLES = {
    "aws": "LOCALCLOUD_AWS_PORT",
    "services": "LOCALCLOUD_SERVICE_PORTS",
    "bolt": "LOCALCLOUD_BOLT_PORT",
    "console": "LOCALCLOUD_CONSOLE_PORT",
}
"""The environment variables that set the ports."""

_LOOPBACK = "127.0.0.1"

Port = Annotated[int, Field(ge=0, le=65535)]


class Ports(BaseModel):
    """The ports of a stand-in on this machine; 0 means any free port.

    Attributes:
        aws: the AWS endpoint.
        services: the first and last port for App Runner's services, function URLs and
            distributions, one each.
        bolt: the emulated Aura's Bolt.
        console: the emulated Aura's console.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    aws: Port = 4566
    services: tuple[Port, Port] = (8443, 8462)
    bolt: Port = 7687
    console: Port = 7474

    @classmethod
    def from_environment(cls) -> Self:
        """Read the ports from `PORT_VARIABLES`, each with its default.

        Raises:
            LocalCloudError: a variable isn't a port or a range, or two have the same port.
        """
        given = {
            field: os.environ[variable]
            for field, variable in PORT_VARIABLES.items()
            if os.environ.get(variable)
        }
        services = given.pop("services", None)
        try:
            ports = cls.model_validate(
                given | ({"services": services.split("-")} if services else {})
            )
        except ValidationError as error:
            problems = [
                f"{PORT_VARIABLES[str(each['loc'][0])]}: {each['msg']}" for each in error.errors()
            ]
        else:
            problems = list(ports.problems())
            if not problems:
                return ports
        raise LocalCloudError(
            "These environment variables must be one port each, and FIRST-LAST for"
            f" {PORT_VARIABLES['services']}:\n" + "\n".join(problems)
        ) from None

    def of(self, name: str) -> range:
        """Return the ports of one purpose, a key of `PORT_VARIABLES`."""
        value = getattr(self, name)
        first, last = value if isinstance(value, tuple) else (value, value)
        return range(first, last + 1)

    def problems(self) -> Iterator[str]:
        """Yield a line for an empty range, and for each two purposes that share a port."""
        if not self.of("services"):
            yield f"{PORT_VARIABLES['services']}: the first port is higher than the last"
        for one, other in combinations(PORT_VARIABLES, 2):
            shared = sorted(set(self.of(one)) & set(self.of(other)) - {0})
            if shared:
                yield f"{PORT_VARIABLES[one]} and {PORT_VARIABLES[other]}: both are {shared[0]}"


def require_free(ports: Ports, names: Iterable[str], *, address: str = _LOOPBACK) -> None:
    """Refuse ports that are in use, before anything is started.

    Args:
        ports: the stand-in's ports.
        names: the purposes that are about to listen, keys of `PORT_VARIABLES`.
        address: the address that they will listen on.

    Raises:
        LocalCloudError: names each port in use, the process, and the variable that changes it.
    """
    problems = []
    for name in names:
        wanted = ports.of(name)
        # Each App Runner service takes the first free port of the range.
        if wanted and not any(can_bind(address, port) for port in wanted):
            problems.append(
                f"  {_named(wanted)} is in use{_by_whom(wanted)}: set {PORT_VARIABLES[name]}"
            )
    if problems:
        raise LocalCloudError(
            "The stand-in cloud can't use its ports. Nothing was started.\n" + "\n".join(problems)
        )


def can_bind(address: str, port: int) -> bool:
    """Report whether a server could listen there now; port 0 asks about the address alone."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do, so that connections in TIME_WAIT don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _named(ports: range) -> str:
    return f"port {ports[0]}" if len(ports) == 1 else f"every port from {ports[0]} to {ports[-1]}"


def _by_whom(ports: range) -> str:
    """Name the process that listens; only root can see other people's."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return ""
    for each in connections:
        if each.status != psutil.CONN_LISTEN or not each.laddr or not each.pid:
            continue
        if each.laddr.port in ports:
            try:
                return f" by process {each.pid} ({psutil.Process(each.pid).name()})"
            except psutil.NoSuchProcess:
                continue
    return ""
