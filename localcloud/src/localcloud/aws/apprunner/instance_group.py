"""The instances of one deployment: started, checked, replaced, scaled and drained."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass

import aiohttp

from localcloud.aws.apprunner.containers import Application, Instance, InstanceEngine
from localcloud.aws.apprunner.health import Health, Verdict, passes
from localcloud.aws.apprunner.models import HealthCheck
from localcloud.aws.apprunner.scaling import Demand, ScalingLimits
from localcloud.aws.containers import EngineError

_LOG = logging.getLogger(__name__)
_SCALING_INTERVAL = 1.0
"""Seconds between two scaling decisions, unless something triggers one earlier."""
_FIRST_CHECK_INTERVAL = 0.25
"""Seconds between the checks of an instance that hasn't passed one yet."""
_FIRST_RETRY = 1.0
_MAX_RETRY = 30.0


class InstanceError(Exception):
    """An instance did not start; the message is the one that App Runner logs."""


@dataclass(frozen=True, kw_only=True)
class InstanceGroupSettings:
    """The settings of an instance group.

    Attributes:
        application: what every instance runs.
        health_check: how instances are checked.
        limits: how many there are.
        idle_period: seconds without demand before instances are removed.
        drain_timeout: seconds in which an instance may finish its requests.
        stop_grace: seconds from SIGTERM to SIGKILL.
    """

    application: Application
    health_check: HealthCheck
    limits: ScalingLimits
    idle_period: float
    drain_timeout: float
    stop_grace: float


@dataclass(frozen=True, kw_only=True)
class InstanceGroupListener:
    """Callbacks of an instance group.

    Attributes:
        on_event: called with an event, as App Runner logs it.
        on_output: called from threads with an instance's id and a line of its output.
    """

    on_event: Callable[[str], None]
    on_output: Callable[[str, str], None]


