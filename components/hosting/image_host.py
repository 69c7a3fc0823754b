"""What the hosts that run an image have in common: the image, built before and pushed with it."""

from collections.abc import Callable
from dataclasses import dataclass

from components.context import StackContext
from components.hosting.host import Host
from components.hosting.keys import ImageHostSettings
from components.image import ServerImage, ServerImageArgs, prepare_server_build
from components.settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class ImageHostArgs:
    """What a host that runs an image needs.

    Attributes:
        context: what the stack's components share.
        image: the image; by its digest, the service can't start before the push.
    """

    context: StackContext
    image: ServerImage


class ImageDeployment:
    """Builds the image, and runs it on a host."""

    def __init__(self, host: Callable[[str, ImageHostArgs], Host], settings: StackSettings) -> None:
        """Fetch and verify what the image is built from, before anything is deployed.

        Args:
            host: declares the host, under a name.
            settings: the stack's configuration.

        Raises:
            pulumi.RunError: the binary can't be fetched, or a checksum differs from the pinned one.
        """
        self._host = host
        self._build = prepare_server_build(settings)

    def declare(self, context: StackContext) -> Host:
        """Declare the image and the host."""
        retention = context.settings.host_as(ImageHostSettings).image_retention
        image = ServerImage(
            "image", ServerImageArgs(context=context, build=self._build, retention=retention)
        )
        return self._host("server", ImageHostArgs(context=context, image=image))
