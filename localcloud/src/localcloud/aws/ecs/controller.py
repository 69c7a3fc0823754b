"""Runs one service: starts, checks, replaces and stops its tasks, and rolls out deployments."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from localcloud.aws.ecs import scheduler
from localcloud.aws.ecs.events import deployment_event, task_event
from localcloud.aws.ecs.models import (
    Deployment,
    Network,
    Placement,
    RolloutState,
    Service,
    ServiceStatus,
    StopCode,
    Task,
    TaskDefinition,
    TaskStatus,
    new_id,
)
from localcloud.aws.ecs.placement import Placements
from localcloud.aws.ecs.runner import TaskListener, TaskPlatform, TaskRunner
from localcloud.aws.ecs.service_deployments import FAILED, SUPERSEDED, ServiceDeployment
from localcloud.aws.elbv2.targets import TargetState

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Times that are fixed on ECS, and that tests shorten.

    Attributes:
        check_period: seconds between two looks at the targets' health.
        settle_time: seconds after which a running task without health checks counts as healthy
            (API reference, DeploymentConfiguration).
        first_pause: seconds after a task that never ran, until the next start.
        remember_for: seconds for which a stopped task is described.
    """

    check_period: float = 1.0
    settle_time: float = 40.0
    first_pause: float = 1.0
    remember_for: float = 3600.0


