"""Instances: containers that process requests."""

import asyncio
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from docker.models.containers import Container

from localcloud.aws import containers
from localcloud.aws.apprunner.models import new_resource_id
from localcloud.aws.containers import ContainerEngine, ContainerSettings


@dataclass(frozen=True, kw_only=True)
class Application:
    """What an instance runs.

    Attributes:
        service: the service's name, for the container's name and label.
        image: the image, by digest, as Docker on this machine names it.
        port: the port that the application listens on.
        command: replaces the image's command; None keeps it.
        environment: the environment variables.
        nano_cpus: processors, in billionths.
        memory_bytes: memory.
    """

    service: str
    image: str
    port: int
    command: str | None
    environment: Mapping[str, str] = field(repr=False)
    nano_cpus: int
    memory_bytes: int


@dataclass(eq=False, kw_only=True)
class Instance:
    """A running container.

    Attributes:
        container: the container.
        exited: its exit code, once it ends.
        in_flight: requests that it processes now.
        served: requests since the last call of `reset_served`.
        idle: set while it processes no request.
    """

    id: str
    host: str
    port: int
    container: Container
    exited: "asyncio.Future[int]"
    in_flight: int = 0
    served: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def begin_request(self) -> None:
        """Count a request that arrives."""
        self.in_flight += 1
        self.served += 1
        self.idle.clear()

    def end_request(self) -> None:
        """Count a request that ends."""
        self.in_flight -= 1
        if not self.in_flight:
            self.idle.set()

    def reset_served(self) -> int:
        """Return the requests since the last call, and start again at zero."""
        served, self.served = self.served, 0
        return served

    def usage(self) -> tuple[int, int]:
        """Return the processor time since the start in nanoseconds, and memory in bytes. Blocks.

        Raises:
            EngineError: the container has gone.
        """
        return containers.usage(self.container)

    def terminate(self, grace: float) -> None:
        """Stop the container with SIGTERM, then with SIGKILL. Blocks.

        Args:
            grace: seconds between the two; 0 kills at once.
        """
        containers.terminate(self.container, grace)


class InstanceEngine:
    """Starts instances on a Docker Engine."""

    def __init__(self, engine: ContainerEngine) -> None:
        """Use a Docker Engine."""
        self._engine = engine

    async def pull(self, image: str, login: Mapping[str, str]) -> None:
        """Pull an image by its digest.

        Raises:
            EngineError: it can't be pulled, or isn't built for App Runner's platform.
        """
        await self._engine.pull(image, login)

    async def remove_unused_images(self, in_use: Iterable[str]) -> None:
        """Remove the images that were pulled, except those in use."""
        await self._engine.remove_unused_images(in_use)

    async def start(
        self, application: Application, on_output: Callable[[str, str], None]
    ) -> Instance:
        """Start an instance, which may exit at any time.

        Args:
            application: what it runs.
            on_output: called from a thread with the instance's id and each line of its output.

        Raises:
            EngineError: it can't be started.
        """
        instance_id = new_resource_id()
        running = await self._engine.start(
            _settings(application, instance_id), lambda line: on_output(instance_id, line)
        )
        instance = Instance(
            id=instance_id,
            host=running.host,
            port=running.port,
            exited=running.exited,
            container=running.container,
        )
        instance.idle.set()
        return instance


def _settings(application: Application, instance_id: str) -> ContainerSettings:
    command = application.command
    return ContainerSettings(
        name=f"apprunner-{application.service}-{instance_id[:12]}",
        labels={"service": application.service, "instance": instance_id},
        image=application.image,
        port=application.port,
        command=None if command is None else shlex.split(command),
        environment=application.environment,
        nano_cpus=application.nano_cpus,
        memory_bytes=application.memory_bytes,
    )
