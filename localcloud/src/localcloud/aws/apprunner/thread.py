"""App Runner on its own thread and event loop."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import docker

from localcloud.aws.account import Account
from localcloud.aws.apprunner.containers import InstanceEngine
from localcloud.aws.apprunner.controller import Platform, Timing
from localcloud.aws.apprunner.operations import AppRunner
from localcloud.aws.apprunner.proxy import instance_session
from localcloud.aws.apprunner.requests import JsonObject
from localcloud.aws.containers import ContainerEngine, ImageStore
from localcloud.aws.ecr.models import Registry
from localcloud.aws.service_events import SendEvent
from localcloud.aws.service_thread import ServiceThread

_WORKERS = 32
_LAST_LOGS_TIMEOUT = 2.0
_STOP_TIMEOUT = 7.0


@dataclass(frozen=True, kw_only=True)
class AppRunnerSettings:
    """App Runner's settings.

    Attributes:
        account: the account's other services.
        registry: the addresses of the account's images.
        docker_client: the Docker Engine.
        images: its images.
        owner: the value of the owner label on every container.
        host: the address that services listen on.
        ports: the ports for services, one each.
        context: their certificate.
        timing: the times.
        send_event: hands events to EventBridge.
    """

    account: Account
    registry: Registry
    docker_client: docker.DockerClient
    images: ImageStore
    owner: str
    host: str
    ports: Sequence[int]
    context: ssl.SSLContext
    timing: Timing
    send_event: SendEvent


class AppRunnerThread:
    """Runs App Runner; `start` starts it."""

    def __init__(self, settings: AppRunnerSettings) -> None:
        """Prepare the thread without starting it."""
        self._thread = ServiceThread(
            "apprunner", _app_runner(settings), workers=_WORKERS, stop_timeout=_STOP_TIMEOUT
        )

    def start(self) -> None:
        """Start the thread, and wait until it accepts calls.

        Raises:
            Exception: App Runner can't start.
        """
        self._thread.start()

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request; called from another event loop.

        Raises:
            ApiError: the operation fails.
        """
        return await self._thread.run(lambda app_runner: app_runner.call(operation, parameters))

    def stop(self) -> None:
        """Remove all containers, close all ports and end the thread."""
        self._thread.stop()


@contextlib.asynccontextmanager
async def _app_runner(settings: AppRunnerSettings) -> AsyncIterator[AppRunner]:
    engine = ContainerEngine(
        settings.docker_client, settings.images, owner=settings.owner, kind="instance"
    )
    # A killed run of the same owner may have left containers.
    await engine.remove_all()
    async with instance_session() as session:
        platform = Platform(
            engine=InstanceEngine(engine),
            account=settings.account,
            registry=settings.registry,
            session=session,
            timing=settings.timing,
            send_event=settings.send_event,
        )
        app_runner = AppRunner(
            platform, host=settings.host, ports=settings.ports, context=settings.context
        )
        yield app_runner
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LOGS_TIMEOUT):
                await app_runner.stop()
        await engine.close()
        await engine.remove_unused_images(())
