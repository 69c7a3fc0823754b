"""Every host's deployment, and the deployment of all hosts of a stack, which the program runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import pulumi

from components.context import StackContext
from components.hosting.apprunner.component import AppRunnerHost
from components.hosting.fargate.component import FargateDeployment
from components.hosting.host import Host, HostDeployment, mcp_url
from components.hosting.image_host import ImageDeployment, StackImage
from components.hosting.lambda_.component import LambdaDeployment
from components.settings import Hosting, StackSettings

Deploy = Callable[[StackSettings, StackImage], HostDeployment]

DEPLOYMENTS: Mapping[Hosting, Deploy] = MappingProxyType(
    {
        Hosting.APP_RUNNER: partial(ImageDeployment, AppRunnerHost),
        Hosting.FARGATE: FargateDeployment,
        Hosting.LAMBDA: LambdaDeployment,
    }
)
"""Prepares the deployment of a stack, by the value of the configuration key hosting."""

OTHER_HOST_OUTPUTS = ("otherMcpUrl", "otherServiceUrl")
"""The outputs that a stack has while it moves: the addresses of the host that callers don't use."""


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The hosts of a stack.

    Attributes:
        serving: the host that callers use.
        other: the host that they don't use, while the stack moves.
    """

    serving: Host
    other: Host | None

    @property
    def outputs(self) -> Mapping[str, pulumi.Output[str]]:
        """The stack's outputs that only some hosts have, and those of `OTHER_HOST_OUTPUTS`."""
        if self.other is None:
            return self.serving.outputs
        outputs = {**self.other.outputs, **self.serving.outputs}
        service_url = self.other.service_url
        if service_url is None:
            # Nothing but the edge reaches it, and the edge still leads to the serving host.
            return outputs
        addresses = (service_url.apply(mcp_url), service_url)
        return {**outputs, **dict(zip(OTHER_HOST_OUTPUTS, addresses, strict=True))}


class HostDeployments:
    """What has to happen for the server to run on all hosts of a stack, in two steps."""

    def __init__(self, settings: StackSettings) -> None:
        """Fetch and verify what the hosts run, before anything is deployed.

        Raises:
            pulumi.RunError: it can't be fetched, or a checksum differs from the pinned one.
        """
        image = StackImage()
        self._serving = DEPLOYMENTS[settings.hosting](settings, image)
        self._other = (
            DEPLOYMENTS[settings.other.hosting](settings.on_other_host(), image)
            if settings.other
            else None
        )

    def declare(self, context: StackContext) -> Hosts:
        """Declare the hosts, and what they depend on."""
        # The host that callers use comes first, so that a shared image is protected with it.
        serving = self._serving.declare(context)
        other = self._other.declare(context.on_other_host()) if self._other else None
        return Hosts(serving=serving, other=other)
