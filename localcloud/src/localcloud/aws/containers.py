"""Containers of services that run images, such as App Runner and ECS, on the Docker Engine.

The Engine's SDK blocks, so its calls run in the event loop's executor. Following a container's
output and waiting for its exit take as long as the container lives, and have their own threads.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import docker
import docker.errors
import requests.exceptions
from docker.models.containers import Container

from localcloud.labels import OWNER_LABEL

LOOPBACK = "127.0.0.1"
PLATFORM = "linux/amd64"
_ENGINE_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException)


class EngineError(Exception):
    """The Docker Engine can't start, pull or measure something."""


@dataclass(frozen=True, kw_only=True)
class ContainerSettings:
    """How a container is run.

    Attributes:
        name: its name, unique on the Engine.
        labels: labels next to that of the owner.
        image: the image, by digest, as Docker on this machine names it.
        port: the port that the application listens on; None publishes none.
        environment: the environment variables.
        nano_cpus: processors, in billionths.
        memory_bytes: memory.
        command, entrypoint: replace the image's; None keeps it.
        user, working_directory: replace the image's; None keeps it.
        read_only: whether the root file system is read-only.
        init: whether an init process runs in it.
        dropped_capabilities: Linux capabilities that it lacks.
    """

    name: str
    labels: Mapping[str, str]
    image: str
    port: int | None
    environment: Mapping[str, str] = field(repr=False)
    nano_cpus: int
    memory_bytes: int
    command: Sequence[str] | None = None
    entrypoint: Sequence[str] | None = None
    user: str | None = None
    working_directory: str | None = None
    read_only: bool = False
    init: bool = False
    dropped_capabilities: Sequence[str] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class RunningContainer:
    """A container that was started.

    Attributes:
        host, port: where its application is reached; port 0 if it ended before it was published.
        container: the container.
        exited: its exit code, once it ends.
    """

    host: str
    port: int
    container: Container
    exited: "asyncio.Future[int]"

    def usage(self) -> tuple[int, int]:
        """Return the processor time since the start in nanoseconds, and memory in bytes. Blocks.

        Raises:
            EngineError: the container has gone.
        """
        return usage(self.container)

    def terminate(self, grace: float) -> None:
        """Stop the container with SIGTERM, then with SIGKILL, and remove it. Blocks.

        Args:
            grace: seconds between the two; 0 kills at once.
        """
        terminate(self.container, grace)


class ImageStore:
    """The images that were pulled for services; an image stays while a service retains it."""

    def __init__(self, client: docker.DockerClient) -> None:
        """Start without images."""
        self._client = client
        self._pulled: set[str] = set()
        self._retained: dict[str, frozenset[str]] = {}
        # App Runner and ECS call it from their threads.
        self._lock = threading.Lock()
        self._removing = threading.Lock()

    def pull(self, image: str, login: Mapping[str, str], *, user: str) -> tuple[str, str]:
        """Pull an image by its digest, and return its operating system and architecture. Blocks.

        Args:
            image: the image.
            login: the registry's login.
            user: the user of the store that retains it.

        Raises:
            EngineError: it can't be pulled.
        """
        with self._lock:
            self._retained[user] = self._retained.get(user, frozenset()) | {image}
        with self._removing:
            # A removal that began before may remove this image; later ones keep it.
            pass
        with _engine_errors("pull the image"):
            known = self._has(image)
            pulled = self._client.images.pull(image, auth_config=dict(login))
            if not known:
                with self._lock:
                    self._pulled.add(image)
        return pulled.attrs["Os"], pulled.attrs["Architecture"]

    def retain(self, user: str, images: Iterable[str]) -> None:
        """Keep images for a user of the store, and none of its earlier ones."""
        with self._lock:
            self._retained[user] = frozenset(images)

    def remove_unused(self) -> None:
        """Remove the images that were pulled here, except those that are retained. Blocks."""
        with self._removing:
            with self._lock:
                unused = self._pulled.difference(*self._retained.values())
            for image in unused:
                self._remove(image)

    def _remove(self, image: str) -> None:
        try:
            self._client.images.remove(image)
        except docker.errors.ImageNotFound:
            pass
        except _ENGINE_ERRORS:
            # A container that is being drained needs it; the next call removes it.
            return
        with self._lock:
            self._pulled.discard(image)

    def _has(self, image: str) -> bool:
        try:
            self._client.images.get(image)
        except docker.errors.ImageNotFound:
            return False
        return True


