"""What every host takes and gives: the small interface behind which the service runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pulumi

from components.names import ResourceNames
from components.settings import StackSettings

# Source: the server's own path; 1.x serves MCP there and nowhere else.
_MCP_PATH = "/mcp"


@dataclass(frozen=True, kw_only=True)
class HostArgs:
    """What a host needs.

    Attributes:
        settings: the stack's settings.
        names: the stack's names.
        tags: the stack's tags.
        image: the image by digest, so that the service can't start before it has been pushed.
        repository_arn: ARN of the repository that the image is pulled from.
    """

    settings: StackSettings
    names: ResourceNames
    tags: Mapping[str, str]
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
        """Declare the service.

        Args:
            name: logical name.
            args: what it needs.
            opts: Pulumi's resource options.
        """
        ...


def mcp_url(service_url: str) -> str:
    """Say where the server speaks MCP.

    Args:
        service_url: base URL of the service.

    Returns:
        The URL.
    """
    return f"{service_url}{_MCP_PATH}"
