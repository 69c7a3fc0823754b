"""App Runner on its own thread and event loop.

Requests to services must not wait while ministack works, so they are served by a separate loop. The
endpoint's loop passes API calls to it.
"""

import asyncio
import concurrent.futures
import contextlib
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import docker

from localcloud.aws.account import Account
from localcloud.aws.apprunner.containers import ContainerEngine
from localcloud.aws.apprunner.controller import Platform, Timing
from localcloud.aws.apprunner.operations import AppRunner
from localcloud.aws.apprunner.proxy import instance_session
from localcloud.aws.apprunner.requests import JsonObject
from localcloud.aws.ecr.models import Registry

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
        owner: the value of the owner label on every container.
        host: the address that services listen on.
        ports: the ports for services, one each.
        context: their certificate.
        timing: the times.
    """

    account: Account
    registry: Registry
    docker_client: docker.DockerClient
    owner: str
    host: str
    ports: Sequence[int]
    context: ssl.SSLContext
    timing: Timing


class AppRunnerThread:
    """Runs App Runner; `start` starts it."""

    def __init__(self, settings: AppRunnerSettings) -> None:
        """Prepare the thread without starting it."""
        self._settings = settings
        self._thread = threading.Thread(target=self._run, name="apprunner", daemon=True)
        self._ready: concurrent.futures.Future[tuple[asyncio.AbstractEventLoop, AppRunner]] = (
            concurrent.futures.Future()
        )
        self._stop: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Start the thread, and wait until it accepts calls.

        Raises:
            Exception: App Runner can't start.
        """
        self._thread.start()
        self._ready.result()

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request; called from another event loop.

        Raises:
            ApiError: the operation fails.
        """
        loop, app_runner = self._ready.result()
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(app_runner.call(operation, parameters), loop)
        )

    def stop(self) -> None:
        """Remove all containers, close all ports and end the thread."""
        self._stop()
        self._thread.join(_STOP_TIMEOUT)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _main(self) -> None:
        settings = self._settings
        loop = asyncio.get_running_loop()
        executor = concurrent.futures.ThreadPoolExecutor(_WORKERS, thread_name_prefix="apprunner")
        loop.set_default_executor(executor)
        stopping = asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
        engine = ContainerEngine(settings.docker_client, settings.owner)
        # A killed run of the same owner may have left containers.
        await engine.remove_all()
        async with instance_session() as session:
            platform = Platform(
                engine=engine,
                account=settings.account,
                registry=settings.registry,
                session=session,
                timing=settings.timing,
            )
            app_runner = AppRunner(
                platform, host=settings.host, ports=settings.ports, context=settings.context
            )
            self._ready.set_result((loop, app_runner))
            await stopping.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_LOGS_TIMEOUT):
                    await app_runner.stop()
            await engine.close()
            await engine.remove_unused_images(())
        executor.shutdown(wait=False, cancel_futures=True)