class InstanceGroup:
    """The instances of one deployment."""

    def __init__(
        self,
        settings: InstanceGroupSettings,
        engine: InstanceEngine,
        session: aiohttp.ClientSession,
        listener: InstanceGroupListener,
    ) -> None:
        """Start without instances.

        Args:
            settings: the settings.
            engine: runs the containers.
            session: sends the health checks.
            listener: receives events and output.
        """
        self.settings = settings
        self._limits = settings.limits
        self._engine = engine
        self._session = session
        self._listener = listener
        self._in_service: list[Instance] = []
        self._starting = 0
        self._demand = Demand(idle_period=settings.idle_period)
        self._peak = 0
        self._refused = 0
        self._scaling_due = asyncio.Event()
        self._retry_delay = 0.0
        self._scaling_tasks: set[asyncio.Task[None]] = set()
        self._ending_tasks: set[asyncio.Task[None]] = set()

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The instances that receive requests."""
        return tuple(self._in_service)

    @property
    def in_flight(self) -> int:
        """The requests that the instances process now."""
        return sum(instance.in_flight for instance in self._in_service)

    def rescale(self, limits: ScalingLimits) -> None:
        """Change the limits; instances are added or removed soon after."""
        self._limits = limits
        self._scaling_due.set()

    def acquire(self, *, excluding: Collection[Instance] = ()) -> Instance | None:
        """Assign a request to the instance with the fewest, or count it as refused.

        Args:
            excluding: instances not to choose.

        Returns:
            The instance; None if all are at their limit.
        """
        candidates = [instance for instance in self._in_service if instance not in excluding]
        chosen = min(candidates, key=lambda instance: instance.in_flight, default=None)
        if chosen is None or chosen.in_flight >= self._limits.max_concurrency:
            self._refused += 1
            self._scaling_due.set()
            return None
        chosen.begin_request()
        self._peak = max(self._peak, self.in_flight)
        return chosen

    async def start(self) -> None:
        """Start the minimum of instances, and begin to scale.

        Raises:
            InstanceError: one of them did not start; all have been removed.
        """
        starts = [asyncio.ensure_future(self._launch()) for _ in range(self._limits.min_size)]
        try:
            for launched in await asyncio.gather(*starts):
                self._put_in_service(launched)
        except BaseException:
            for start in starts:
                start.cancel()
            for result in await asyncio.gather(*starts, return_exceptions=True):
                if isinstance(result, Instance):
                    await self._terminate(result, grace=0)
            raise
        self._spawn(self._scale(), self._scaling_tasks)

    async def close(self) -> None:
        """Drain and remove all instances."""
        await self.stop_scaling()
        instances, self._in_service = self._in_service, []
        for instance in instances:
            self._spawn(self._drain(instance), self._ending_tasks)
        while self._ending_tasks:
            await asyncio.gather(*self._ending_tasks, return_exceptions=True)

    async def stop_scaling(self) -> None:
        """Stop checking and scaling; the instances stay as they are."""
        for task in self._scaling_tasks:
            task.cancel()
        await asyncio.gather(*self._scaling_tasks, return_exceptions=True)

    async def _launch(self) -> Instance:
        starting = asyncio.ensure_future(
            self._engine.start(self.settings.application, self._listener.on_output)
        )
        try:
            instance = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The Engine can't cancel a start; the container is removed afterwards.
            self._spawn(self._terminate_once_started(starting), self._ending_tasks)
            raise
        except EngineError as error:
            raise InstanceError(str(error)) from error
        try:
            await self._wait_until_healthy(instance)
        except BaseException:
            await asyncio.shield(self._terminate(instance, grace=0))
            raise
        return instance

    async def _terminate_once_started(self, starting: "asyncio.Future[Instance]") -> None:
        with contextlib.suppress(EngineError):
            await self._terminate(await starting, grace=0)

    async def _wait_until_healthy(self, instance: Instance) -> None:
        """Check a new instance until it is healthy or unhealthy.

        Before its first success it is checked often, so that it serves as soon as it can. Its
        failures still count only once per interval.
        """
        check = self.settings.health_check
        loop = asyncio.get_running_loop()
        verdict = Verdict()
        next_failure = loop.time() + check.interval
        while verdict.health is not Health.HEALTHY:
            passed = not instance.exited.done() and await self._check(instance)
            if instance.exited.done():
                raise InstanceError(f"Container exit code: {instance.exited.result()}")
            if passed:
                verdict = verdict.after(check, passed=True)
            elif loop.time() >= next_failure:
                verdict = verdict.after(check, passed=False)
                next_failure += check.interval
            if verdict.health is Health.UNHEALTHY:
                raise InstanceError("Health check failed.")
            if verdict.health is Health.UNKNOWN:
                pause = check.interval if passed else min(_FIRST_CHECK_INTERVAL, check.interval)
                await asyncio.wait([instance.exited], timeout=pause)

    async def _check(self, instance: Instance) -> bool:
        return await passes(self.settings.health_check, instance.host, instance.port, self._session)

    def _put_in_service(self, instance: Instance) -> None:
        self._in_service.append(instance)
        self._spawn(self._watch(instance), self._scaling_tasks)

    async def _watch(self, instance: Instance) -> None:
        """Check an instance until it exits or is unhealthy, and have it replaced."""
        check = self.settings.health_check
        verdict = Verdict(health=Health.HEALTHY)
        while verdict.health is Health.HEALTHY:
            await asyncio.wait([instance.exited], timeout=check.interval)
            if instance.exited.done():
                break
            verdict = verdict.after(check, passed=await self._check(instance))
        if instance not in self._in_service:
            return
        self._in_service.remove(instance)
        if instance.exited.done():
            self._listener.on_event(
                f"Instance {instance.id} ended with container exit code "
                f"{instance.exited.result()}. Replacing it."
            )
        else:
            self._listener.on_event(
                f"Instance {instance.id} failed its health check. Replacing it."
            )
        self._scaling_due.set()
        self._spawn(self._drain(instance), self._ending_tasks)

    async def _scale(self) -> None:
        """Follow the demand, and replace missing instances."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SCALING_INTERVAL):
                    await self._scaling_due.wait()
            self._scaling_due.clear()
            self._demand.record(max(self._peak, self.in_flight + self._refused), loop.time())
            self._peak = self._refused = 0
            wanted = self._limits.instances_for(self._demand.peak(loop.time()))
            present = len(self._in_service) + self._starting
            if present < wanted:
                self._listener.on_event(f"Scaling out from {present} to {wanted} instances.")
            for _ in range(wanted - present):
                self._starting += 1
                self._spawn(self._add(), self._scaling_tasks)
            if not self._starting and wanted < len(self._in_service):
                self._scale_in(wanted)

    def _scale_in(self, wanted: int) -> None:
        self._listener.on_event(f"Scaling in from {len(self._in_service)} to {wanted} instances.")
        by_load = sorted(self._in_service, key=lambda instance: instance.in_flight)
        for instance in by_load[: len(self._in_service) - wanted]:
            self._in_service.remove(instance)
            self._spawn(self._drain(instance), self._ending_tasks)

    async def _add(self) -> None:
        try:
            await asyncio.sleep(self._retry_delay)
            instance = await self._launch()
        except InstanceError as error:
            self._retry_delay = min(max(self._retry_delay * 2, _FIRST_RETRY), _MAX_RETRY)
            self._listener.on_event(f"An instance could not be started. {error}")
        else:
            self._retry_delay = 0.0
            self._put_in_service(instance)
        finally:
            self._starting -= 1
            self._scaling_due.set()

    async def _drain(self, instance: Instance) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.drain_timeout):
                await instance.idle.wait()
        await self._terminate(instance, grace=self.settings.stop_grace)

    async def _terminate(self, instance: Instance, *, grace: float) -> None:
        await asyncio.to_thread(instance.terminate, grace)

    def _spawn(self, work: Coroutine[None, None, None], group: set[asyncio.Task[None]]) -> None:
        def on_done(task: asyncio.Task[None]) -> None:
            group.discard(task)
            if not task.cancelled() and task.exception() is not None:
                _LOG.error("a task of an instance group failed", exc_info=task.exception())

        task = asyncio.ensure_future(work)
        group.add(task)
        task.add_done_callback(on_done)
