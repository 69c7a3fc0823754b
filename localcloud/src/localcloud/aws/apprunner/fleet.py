"""The instances of one deployment: started, watched, replaced, scaled and drained."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass

import aiohttp

from localcloud.aws.apprunner.containers import Application, ContainerEngine, EngineError, Instance
from localcloud.aws.apprunner.health import Health, Verdict, passes
from localcloud.aws.apprunner.model import HealthCheck
from localcloud.aws.apprunner.scaling import Demand, ScalingLimits

_LOG = logging.getLogger(__name__)
_TICK = 1.0
"""Seconds from one look at the demand to the next, where nothing calls for one before."""
_EAGER_INTERVAL = 0.25
"""Seconds between the checks of an instance that has not answered yet."""
_FIRST_RETRY = 1.0
_LAST_RETRY = 30.0


class InstanceError(Exception):
    """An instance did not come up; the message is what App Runner logs."""


@dataclass(frozen=True, kw_only=True)
class FleetSettings:
    """How a fleet behaves.

    Attributes:
        application: what every instance runs.
        health_check: how instances are checked.
        limits: how many there are.
        idle_period: seconds without demand before instances are taken away.
        drain_timeout: seconds in which an instance may end its requests.
        stop_grace: seconds from SIGTERM to SIGKILL.
    """

    application: Application
    health_check: HealthCheck
    limits: ScalingLimits
    idle_period: float
    drain_timeout: float
    stop_grace: float


@dataclass(frozen=True, kw_only=True)
class FleetReports:
    """Whom a fleet tells.

    Attributes:
        event: takes what happened, as App Runner logs it.
        output: takes an instance's id and a line of its output; called from threads.
    """

    event: Callable[[str], None]
    output: Callable[[str, str], None]


class Fleet:
    """The instances of one deployment."""

    def __init__(
        self,
        settings: FleetSettings,
        engine: ContainerEngine,
        session: aiohttp.ClientSession,
        reports: FleetReports,
    ) -> None:
        """Begin without instances.

        Args:
            settings: how the fleet behaves.
            engine: runs the containers.
            session: asks for health.
            reports: whom to tell.
        """
        self.settings = settings
        self._limits = settings.limits
        self._engine = engine
        self._session = session
        self._reports = reports
        self._in_service: list[Instance] = []
        self._starting = 0
        self._demand = Demand(idle_period=settings.idle_period)
        self._peak = 0
        self._refused = 0
        self._attention = asyncio.Event()
        self._retry_delay = 0.0
        self._keepers: set[asyncio.Task[None]] = set()
        self._leavers: set[asyncio.Task[None]] = set()

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The instances that take requests."""
        return tuple(self._in_service)

    @property
    def in_flight(self) -> int:
        """The requests that the instances work on."""
        return sum(instance.in_flight for instance in self._in_service)

    def rescale(self, limits: ScalingLimits) -> None:
        """Change the limits; instances come and go soon after.

        Args:
            limits: the new limits.
        """
        self._limits = limits
        self._attention.set()

    def take(self, besides: Collection[Instance] = ()) -> Instance | None:
        """Choose the instance with the fewest requests for one more, and count it in.

        Args:
            besides: instances not to choose.

        Returns:
            The instance; None where all have as many as they may.
        """
        candidates = [instance for instance in self._in_service if instance not in besides]
        chosen = min(candidates, key=lambda instance: instance.in_flight, default=None)
        if chosen is None or chosen.in_flight >= self._limits.max_concurrency:
            self._refused += 1
            self._attention.set()
            return None
        chosen.begin_request()
        self._peak = max(self._peak, self.in_flight)
        return chosen

    async def start(self) -> None:
        """Bring the minimum of instances up, and keep them.

        Raises:
            InstanceError: one of them did not come up; all are gone again.
        """
        starts = [asyncio.ensure_future(self._launch()) for _ in range(self._limits.min_size)]
        try:
            for launched in await asyncio.gather(*starts):
                self._enlist(launched)
        except BaseException:
            for start in starts:
                start.cancel()
            for result in await asyncio.gather(*starts, return_exceptions=True):
                if isinstance(result, Instance):
                    await self._terminate(result, grace=0)
            raise
        self._spawn(self._keep_size(), self._keepers)

    async def close(self) -> None:
        """Drain all instances and end them."""
        await self.abandon()
        instances, self._in_service = self._in_service, []
        for instance in instances:
            self._spawn(self._drain(instance), self._leavers)
        while self._leavers:
            await asyncio.gather(*self._leavers, return_exceptions=True)

    async def abandon(self) -> None:
        """Stop watching and scaling; the instances stay as they are."""
        for task in self._keepers:
            task.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _launch(self) -> Instance:
        starting = asyncio.ensure_future(
            self._engine.start(self.settings.application, self._reports.output)
        )
        try:
            instance = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The Engine can't be told to stop half-way; what it makes is ended afterwards.
            self._spawn(self._abandon(starting), self._leavers)
            raise
        except EngineError as error:
            raise InstanceError(str(error)) from error
        try:
            await self._become_healthy(instance)
        except BaseException:
            await asyncio.shield(self._terminate(instance, grace=0))
            raise
        return instance

    async def _abandon(self, starting: "asyncio.Future[Instance]") -> None:
        with contextlib.suppress(EngineError):
            await self._terminate(await starting, grace=0)

    async def _become_healthy(self, instance: Instance) -> None:
        """Check a new instance until its thresholds decide.

        While it has not answered yet it is asked often, so that it serves as soon as it can; its
        failures still count once an interval.
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
                pause = check.interval if passed else min(_EAGER_INTERVAL, check.interval)
                await asyncio.wait([instance.exited], timeout=pause)

    async def _check(self, instance: Instance) -> bool:
        return await passes(self.settings.health_check, instance.host, instance.port, self._session)

    def _enlist(self, instance: Instance) -> None:
        self._in_service.append(instance)
        self._spawn(self._watch(instance), self._keepers)

    async def _watch(self, instance: Instance) -> None:
        """Wait for the end of an instance's health, and have it replaced."""
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
            self._reports.event(
                f"Instance {instance.id} ended with container exit code "
                f"{instance.exited.result()}. Replacing it."
            )
        else:
            self._reports.event(f"Instance {instance.id} failed its health check. Replacing it.")
        self._attention.set()
        self._spawn(self._drain(instance), self._leavers)

    async def _keep_size(self) -> None:
        """Follow the demand, and replace what is missing."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._attention.wait()
            self._attention.clear()
            self._demand.record(max(self._peak, self.in_flight + self._refused), loop.time())
            self._peak = self._refused = 0
            wanted = self._limits.instances_for(self._demand.peak(loop.time()))
            present = len(self._in_service) + self._starting
            if present < wanted:
                self._reports.event(f"Scaling out from {present} to {wanted} instances.")
            for _ in range(wanted - present):
                self._starting += 1
                self._spawn(self._add(), self._keepers)
            if not self._starting and wanted < len(self._in_service):
                self._scale_in(wanted)

    def _scale_in(self, wanted: int) -> None:
        self._reports.event(f"Scaling in from {len(self._in_service)} to {wanted} instances.")
        by_load = sorted(self._in_service, key=lambda instance: instance.in_flight)
        for instance in by_load[: len(self._in_service) - wanted]:
            self._in_service.remove(instance)
            self._spawn(self._drain(instance), self._leavers)

    async def _add(self) -> None:
        try:
            await asyncio.sleep(self._retry_delay)
            instance = await self._launch()
        except InstanceError as error:
            self._retry_delay = min(max(self._retry_delay * 2, _FIRST_RETRY), _LAST_RETRY)
            self._reports.event(f"An instance could not be started. {error}")
        else:
            self._retry_delay = 0.0
            self._enlist(instance)
        finally:
            self._starting -= 1
            self._attention.set()

    async def _drain(self, instance: Instance) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.drain_timeout):
                await instance.idle.wait()
        await self._terminate(instance, grace=self.settings.stop_grace)

    async def _terminate(self, instance: Instance, *, grace: float) -> None:
        await asyncio.to_thread(instance.terminate, grace)

    def _spawn(self, work: Coroutine[None, None, None], group: set[asyncio.Task[None]]) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            group.discard(task)
            if not task.cancelled() and task.exception() is not None:
                _LOG.error("a fleet's task failed", exc_info=task.exception())

        task = asyncio.ensure_future(work)
        group.add(task)
        task.add_done_callback(ended)
