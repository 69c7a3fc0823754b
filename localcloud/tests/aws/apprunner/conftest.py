"""Instances without containers: small servers in the test's process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from localcloud.aws.apprunner.containers import Application, Instance, InstanceEngine
from localcloud.aws.apprunner.instance_group import (
    InstanceGroup,
    InstanceGroupListener,
    InstanceGroupSettings,
)
from localcloud.aws.apprunner.models import HealthCheck
from localcloud.aws.apprunner.proxy import instance_session
from localcloud.aws.apprunner.scaling import ScalingLimits
from localcloud.aws.containers import EngineError

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
    """Records that it was stopped."""

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
    return cast("FakeContainer", instance.container)


@dataclass
class Server:
    """A server in place of a container."""

    instance: Instance
    runner: web.ServerRunner
    healthy: bool = True

    async def exit(self, code: int = 1) -> None:
        await self.runner.cleanup()
        if not self.instance.exited.done():
            self.instance.exited.set_result(code)


@dataclass
class FakeEngine:
    """Starts servers where the real one starts containers."""

    handler: Handler
    servers: list[Server] = field(default_factory=list)
    fails: bool = False
    exits_with: int | None = None
    healthy_at_start: bool = True

    async def start(
        self, _application: Application, _on_output: Callable[[str, str], None]
    ) -> Instance:
        if self.fails:
            raise EngineError("could not start an instance: no")
        server: Server | None = None

        async def response(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == "/health":
                assert server is not None
                return web.Response(status=200 if server.healthy else 500)
            return await self.handler(request)

        runner = web.ServerRunner(web.Server(response, max_field_size=65536), shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        instance = Instance(
            id=f"instance-{len(self.servers)}",
            host="127.0.0.1",
            port=listener.getsockname()[1],
            exited=asyncio.get_running_loop().create_future(),
            container=cast("Any", FakeContainer()),
        )
        instance.idle.set()
        server = Server(instance, runner, healthy=self.healthy_at_start)
        self.servers.append(server)
        if self.exits_with is not None:
            await server.exit(self.exits_with)
        return instance

    async def close(self) -> None:
        for server in self.servers:
            await server.runner.cleanup()


@dataclass
class InstanceGroups:
    """Creates instance groups, and stops them after the test."""

    engine: FakeEngine
    session: aiohttp.ClientSession
    events: list[str] = field(default_factory=list)
    _created: list[InstanceGroup] = field(default_factory=list)

    def create(
        self,
        *,
        min_size: int = 1,
        max_size: int = 1,
        max_concurrency: int = 100,
        idle_period: float = 0.2,
        check: HealthCheck = CHECK,
    ) -> InstanceGroup:
        group = InstanceGroup(
            InstanceGroupSettings(
                application=APPLICATION,
                health_check=check,
                limits=ScalingLimits(
                    max_concurrency=max_concurrency, min_size=min_size, max_size=max_size
                ),
                idle_period=idle_period,
                drain_timeout=5,
                stop_grace=7,
            ),
            cast("InstanceEngine", self.engine),
            self.session,
            InstanceGroupListener(on_event=self.events.append, on_output=lambda _, __: None),
        )
        self._created.append(group)
        return group

    async def close(self) -> None:
        for group in self._created:
            await group.stop_scaling()
        await self.engine.close()


async def hello(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text=f"hello {request.path}")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with instance_session() as opened:
        yield opened


@pytest.fixture
async def groups(session: aiohttp.ClientSession) -> AsyncIterator[InstanceGroups]:
    created = InstanceGroups(FakeEngine(hello), session)
    yield created
    await created.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a test checks from outside, there is no event
            await asyncio.sleep(0.01)
