"""Instances as containers of the Docker Engine.

The Engine's SDK blocks, so its calls run in the event loop's executor. Following a container's
output and waiting for its exit take as long as the container lives, and have their own threads.
"""

import asyncio
import contextlib
import logging
import shlex
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import docker
import docker.errors
import requests.exceptions
from docker.models.containers import Container

from localcloud.aws.apprunner.models import new_resource_id
from localcloud.labels import OWNER_LABEL

_LOG = logging.getLogger(__name__)
_PLATFORM = ("linux", "amd64")
_LOOPBACK = "127.0.0.1"
_ENGINE_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException)


class EngineError(Exception):
    """The Docker Engine can't start, pull or measure something for an instance."""


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
        with _engine_errors("measure an instance"):
            # Typed as a stream by the SDK's stubs, which this is not.
            stats: Any = self.container.stats(stream=False, one_shot=True)
        cpu = stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)
        memory = stats.get("memory_stats", {}).get("usage", 0)
        return int(cpu), int(memory)

    def terminate(self, grace: float) -> None:
        """Stop the container with SIGTERM, then with SIGKILL. Blocks.

        Args:
            grace: seconds between the two; 0 kills at once.
        """
        with contextlib.suppress(*_ENGINE_ERRORS):
            if grace:
                self.container.stop(timeout=int(grace))
            self.container.remove(force=True, v=True)


class ContainerEngine:
    """The Docker Engine, for the containers of one owner."""

    def __init__(self, client: docker.DockerClient, owner: str) -> None:
        """Use a Docker Engine.

        Args:
            client: the Engine.
            owner: the value of the owner label on every container.
        """
        self._client = client
        self._owner = owner
        self._processors = int(client.info()["NCPU"])
        self._pulled: set[str] = set()
        self._closed = False

    async def pull(self, image: str, login: Mapping[str, str]) -> None:
        """Pull an image by its digest.

        Raises:
            EngineError: it can't be pulled, or isn't built for linux/amd64, the only platform
                that App Runner runs.
        """

        def work() -> None:
            with _engine_errors("pull the image"):
                known = self._has(image)
                pulled = self._client.images.pull(image, auth_config=dict(login))
                if not known:
                    self._pulled.add(image)
            platform = (pulled.attrs["Os"], pulled.attrs["Architecture"])
            if platform != _PLATFORM:
                raise EngineError(
                    f"the image is built for {'/'.join(platform)}; App Runner runs linux/amd64"
                )

        await asyncio.to_thread(work)

    async def remove_unused_images(self, in_use: Iterable[str]) -> None:
        """Remove the images that were pulled here, except those in use."""

        def work() -> None:
            for image in self._pulled - set(in_use):
                try:
                    self._client.images.remove(image)
                except docker.errors.ImageNotFound:
                    self._pulled.discard(image)
                except _ENGINE_ERRORS:
                    # A container that is being drained needs it; the next call removes it.
                    continue
                else:
                    self._pulled.discard(image)

        await asyncio.to_thread(work)

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
        container, port = await asyncio.to_thread(self._run, application, instance_id)
        loop = asyncio.get_running_loop()
        instance = Instance(
            id=instance_id,
            host=_LOOPBACK,
            port=port,
            exited=loop.create_future(),
            container=container,
        )
        instance.idle.set()
        _thread(lambda: _follow_output(container, lambda line: on_output(instance_id, line)))
        _thread(lambda: _report_exit(container, loop, instance.exited))
        return instance

    async def close(self) -> None:
        """Refuse to start instances, and remove every container of this owner at once."""
        self._closed = True
        await self.remove_all()

    async def remove_all(self) -> None:
        """Remove every container of this owner at once."""
        containers = await asyncio.to_thread(self._own_containers)
        await asyncio.gather(*(asyncio.to_thread(_remove, each) for each in containers))

    def _own_containers(self) -> list[Container]:
        with contextlib.suppress(*_ENGINE_ERRORS):
            return self._client.containers.list(
                all=True,
                # Containers aren't inspected: one that has gone meanwhile would fail the list.
                sparse=True,
                filters={"label": [f"{OWNER_LABEL}={self._owner}", f"{OWNER_LABEL}.instance"]},
            )
        return []

    def _require_open(self) -> None:
        if self._closed:
            raise EngineError("the stand-in is stopping")

    def _has(self, image: str) -> bool:
        try:
            self._client.images.get(image)
        except docker.errors.ImageNotFound:
            return False
        return True

    def _run(self, application: Application, instance_id: str) -> tuple[Container, int]:
        options: dict[str, Any] = {
            "name": f"apprunner-{application.service}-{instance_id[:12]}",
            "environment": dict(application.environment),
            "labels": {
                OWNER_LABEL: self._owner,
                f"{OWNER_LABEL}.service": application.service,
                f"{OWNER_LABEL}.instance": instance_id,
            },
            "ports": {f"{application.port}/tcp": (_LOOPBACK, None)},
            # The Engine refuses more processors than the machine has.
            "nano_cpus": min(application.nano_cpus, self._processors * 1_000_000_000),
            "mem_limit": application.memory_bytes,
            # Proxies in a person's Docker settings don't exist on AWS.
            "use_config_proxy": False,
            "extra_hosts": {"host.docker.internal": "host-gateway"},
        }
        if application.command is not None:
            options["command"] = shlex.split(application.command)
        with _engine_errors("start an instance"):
            container = self._client.containers.create(application.image, **options)
            try:
                container.start()
                # close() may have listed the containers before this one existed.
                self._require_open()
                container.reload()
                bindings = container.ports.get(f"{application.port}/tcp")
            except BaseException:
                container.remove(force=True, v=True)
                raise
        # A container that exits at once publishes no port; its exit code says why.
        return container, int(bindings[0]["HostPort"]) if bindings else 0


def _remove(container: Container) -> None:
    with contextlib.suppress(*_ENGINE_ERRORS):
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
