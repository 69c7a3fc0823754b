"""The interface of every host."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pulumi

from components.context import StackContext
from components.monitoring.subjects import MonitoredHost

# The server's own path; release 1.x serves MCP there and nowhere else.
MCP_PATH = "/mcp"


@dataclass(frozen=True, kw_only=True)
class PublicOrigin:
    """A host that the edge reaches as every caller does.

    Attributes:
        url: base URL of the service.
    """

    url: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class InternalOrigin:
    """A load balancer in a VPC, which only the edge reaches.

    Attributes:
        load_balancer_arn: ARN of the load balancer.
        dns_name: its name, which has no public address.
        port: the HTTP port of its listener.
    """

    load_balancer_arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    port: int


Origin = PublicOrigin | InternalOrigin


class Host(Protocol):
    """A component that runs the server.

    Attributes:
        service_url: base URL of the service, without a slash at the end; None where only the edge
            reaches it.
        origin: where the edge reaches it.
        log_group: name of the log group that the server writes to. With monitoring, the group
            exists when it is known.
        outputs: the stack's outputs that only some hosts have, such as imageDigest.
        monitored: what it exposes for its alarms.
    """

    origin: Origin
    log_group: pulumi.Output[str]
    outputs: Mapping[str, pulumi.Output[str]]
    monitored: MonitoredHost

    # A property, so that a host that always has an address need not allow None.
    @property
    def service_url(self) -> pulumi.Output[str] | None: ...  # noqa: D102  described above


class HostDeployment(Protocol):
    """What a host's deployment can do once what it runs has been fetched and verified."""

    def declare(self, context: StackContext) -> Host:
        """Declare the host's component, and what it depends on."""
        ...


def mcp_url(service_url: str) -> str:
    """Return the server's MCP endpoint."""
    return f"{service_url}{MCP_PATH}"


class Door(Protocol):
    """What has an address that callers reach, such as the edge.

    Attributes:
        url: the base URL.
    """

    url: pulumi.Output[str]


def public_url(host: Host, edge: Door | None) -> pulumi.Output[str]:
    """Return the base URL for callers: the host's, or the edge's where there is no other.

    Raises:
        ValueError: there is neither, which the configuration's check refuses.
    """
    if host.service_url is not None:
        return host.service_url
    if edge is None:
        raise ValueError("a host without an address needs the edge")
    return edge.url
