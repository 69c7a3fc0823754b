"""The interface of every host."""

from collections.abc import Mapping
from typing import Protocol

import pulumi

from components.context import StackContext

# The server's own path; release 1.x serves MCP there and nowhere else.
MCP_PATH = "/mcp"


class Host(Protocol):
    """A component that runs the server and answers on HTTPS.

    Attributes:
        service_url: base URL of the service, without a slash at the end.
        outputs: the stack's outputs that only some hosts have, such as imageDigest.
    """

    service_url: pulumi.Output[str]
    outputs: Mapping[str, pulumi.Output[str]]


class HostDeployment(Protocol):
    """What a host's deployment can do once what it runs has been fetched and verified."""

    def declare(self, context: StackContext) -> Host:
        """Declare the host's component, and what it depends on."""
        ...


def mcp_url(service_url: str) -> str:
    """Return the server's MCP endpoint."""
    return f"{service_url}{MCP_PATH}"