class ContainerEngine:
    """The Docker Engine, for one service's containers of one owner."""

    def __init__(
        self, client: docker.DockerClient, images: ImageStore, *, owner: str, kind: str
    ) -> None:
        """Use a Docker Engine.

        Args:
            client: the Engine.
            images: its images.
            owner: the value of the owner label on every container.
            kind: what a container is to its service, such as instance; a label of this name on
                every container distinguishes the services' containers.
        """
        self._client = client
        self._images = images
        self._owner = owner
        self._kind = kind
        self._processors = int(client.info()["NCPU"])
        self._closed = False

    async def pull(self, image: str, login: Mapping[str, str]) -> None:
        """Pull an image by its digest.

        Raises:
            EngineError: it can't be pulled, or isn't built for the only supported platform.
        """
        platform = "/".join(await self._pull(image, login))
        if platform != PLATFORM:
            raise EngineError(f"the image is built for {platform}; only {PLATFORM} runs here")

    async def _pull(self, image: str, login: Mapping[str, str]) -> tuple[str, str]:
        return await asyncio.to_thread(lambda: self._images.pull(image, login, user=self._kind))

    async def remove_unused_images(self, in_use: Iterable[str]) -> None:
        """Remove the images that were pulled, except those in use here or by another service."""
        self._images.retain(self._kind, in_use)
        await asyncio.to_thread(self._images.remove_unused)

    async def start(
        self, settings: ContainerSettings, on_output: Callable[[str], None]
    ) -> RunningContainer:
        """Start a container, which may exit at any time.

        Args:
            settings: how it is run.
            on_output: called from a thread with each line of its output.

        Raises:
            EngineError: it can't be started.
        """
        container, port = await asyncio.to_thread(self._run, settings)
        loop = asyncio.get_running_loop()
        exited: asyncio.Future[int] = loop.create_future()
        _thread(lambda: _follow_output(container, on_output))
        _thread(lambda: _report_exit(container, loop, exited))
        return RunningContainer(host=LOOPBACK, port=port, container=container, exited=exited)

    async def close(self) -> None:
        """Refuse to start containers, and remove every one of this service and owner at once."""
        self._closed = True
        await self.remove_all()

    async def remove_all(self) -> None:
        """Remove every container of this service and owner at once."""
        containers = await asyncio.to_thread(self._own_containers)
        await asyncio.gather(*(asyncio.to_thread(terminate, each, 0) for each in containers))

    def _own_containers(self) -> list[Container]:
        with contextlib.suppress(*_ENGINE_ERRORS):
            return self._client.containers.list(
                all=True,
                # Containers aren't inspected: one that has gone meanwhile would fail the list.
                sparse=True,
                filters={"label": [f"{OWNER_LABEL}={self._owner}", f"{OWNER_LABEL}.{self._kind}"]},
            )
        return []

    def _require_open(self) -> None:
        if self._closed:
            raise EngineError("the stand-in is stopping")

    def _run(self, settings: ContainerSettings) -> tuple[Container, int]:
        with _engine_errors(f"start a container for the {self._kind}"):
            container = self._client.containers.create(settings.image, **self._options(settings))
            try:
                container.start()
                # close() may have listed the containers before this one existed.
                self._require_open()
                container.reload()
                bindings = container.ports.get(f"{settings.port}/tcp")
            except BaseException:
                container.remove(force=True, v=True)
                raise
        # A container that exits at once publishes no port; its exit code says why.
        return container, int(bindings[0]["HostPort"]) if bindings else 0

    def _options(self, settings: ContainerSettings) -> dict[str, Any]:
        options: dict[str, Any] = {
            "name": settings.name,
            "environment": dict(settings.environment),
            "labels": {
                OWNER_LABEL: self._owner,
                **{f"{OWNER_LABEL}.{name}": value for name, value in settings.labels.items()},
            },
            # The Engine refuses more processors than the machine has.
            "nano_cpus": min(settings.nano_cpus, self._processors * 1_000_000_000),
            "mem_limit": settings.memory_bytes,
            "read_only": settings.read_only,
            "init": settings.init,
            "cap_drop": list(settings.dropped_capabilities),
            # Proxies in a person's Docker settings don't exist on AWS.
            "use_config_proxy": False,
            "extra_hosts": {"host.docker.internal": "host-gateway"},
        }
        if settings.port is not None:
            options["ports"] = {f"{settings.port}/tcp": (LOOPBACK, None)}
        replaced = {
            "command": settings.command,
            "entrypoint": settings.entrypoint,
            "user": settings.user,
            "working_dir": settings.working_directory,
        }
        return options | {name: value for name, value in replaced.items() if value is not None}


def usage(container: Container) -> tuple[int, int]:
    """Return a container's processor time in nanoseconds, and its memory in bytes. Blocks.

    Raises:
        EngineError: the container has gone.
    """
    with _engine_errors("measure a container"):
        # Typed as a stream by the SDK's stubs, which this is not.
        stats: Any = container.stats(stream=False, one_shot=True)
    cpu = stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)
    memory = stats.get("memory_stats", {}).get("usage", 0)
    return int(cpu), int(memory)


def terminate(container: Container, grace: float) -> None:
    """Stop a container with SIGTERM, then with SIGKILL, and remove it. Blocks.

    Args:
        container: the container.
        grace: seconds between the two; 0 kills at once.
    """
    with contextlib.suppress(*_ENGINE_ERRORS):
        if grace:
            container.stop(timeout=int(grace))
        container.remove(force=True, v=True)


@contextlib.contextmanager
def _engine_errors(attempt: str) -> Iterator[None]:
    try:
        yield
    except _ENGINE_ERRORS as error:
        explanation = getattr(error, "explanation", None) or str(error)
        raise EngineError(f"could not {attempt}: {explanation}") from error


def _thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def _follow_output(container: Container, on_line: Callable[[str], None]) -> None:
    pending = b""
    with contextlib.suppress(*_ENGINE_ERRORS):
        for chunk in container.logs(stream=True, follow=True):
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                on_line(line.decode(errors="replace"))
    if pending:
        on_line(pending.decode(errors="replace"))


def _report_exit(
    container: Container, loop: asyncio.AbstractEventLoop, exited: "asyncio.Future[int]"
) -> None:
    code = -1
    with contextlib.suppress(*_ENGINE_ERRORS):
        code = int(container.wait(timeout=None)["StatusCode"])

    def report() -> None:
        if not exited.done():
            exited.set_result(code)

    # The loop is closed while the stand-in stops.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(report)
