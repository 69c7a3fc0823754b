"""Instances without containers: small servers of the tests' own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from localcloud.aws.apprunner.containers import Application, ContainerEngine, EngineError, Instance
from localcloud.aws.apprunner.fleet import Fleet, FleetReports, FleetSettings
from localcloud.aws.apprunner.front import upstream_session
from localcloud.aws.apprunner.model import HealthCheck
from localcloud.aws.apprunner.scaling import ScalingLimits

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

APPLICATION = Application(
    service="tested",
    image="localhost/server@sha256:0",
    port=8080,
    command=None,
    environment={},
    nano_cpus=1_000_000_000,
    memory_bytes=1,
)
CHECK = HealthCheck(
    protocol="HTTP",
    path="/health",
    interval=1,
    timeout=1,
    healthy_threshold=1,
    unhealthy_threshold=1,
)


class FakeContainer:
    """Remembers that it was stopped."""

    def __init__(self) -> None:
        self.stopped_after: int | None = None
        self.removed = False

    def stop(self, timeout: int) -> None:
        self.stopped_after = timeout

    def remove(self, *, force: bool, v: bool) -> None:
        assert force
        assert v
        self.removed = True


def container_of(instance: Instance) -> FakeContainer:
    return cast("FakeContainer", instance._container)


@dataclass
class Server:
    """One server that stands for a container."""

    instance: Instance
    runner: web.ServerRunner
    healthy: bool = True

    async def die(self, code: int = 1) -> None:
        await self.runner.cleanup()
        if not self.instance.exited.done():
            self.instance.exited.set_result(code)


@dataclass
class FakeEngine:
    """Starts servers where the real one starts containers."""

    handler: Handler
    servers: list[Server] = field(default_factory=list)
    refuses: bool = False
    exits_with: int | None = None
    born_healthy: bool = True

    async def start(
        self, application: Application, on_output: Callable[[str, str], None]
    ) -> Instance:
        del application, on_output
        if self.refuses:
            raise EngineError("could not start an instance: no")
        server: Server | None = None

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == "/health":
                assert server is not None
                return web.Response(status=200 if server.healthy else 500)
            return await self.handler(request)

        runner = web.ServerRunner(web.Server(answer, max_field_size=65536), shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        instance = Instance(
            id=f"instance-{len(self.servers)}",
            host="127.0.0.1",
            port=listener.getsockname()[1],
            exited=asyncio.get_running_loop().create_future(),
            _container=cast("Any", FakeContainer()),
        )
        instance.idle.set()
        server = Server(instance, runner, healthy=self.born_healthy)
        self.servers.append(server)
        if self.exits_with is not None:
            await server.die(self.exits_with)
        return instance

    async def close(self) -> None:
        for server in self.servers:
            await server.runner.cleanup()


@dataclass
class Fleets:
    """Makes fleets, and ends them after the test."""

    engine: FakeEngine
    session: aiohttp.ClientSession
    events: list[str] = field(default_factory=list)
    _made: list[Fleet] = field(default_factory=list)

    def make(
        self,
        *,
        min_size: int = 1,
        max_size: int = 1,
        max_concurrency: int = 100,
        idle_period: float = 0.2,
        check: HealthCheck = CHECK,
    ) -> Fleet:
        fleet = Fleet(
            FleetSettings(
                application=APPLICATION,
                health_check=check,
                limits=ScalingLimits(
                    max_concurrency=max_concurrency, min_size=min_size, max_size=max_size
                ),
                idle_period=idle_period,
                drain_timeout=5,
                stop_grace=7,
            ),
            cast("ContainerEngine", self.engine),
            self.session,
            FleetReports(event=self.events.append, output=lambda _, __: None),
        )
        self._made.append(fleet)
        return fleet

    async def close(self) -> None:
        for fleet in self._made:
            await fleet.abandon()
        await self.engine.close()


async def hello(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text=f"hello {request.path}")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with upstream_session() as made:
        yield made


@pytest.fixture
async def fleets(session: aiohttp.ClientSession) -> AsyncIterator[Fleets]:
    made = Fleets(FakeEngine(hello), session)
    yield made
    await made.close()


async def until(look: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not look():  # noqa: ASYNC110 - a test looks from outside, no event tells it
            await asyncio.sleep(0.01)
