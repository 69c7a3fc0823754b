"""App Runner on an event loop and thread of its own.

Requests to services must not wait while ministack works, so they have a loop that does nothing
else; API calls come over from the endpoint's loop.
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
from localcloud.aws.apprunner.api import Api
from localcloud.aws.apprunner.containers import ContainerEngine
from localcloud.aws.apprunner.front import upstream_session
from localcloud.aws.apprunner.hosting import Platform, Timing
from localcloud.aws.apprunner.model import JsonObject
from localcloud.aws.registry import Registry

_WORKERS = 32
_LAST_LOGS_TIMEOUT = 2.0
_STOP_TIMEOUT = 7.0


@dataclass(frozen=True, kw_only=True)
class RunnerSettings:
    """What App Runner is given.

    Attributes:
        account: the account's other services.
        registry: the addresses of the account's images.
        docker_client: the Docker Engine.
        owner: the label's value on every container.
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


class Runner:
    """App Runner's thread."""

    def __init__(self, settings: RunnerSettings) -> None:
        """Prepare the thread; start() runs it.

        Args:
            settings: what App Runner is given.
        """
        self._settings = settings
        self._thread = threading.Thread(target=self._run, name="apprunner", daemon=True)
        self._ready: concurrent.futures.Future[tuple[asyncio.AbstractEventLoop, Api]] = (
            concurrent.futures.Future()
        )
        self._stop: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Run the thread, and wait until it takes calls.

        Raises:
            Exception: whatever kept it from it.
        """
        self._thread.start()
        self._ready.result()

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Do an App Runner operation, from another event loop.

        Args:
            operation: its name.
            parameters: its validated request.

        Returns:
            Its answer.

        Raises:
            ApiError: as the service answers it.
        """
        loop, api = self._ready.result()
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(api.call(operation, parameters), loop)
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
        # What a killed run of the same owner left behind would serve nobody.
        await engine.remove_all()
        async with upstream_session() as session:
            platform = Platform(
                engine=engine,
                account=settings.account,
                registry=settings.registry,
                session=session,
                timing=settings.timing,
            )
            api = Api(platform, host=settings.host, ports=settings.ports, context=settings.context)
            self._ready.set_result((loop, api))
            await stopping.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_LOGS_TIMEOUT):
                    await api.close()
            await engine.close()
            await engine.forget(())
        executor.shutdown(wait=False, cancel_futures=True)
