"""The interface of every host."""

from dataclasses import dataclass
from typing import Protocol

import pulumi

from components.context import StackContext

# The server's own path; release 1.x serves MCP there and nowhere else.
_MCP_PATH = "/mcp"


@dataclass(frozen=True, kw_only=True)
class HostArgs:
    """What a host needs.

    Attributes:
        context: what the stack's components share.
        image: the image by digest, so that the service can't start before the push.
        repository_arn: ARN of the repository that the image is pulled from.
    """

    context: StackContext
    image: pulumi.Input[str]
    repository_arn: pulumi.Input[str]


class Host(Protocol):
    """A component that runs the server and answers on HTTPS.

    Attributes:
        service_url: base URL of the service.
    """

    service_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: HostArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the service."""
        ...


def mcp_url(service_url: str) -> str:
    """Return the server's MCP endpoint."""
    return f"{service_url}{_MCP_PATH}"
