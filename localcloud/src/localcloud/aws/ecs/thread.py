"""ECS on its own thread and event loop."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import docker

from localcloud.aws.account import Account
from localcloud.aws.containers import ContainerEngine, ImageStore
from localcloud.aws.context import ServiceContext
from localcloud.aws.ecr.models import Registry
from localcloud.aws.ecs.controller import Timing
from localcloud.aws.ecs.metrics_reporter import MetricsReporter
from localcloud.aws.ecs.models import JsonObject
from localcloud.aws.ecs.operations import Ecs
from localcloud.aws.ecs.runner import TaskPlatform
from localcloud.aws.elbv2.targets import TargetRegistry
from localcloud.aws.log_sender import LogSender
from localcloud.aws.service_events import SendEvent
from localcloud.aws.service_thread import ServiceThread

_WORKERS = 32
_LAST_LOGS_TIMEOUT = 2.0
_STOP_TIMEOUT = 7.0


@dataclass(frozen=True, kw_only=True)
class EcsSettings:
    """ECS's settings.

    Attributes:
        account: the account's other services.
        registry: the addresses of the account's images.
        targets: the account's target groups.
        docker_client: the Docker Engine.
        images: its images.
        owner: the value of the owner label on every container.
        context: where and when the service runs.
        timing: the times.
        metrics_period: seconds between two reports of metrics; on AWS 60.
        send_event: hands events to EventBridge.
    """

    account: Account
    registry: Registry
    targets: TargetRegistry
    docker_client: docker.DockerClient
    images: ImageStore
    owner: str
    context: ServiceContext
    timing: Timing
    metrics_period: float
    send_event: SendEvent


class EcsThread:
    """Runs ECS; `start` starts it."""

    def __init__(self, settings: EcsSettings) -> None:
        """Prepare the thread without starting it."""
        self._thread = ServiceThread(
            "ecs", _ecs(settings), workers=_WORKERS, stop_timeout=_STOP_TIMEOUT
        )

    def start(self) -> None:
        """Start the thread, and wait until it accepts calls.

        Raises:
            Exception: ECS can't start.
        """
        self._thread.start()

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request; called from another event loop.

        Raises:
            ApiError: the operation fails.
        """
        return await self._thread.run(lambda ecs: ecs.call(operation, parameters))

    def security_groups(self) -> frozenset[str]:
        """Return the ids of the security groups that services use; safe in any thread."""
        return self._thread.service.security_groups

    def stop(self) -> None:
        """Remove all containers and end the thread."""
        self._thread.stop()


@contextlib.asynccontextmanager
async def _ecs(settings: EcsSettings) -> AsyncIterator[Ecs]:
    engine = ContainerEngine(
        settings.docker_client, settings.images, owner=settings.owner, kind="task"
    )
    # A killed run of the same owner may have left containers.
    await engine.remove_all()
    logs = LogSender(functools.partial(settings.account.put_log_events, creates_group=False))
    platform = TaskPlatform(
        engine=engine,
        account=settings.account,
        registry=settings.registry,
        targets=settings.targets,
        logs=logs,
        clock=settings.context.clock,
        send_event=settings.send_event,
    )
    ecs = Ecs(platform, settings.context, settings.timing)
    reporter = MetricsReporter(
        lambda: ecs.controllers, settings.account.put_metrics, settings.metrics_period
    )
    yield ecs
    await reporter.stop()
    await ecs.stop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_LOGS_TIMEOUT):
            await logs.close()
    await engine.close()
    await engine.remove_unused_images(())