class ServiceController:
    """One service.

    Attributes:
        service: its record.
        service_deployments: newest first.
    """

    def __init__(
        self,
        service: Service,
        platform: TaskPlatform,
        placements: Placements,
        timing: Timing,
        on_idle_images: Callable[[], Awaitable[None]],
    ) -> None:
        """Start without tasks.

        Args:
            service: the service's record, which is kept up to date here.
            platform: what its tasks run on.
            placements: chooses where a task runs.
            timing: the times.
            on_idle_images: called when a task has stopped, and its image may be unused.
        """
        self.service = service
        self.service_deployments: list[ServiceDeployment] = []
        self._platform = platform
        self._placements = placements
        self._timing = timing
        self._on_idle_images = on_idle_images
        self._runners: dict[Task, TaskRunner] = {}
        self._running: dict[asyncio.Task[None], Task] = {}
        self._accounted: set[Task] = set()
        self._removing: set[asyncio.Future[None]] = set()
        self._changed = asyncio.Event()
        self._failed_starts = 0
        self._next_start = 0.0
        self._steady = False
        self._loop_task: asyncio.Task[None] | None = None

    @property
    def runners(self) -> Sequence[TaskRunner]:
        """The runners of the tasks that haven't stopped."""
        return tuple(self._runners.values())

    @property
    def images(self) -> set[str]:
        """The images of the tasks that haven't stopped, as Docker on this machine names them."""
        return {runner.image for runner in self._runners.values() if runner.image is not None}

    def start(self) -> None:
        """Run the service in the background."""
        self._loop_task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """Stop everything at once, except the containers."""
        own = [self._loop_task] if self._loop_task else []
        tasks = [*self._running, *self._removing, *own]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def deploy(self, definition: TaskDefinition, network: Network) -> Deployment:
        """Start a deployment, which becomes the primary one."""
        now = self._platform.clock()
        deployment = Deployment(
            id=f"ecs-svc/{secrets.randbelow(10**19):019d}",
            definition=definition,
            network=network,
            desired=self.service.desired,
            created_at=now,
            updated_at=now,
        )
        deployment.rollout_reason = f"ECS deployment {deployment.id} in progress."
        for each in self.service_deployments:
            each.stop(SUPERSEDED, now)
        moved = ServiceDeployment(
            service=self.service,
            target=deployment,
            sources=tuple(self.service.deployments),
            created_at=now,
        )
        self.service_deployments.insert(0, moved)
        self._make_primary(deployment)
        self._send_event_of(deployment)
        self._failed_starts, self._next_start = 0, 0.0
        return deployment

    def scale(self, desired: int) -> None:
        """Change the number of tasks."""
        self.service.desired = desired
        self.service.primary.desired = desired
        self._changed.set()

    def delete(self) -> None:
        """Stop all tasks; the service is inactive once they have stopped."""
        self.service.status = ServiceStatus.DRAINING
        self.scale(0)

    def notify(self) -> None:
        """Look at the service soon."""
        self._changed.set()

    def stop_task(self, task: Task, reason: str) -> None:
        """Stop one task for a user; it is replaced."""
        self._runners[task].stop(StopCode.USER, reason)

    async def _run(self) -> None:
        while self.service.status is not ServiceStatus.INACTIVE:
            self._changed.clear()
            try:
                await self.step()
            except Exception:  # the next look must come  # noqa: BLE001
                _LOG.exception("a look at the service %s failed", self.service.name)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.check_period):
                    await self._changed.wait()

    async def step(self) -> None:
        """Look at all tasks once, and do what is due."""
        await self._look_at_health()
        self._account_for_ends()
        self._judge_deployment()
        await self._start_and_stop()
        self._finish_deployments()
        if self.service.status is ServiceStatus.DRAINING and not self._runners:
            self.service.status = ServiceStatus.INACTIVE
        self._forget_stopped_tasks()

    # Health

    async def _look_at_health(self) -> None:
        now = self._platform.clock()
        for task, runner in list(self._runners.items()):
            if not task.running or task.started_at is None:
                task.healthy = False
                continue
            balancing, target = self.service.load_balancing, runner.target
            if balancing is None:
                healthy = now - task.started_at >= self._timing.settle_time
            elif target is None:
                healthy = False
            else:
                health = await self._platform.targets.health(balancing.target_group_arn, target)
                healthy = health.state is TargetState.HEALTHY
                in_grace = now - task.started_at < self.service.grace_period
                unhealthy = health.state is TargetState.UNHEALTHY and not in_grace
                if unhealthy and not task.unhealthy:
                    reason = health.description or health.reason or "Health checks failed"
                    self._event(
                        f"(task {task.id}) (port {target.port}) is unhealthy in (target-group "
                        f"{balancing.target_group_arn}) due to (reason {reason})."
                    )
                task.unhealthy = unhealthy
            # It may have stopped meanwhile.
            task.healthy = healthy and task.running
            if task.healthy and not task.was_healthy:
                task.was_healthy = True
                self._reset_failures(task)

    # Deployments

    def _judge_deployment(self) -> None:
        service, primary = self.service, self.service.primary
        breaker = service.rules.circuit_breaker
        failed = primary.failed_tasks >= scheduler.failure_threshold(service.desired)
        if not (breaker.enabled and failed and primary.rollout is RolloutState.IN_PROGRESS):
            return
        now = self._platform.clock()
        primary.move_to(
            RolloutState.FAILED, "ECS deployment circuit breaker: tasks failed to start.", now
        )
        self._send_event_of(primary)
        self._event(f"(deployment {primary.id}) deployment failed: tasks failed to start.")
        earlier = next((each for each in service.deployments[1:] if each.ever_completed), None)
        moved = self.service_deployments[0]
        if not breaker.rollback or earlier is None:
            moved.stop(FAILED, now)
        else:
            moved.roll_back(earlier, now)
            self._event(f"rolling back to deployment {earlier.id}.")
            earlier.move_to(
                RolloutState.IN_PROGRESS,
                f"ECS deployment circuit breaker: rolling back to deploymentId {earlier.id}.",
                now,
            )
            self._send_event_of(earlier)
            earlier.failed_tasks = 0
            self._failed_starts, self._next_start = 0, 0.0
            self._make_primary(earlier)

    def _make_primary(self, deployment: Deployment) -> None:
        others = [each for each in self.service.deployments if each is not deployment]
        for each in others:
            each.primary, each.desired = False, 0
        deployment.primary, deployment.desired = True, self.service.desired
        self.service.deployments = [deployment, *others]
        self._steady = False
        self._changed.set()

    def _finish_deployments(self) -> None:
        service, now = self.service, self._platform.clock()
        busy = {task.deployment_id for task in self._runners}
        service.deployments = [
            each
            for each in service.deployments
            if each.primary or each.id in busy or self._rollback_target() is each
        ]
        tasks = list(self._runners)
        steady = len(tasks) == service.desired and all(
            task.healthy and task.deployment_id == service.primary.id for task in tasks
        )
        if steady and service.primary.rollout is RolloutState.IN_PROGRESS:
            primary = service.primary
            primary.move_to(RolloutState.COMPLETED, f"ECS deployment {primary.id} completed.", now)
            service.deployments = [primary]
            self.service_deployments[0].complete(now)
            self._send_event_of(primary)
            self._event(f"(deployment {primary.id}) deployment completed.")
        if steady and not self._steady and service.status is ServiceStatus.ACTIVE:
            self._event("has reached a steady state.")
        self._steady = steady

    def _rollback_target(self) -> Deployment | None:
        """Return the deployment that a failure of the primary one would roll back to."""
        if self.service.primary.rollout is not RolloutState.IN_PROGRESS:
            return None
        return next((each for each in self.service.deployments[1:] if each.ever_completed), None)

    # Tasks

    async def _start_and_stop(self) -> None:
        service, primary, now = self.service, self.service.primary, self._platform.clock()
        rules = service.rules
        limits = scheduler.TaskLimits.of(
            service.desired, rules.minimum_healthy_percent, rules.maximum_percent
        )
        launches = primary.rollout is not RolloutState.FAILED and now >= self._next_start
        live = [task for task in self._runners if task.live]
        decided = scheduler.plan(live, primary.id, limits, launches=launches)
        started = [await self._start_task(primary) for _ in range(decided.start)]
        ids = [task.id for task in started if task is not None]
        if ids:
            listed = " ".join(f"(task {each})" for each in ids)
            self._event(f"has started {len(ids)} tasks: {listed}.")
        draining = [
            task
            for task in (*decided.stop, *decided.replace)
            if self._runners[task].target is not None
        ]
        if draining:
            self._event(f"has begun draining connections on {len(draining)} tasks.")
        for task in decided.stop:
            reason = f"Scaling activity initiated by (deployment {primary.id})"
            self._runners[task].stop(StopCode.SCHEDULER, reason)
        for task in decided.replace:
            balancing = service.load_balancing
            group = balancing.target_group_arn if balancing else ""
            reason = f"Task failed ELB health checks in (target-group {group})"
            self._runners[task].stop(StopCode.SCHEDULER, reason)
            if not task.was_healthy:
                self._count_failure(task)
                self._changed.set()

    async def _start_task(self, deployment: Deployment) -> Task | None:
        service = self.service
        placement = await self._place(deployment.network)
        if placement is None:
            self._event("was unable to place a task. Reason: no subnet has a free address.")
            return None
        cluster = service.cluster_arn.rpartition("/")[2]
        arn_base = service.arn.partition(":service/")[0]
        task_id = new_id()
        tags = {
            "NONE": {},
            "SERVICE": service.tags,
            "TASK_DEFINITION": deployment.definition.tags,
        }[service.propagate_tags]
        task = Task(
            arn=f"{arn_base}:task/{cluster}/{task_id}",
            cluster_arn=service.cluster_arn,
            service=service.name,
            deployment_id=deployment.id,
            definition=deployment.definition,
            placement=placement,
            network=deployment.network,
            created_at=self._platform.clock(),
            container_arn=f"{arn_base}:container/{cluster}/{task_id}/{new_id()}",
            tags=dict(tags),
        )
        runner = TaskRunner(
            task,
            self._platform,
            service.load_balancing,
            TaskListener(on_change=self._changed.set, on_event=self._event),
        )
        service.tasks.append(task)
        self._runners[task] = runner
        running = asyncio.ensure_future(runner.run())
        self._running[running] = task
        running.add_done_callback(self._on_stopped)
        return task

    async def _place(self, network: Network) -> Placement | None:
        used = [task.placement.subnet for task in self._runners if task.live]
        return await self._placements.take(network.subnets, used)

    def _on_stopped(self, running: asyncio.Task[None]) -> None:
        task = self._running.pop(running)
        # It may have ended after the last look.
        self._account_for_ends()
        del self._runners[task]
        self._accounted.discard(task)
        self._placements.release(task.placement)
        self._changed.set()
        if running.cancelled():
            return
        if error := running.exception():
            _LOG.error("a task of %s failed", self.service.name, exc_info=error)
            task.stop_code, task.stopped_reason = StopCode.FAILED_TO_START, "See its output."
            task.move_to(TaskStatus.STOPPED)
            self._platform.send_event(task_event(task, self._platform.clock()))
        if task.stop_code is StopCode.SCHEDULER:
            self._event(f"has stopped 1 running tasks: (task {task.id}).")
        removing = asyncio.ensure_future(self._on_idle_images())
        # The event loop itself doesn't keep it.
        self._removing.add(removing)
        removing.add_done_callback(self._removing.discard)

    def _account_for_ends(self) -> None:
        """Count the tasks that ended, once each, before others are started in their place."""
        for task in [each for each in self._runners if each.stopping]:
            if task in self._accounted:
                continue
            self._accounted.add(task)
            ended = task.stop_code in {StopCode.FAILED_TO_START, StopCode.CONTAINER_EXITED}
            if task.started_at is not None:
                self._failed_starts = 0
            elif ended:
                self._pause()
            if ended and not task.was_healthy:
                self._count_failure(task)
                # A container that exits at once would be replaced in a hot loop otherwise.
                at = self._platform.clock() + self._timing.first_pause
                self._next_start = max(self._next_start, at)

    def _pause(self) -> None:
        self._failed_starts += 1
        pause = scheduler.pause_before_start(self._failed_starts, self._timing.first_pause)
        self._next_start = self._platform.clock() + pause
        if self._failed_starts > 1:
            self._event(
                "is unable to consistently start tasks successfully. For more information, see "
                "the Troubleshooting section of the Amazon ECS Developer Guide."
            )

    def _forget_stopped_tasks(self) -> None:
        before = self._platform.clock() - self._timing.remember_for
        self.service.tasks = [
            task
            for task in self.service.tasks
            if task.stopped_at is None or task.stopped_at > before
        ]

    def _reset_failures(self, task: Task) -> None:
        for deployment in self.service.deployments:
            if deployment.id == task.deployment_id:
                deployment.failed_tasks = 0

    def _count_failure(self, task: Task) -> None:
        """Count a failed task, unless it outlived its deployment."""
        for deployment in self.service.deployments:
            if deployment.id == task.deployment_id:
                deployment.failed_tasks += 1

    def _send_event_of(self, deployment: Deployment) -> None:
        self._platform.send_event(deployment_event(self.service, deployment))

    def _event(self, text: str) -> None:
        self.service.add_event(text, self._platform.clock())
