"""What the hosts that run an image have in common: the image, built before and pushed with it."""

from collections.abc import Callable
from dataclasses import dataclass

from components.context import StackContext
from components.hosting.host import Host
from components.hosting.keys import ImageHostSettings
from components.image import ServerImage, ServerImageArgs, prepare_server_build
from components.settings import StackSettings
from server.context import BuildContext


@dataclass(frozen=True, kw_only=True)
class ImageHostArgs:
    """What a host that runs an image needs.

    Attributes:
        context: what the stack's components share.
        image: the image; by its digest, the service can't start before the push.
    """

    context: StackContext
    image: ServerImage


class StackImage:
    """The image of all of a stack's hosts that run one: prepared once, and declared once."""

    def __init__(self) -> None:
        """Start without an image; a host that runs one prepares it."""
        self._build: BuildContext | None = None
        self._image: ServerImage | None = None

    def prepare(self, settings: StackSettings) -> BuildContext:
        """Fetch and verify what the image is built from.

        Raises:
            pulumi.RunError: the binary can't be fetched, or a checksum differs from the pinned one.
        """
        if self._build is None:
            self._build = prepare_server_build(settings)
        return self._build

    def declare(self, context: StackContext) -> ServerImage:
        """Declare the image with the first context that it is declared with."""
        if self._image is None:
            build = self.prepare(context.settings)
            retention = _retention(context.settings)
            self._image = ServerImage(
                "image", ServerImageArgs(context=context, build=build, retention=retention)
            )
        return self._image


def _retention(settings: StackSettings) -> int:
    """Return how many images the repository keeps: as many as the host that wants more."""
    hosts = (settings.host, *([settings.other.host] if settings.other else []))
    return max(each.image_retention for each in hosts if isinstance(each, ImageHostSettings))


class ImageDeployment:
    """Builds the image, and runs it on a host."""

    def __init__(
        self,
        host: Callable[[str, ImageHostArgs], Host],
        settings: StackSettings,
        image: StackImage,
    ) -> None:
        """Fetch and verify what the image is built from, before anything is deployed.

        Args:
            host: declares the host, under a name.
            settings: the stack's configuration.
            image: the image of all hosts of the stack.

        Raises:
            pulumi.RunError: the binary can't be fetched, or a checksum differs from the pinned one.
        """
        self._host = host
        self._image = image
        image.prepare(settings)

    def declare(self, context: StackContext) -> Host:
        """Declare the image, unless another host has, and the host."""
        return self._host(
            "server", ImageHostArgs(context=context, image=self._image.declare(context))
        )
