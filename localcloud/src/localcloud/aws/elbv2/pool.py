"""A target group's targets: which one receives a request, their checks, and their draining.

Source: user guide, "Health checks for Application Load Balancer target groups" and "Edit target
group attributes for your Application Load Balancer".
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from localcloud.aws.elbv2 import health
from localcloud.aws.elbv2.health import CheckResult, Verdict
from localcloud.aws.elbv2.models import HealthCheck, TargetGroup
from localcloud.aws.elbv2.targets import Target, TargetHealth, TargetState

_FIRST_CHECK_INTERVAL: Final = 0.25
"""Seconds between the checks of a new target; its failures count once per interval."""

Check = Callable[[HealthCheck, tuple[str, int]], Coroutine[Any, Any, CheckResult]]


@dataclass(eq=False, kw_only=True)
class Member:
    """A registered target, or one that is being drained.

    Attributes:
        target: the target.
        address: where this machine reaches it.
        verdict: the result of its checks.
        is_draining: whether it has been deregistered.
        requests: the tasks of the requests that it processes.
        idle: set while it processes none.
        drained: set when it has become unused.
        work: checks it, or drains it.
    """

    target: Target
    address: tuple[str, int]
    verdict: Verdict = field(default_factory=Verdict)
    is_draining: bool = False
    requests: set["asyncio.Task[Any]"] = field(default_factory=set)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    drained: asyncio.Event = field(default_factory=asyncio.Event)
    work: "asyncio.Task[None] | None" = None

    def begin(self, task: "asyncio.Task[Any]") -> None:
        """Count a request, processed by a task."""
        self.requests.add(task)
        self.idle.clear()

    def end(self, task: "asyncio.Task[Any]") -> None:
        """Count the end of a request."""
        self.requests.discard(task)
        if not self.requests:
            self.idle.set()


class TargetPool:
    """The targets of one group.

    Attributes:
        group: the group, which can change.
        in_use: whether a listener forwards to it; only then are targets checked.
    """

    def __init__(self, group: TargetGroup, check: Check, *, idle_drain: float) -> None:
        """Start without targets.

        Args:
            group: the group.
            check: checks a target once.
            idle_drain: seconds until a deregistered target without requests is unused; AWS waits
                for the whole deregistration delay.
        """
        self.group = group
        self.in_use = False
        self._check = check
        self._idle_drain = idle_drain
        self._members: dict[Target, Member] = {}
        self._turn = 0

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets, including those that are being drained."""
        return tuple(self._members)

    def count(self, state: TargetState) -> int:
        """Return the number of targets in a state."""
        return sum(self.health(target).state is state for target in self._members)

    def address(self, target: Target) -> tuple[str, int] | None:
        """Return where this machine reaches a target; None if it isn't registered."""
        member = self._members.get(target)
        return None if member is None else member.address

    def health(self, target: Target) -> TargetHealth:
        """Return a target's health."""
        member = self._members.get(target)
        if member is None:
            return health.NOT_REGISTERED
        if member.is_draining:
            return health.DRAINING
        return member.verdict.health if self.in_use else health.NOT_IN_USE

    def choose(self) -> Member | None:
        """Choose the target of the next request; None if there is none.

        Without a healthy target, all unhealthy ones receive requests.
        """
        registered = [member for member in self._members.values() if not member.is_draining]
        for state in (TargetState.HEALTHY, TargetState.UNHEALTHY):
            candidates = [each for each in registered if each.verdict.health.state is state]
            if candidates and (state is TargetState.HEALTHY or len(candidates) == len(registered)):
                break
        else:
            return None
        self._turn += 1
        if self.group.attributes["load_balancing.algorithm.type"] == "round_robin":
            return candidates[self._turn % len(candidates)]
        return min(candidates, key=lambda member: len(member.requests))

    def register(self, target: Target, address: tuple[str, int]) -> None:
        """Add a target, or end its draining."""
        member = self._members.get(target)
        if member is not None and not member.is_draining and member.address == address:
            return
        if member is not None:
            self._forget(member)
        added = Member(target=target, address=address)
        added.idle.set()
        self._members[target] = added
        if self.in_use:
            self._watch(added)

    def deregister(self, target: Target) -> None:
        """Send a target no more requests, and remove it after the deregistration delay."""
        member = self._members.get(target)
        if member is None or member.is_draining:
            return
        member.is_draining = True
        self._run(member, self._drain(member))

    async def drained(self, target: Target) -> None:
        """Wait until a deregistered target is unused."""
        if (member := self._members.get(target)) is not None:
            await member.drained.wait()

    def use(self, *, in_use: bool) -> None:
        """Start to check the targets, or stop it, as the first listener comes or the last goes."""
        if in_use == self.in_use:
            return
        self.in_use = in_use
        for member in self._members.values():
            if not member.is_draining:
                member.verdict = Verdict()
                self._watch(member) if in_use else self._cancel(member)

    def restart_checks(self) -> None:
        """Check by the changed settings from now on; the verdicts so far stay."""
        for member in self._members.values():
            if self.in_use and not member.is_draining:
                self._watch(member)

    async def close(self) -> None:
        """Stop all checks, and forget the targets."""
        works = [member.work for member in self._members.values() if member.work is not None]
        for member in list(self._members.values()):
            self._forget(member)
        await asyncio.gather(*works, return_exceptions=True)

    def _watch(self, member: Member) -> None:
        self._run(member, self._check_regularly(member))

    async def _check_regularly(self, member: Member) -> None:
        """Check a target until this is cancelled.

        A new one is checked often, so that it serves as soon as it can.
        """
        loop = asyncio.get_running_loop()
        settings = self.group.health_check
        next_failure = loop.time() + settings.interval
        while True:
            started = loop.time()
            result = await self._check(settings, member.address)
            is_new = member.verdict.health.state is TargetState.INITIAL
            if result.passed or not is_new or loop.time() >= next_failure:
                member.verdict = member.verdict.after(settings, result)
                next_failure += settings.interval
            is_new = member.verdict.health.state is TargetState.INITIAL
            pause = _FIRST_CHECK_INTERVAL if is_new else settings.interval
            await asyncio.sleep(max(0.0, started + pause - loop.time()))

    async def _drain(self, member: Member) -> None:
        delay = float(self.group.attributes["deregistration_delay.timeout_seconds"])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await asyncio.sleep(min(self._idle_drain, delay))
                await member.idle.wait()
        # A request that takes longer than the delay is answered with 502.
        for task in tuple(member.requests):
            task.cancel()
        if self._members.get(member.target) is member:
            del self._members[member.target]
        member.drained.set()

    def _run(self, member: Member, work: Coroutine[Any, Any, None]) -> None:
        self._cancel(member)
        member.work = asyncio.ensure_future(work)

    def _cancel(self, member: Member) -> None:
        if member.work is not None:
            member.work.cancel()
            member.work = None

    def _forget(self, member: Member) -> None:
        self._cancel(member)
        self._members.pop(member.target, None)
        member.drained.set()


def session_check(session: aiohttp.ClientSession) -> Check:
    """Return the check by a session."""

    async def check(settings: HealthCheck, address: tuple[str, int]) -> CheckResult:
        return await health.check_target(settings, address, session)

    return check
