"""What a drill works with: the deployment, callers, a timeline, and clean-up at the end."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from automation.checks.context import Context
from automation.checks.probe import Probe
from automation.checks.results import Outcome
from automation.checks.verdicts import Failed, Undecided, expect
from automation.controls import Controls
from automation.drills import slicing
from automation.drills.callers import single_attempt
from automation.drills.records import (
    Record,
    all_called,
    all_failed,
    all_succeed,
    failed,
    figures,
    transitions,
)
from automation.drills.results import DrillResult, Event, Phase, Writes
from automation.drills.results import Traffic as TrafficSeen
from automation.drills.traffic import PAUSE_SECONDS, Call, Traffic
from neo4j_mcp_client import Neo4jMcpError

OnEvent = Callable[[float, str], None]
"""Called with each event, and with the seconds since the drill began before it."""

Condition = Callable[[Sequence[Record]], bool]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long drills wait, in seconds, before they fail.

    Attributes:
        healthy: for one successful call before and after a drill.
        first_calls: for every caller's first successful calls.
        too_few_calls: on top of another limit, while callers have ended too few calls to judge by.
        replacement: for a new container, or calls after a deployment.
        outage: for calls to fail once the database is stopped.
        recovery: for calls to succeed again.
        late_refusal: for calls to fail after the token has expired. A connection that has accepted
            the token may serve some more calls.
    """

    healthy: float = 90.0
    first_calls: float = 60.0
    too_few_calls: float = 1800.0
    replacement: float = 300.0
    outage: float = 150.0
    recovery: float = 300.0
    late_refusal: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """How drills are run.

    Attributes:
        callers: how many callers call at once.
        token_lifetime: seconds that a token lives in the drill that waits for its end.
        limits: how long drills wait.
    """

    callers: int = 4
    token_lifetime: int = 300
    limits: Limits = Limits()


@dataclass(kw_only=True)
class Exercise:
    """One running drill.

    Attributes:
        probe: reads the deployment, and keeps what it reads as evidence.
        http: an HTTP client whose exchanges are too many to keep.
        controls: commands for what no API offers.
        on_event: called with each event as it happens.
    """

    probe: Probe
    http: httpx2.Client = field(repr=False)
    controls: Controls
    options: Options
    on_event: OnEvent = field(default=lambda _seconds, _event: None)
    _began: float = field(default_factory=time.monotonic)
    _events: list[tuple[float, str]] = field(default_factory=list)
    _phases: list[Phase] = field(default_factory=list)
    _traffic: list[TrafficSeen] = field(default_factory=list)
    _writes: list[Writes] = field(default_factory=list)
    _undo: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    @property
    def context(self) -> Context:
        """The deployment."""
        return self.probe.context

    @property
    def caller(self) -> str:
        """The name of the client that makes the calls."""
        return self.context.first_client

    def clock(self) -> float:
        """Return the seconds since the drill began."""
        return time.monotonic() - self._began

    def mark(self, event: str) -> float:
        """Add an event to the timeline, and return its time in seconds since the drill began."""
        now = self.clock()
        self._events.append((now, event))
        self.on_event(now, event)
        return now

    def restore_at_end(self, what: str, undo: Callable[[], object]) -> None:
        """Restore something when the drill ends, however it ends.

        Call it before making the change, so that an interruption can't come between.

        Args:
            undo: restores it, and does no harm if nothing has changed.
        """
        self._undo.append((what, undo))

    def restore(self) -> list[str]:
        """Restore everything, the last change first, and return what failed."""
        problems = []
        while self._undo:
            what, undo = self._undo.pop()
            self.mark(f"restore: {what}")
            try:
                undo()
            except Exception as error:  # the others still have to be restored  # noqa: BLE001
                problem = f"{what} could not be restored: {error}"
                self.mark(problem)
                problems.append(problem)
        return problems

    @contextmanager
    def phase(self, what: str) -> Iterator[None]:
        """Show on the timeline that something is being done, or is unavailable."""
        began = self.clock()
        try:
            yield
        finally:
            phase = Phase(what=what, began=round(began, 3), ended=round(self.clock(), 3))
            self._phases.append(phase)

    @contextmanager
    def traffic(
        self, call: Call, who: str = "callers", *, pause: float = PAUSE_SECONDS
    ) -> Iterator[Traffic]:
        """Have callers make calls during the block, and keep the results as evidence.

        The block starts once calls of every caller have succeeded.

        Args:
            who: the callers' name in the evidence.
            pause: between two calls of a caller, in seconds.

        Raises:
            Failed: calls fail although nothing has been done yet.
            Undecided: too few calls have ended to judge by.
        """
        traffic = Traffic(call, callers=self.options.callers, clock=self.clock, pause=pause)
        try:
            with traffic:
                since = self.mark(f"{traffic.callers} {who} begin")
                self.expect_success(traffic, since, within=self.options.limits.first_calls)
                yield traffic
        finally:
            self._events += [(at, f"{who}: {what}") for at, what in transitions(traffic.records)]
            self._traffic.append(slicing.traffic(who, traffic.callers, traffic.records))
            self.probe.note(f"Figures of the {who}", figures(traffic.records))

    def add_writes(self, writes: Writes) -> None:
        """Add what a group of callers wrote to the result."""
        self._writes.append(writes)

    def call(self, token: Callable[[], str] | None = None) -> Call:
        """Make a call that is sent once, for `traffic`.

        Args:
            token: returns the access token; the caller's if None.
        """
        context = self.context
        name = self.caller
        return single_attempt(
            self.http, context.outputs["mcpUrl"], token or (lambda: context.token(name))
        )

    def expect_success(
        self, traffic: Traffic, since: float, *, within: float, in_a_row: int = 3
    ) -> None:
        """Wait until calls of every caller have succeeded several times in a row.

        Args:
            since: seconds since the drill began; calls that began before don't count.
            within: seconds to wait, and longer if a caller has ended fewer than `in_a_row` calls.

        Raises:
            Failed: they haven't, although every caller has ended enough calls.
            Undecided: a caller has ended too few calls.
        """
        callers = traffic.callers

        def enough(records: Sequence[Record]) -> bool:
            return all_called(records, callers=callers, since=since, times=in_a_row)

        succeeded = self._wait(
            traffic,
            lambda records: all_succeed(records, callers=callers, since=since, in_a_row=in_a_row),
            enough=enough,
            within=within,
            wanted=f"{in_a_row} calls",
        )
        expect(
            succeeded,
            f"not every caller's calls succeed within {within:g} s: {_last_failure(traffic)}",
        )

    def expect_failure(
        self, traffic: Traffic, since: float, *, within: float, calls: int = 20
    ) -> None:
        """Wait until a call of every caller has failed.

        Args:
            since: seconds since the drill began; calls that ended before don't count.
            within: seconds to wait, and longer if a caller has ended few calls.
            calls: how many successful calls of a caller prove that none fails.

        Raises:
            Failed: none has, although every caller has ended enough calls.
            Undecided: a caller has ended too few calls.
        """
        callers = traffic.callers

        def enough(records: Sequence[Record]) -> bool:
            return all_called(records, callers=callers, since=since, times=calls)

        failing = self._wait(
            traffic,
            lambda records: all_failed(records, callers=callers, since=since),
            enough=enough,
            within=within,
            wanted=f"{calls} calls",
        )
        expect(failing, f"not every caller's calls fail within {within:g} s")

    def _wait(
        self,
        traffic: Traffic,
        condition: Condition,
        *,
        enough: Condition,
        within: float,
        wanted: str,
    ) -> bool:
        """Wait for a condition, and return whether it is met; it isn't only after enough calls."""
        if traffic.wait_until(condition, within):
            return True
        longer = self.options.limits.too_few_calls
        traffic.wait_until(lambda records: condition(records) or enough(records), longer)
        records = traffic.records
        if condition(records):
            return True
        if not enough(records):
            raise Undecided(
                f"not every caller has ended {wanted} in {within + longer:g} s, which is too few"
                " to judge by"
            )
        return False

    def expect_healthy(self, when: str) -> None:
        """Wait until one call succeeds.

        Args:
            when: "before the drill" or "after the drill", for the message.

        Raises:
            Failed: every call fails.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(Neo4jMcpError),
            stop=stop_after_delay(self.options.limits.healthy),
            wait=wait_fixed(1),
            reraise=True,
        )
        try:
            attempts(self.call())
        except Neo4jMcpError as error:
            raise Failed(f"calls fail {when}: {error}") from error

    def finish(self, outcome: Outcome, reason: str, *, drill_id: str, sentence: str) -> DrillResult:
        """Make the drill's result, with the timeline as evidence.

        Args:
            reason: why the drill hasn't passed.
        """
        events = sorted(self._events)
        lines = [f"{at:7.1f} s  {event}" for at, event in events]
        self.probe.note("Timeline", "\n".join(lines))
        return DrillResult(
            id=drill_id,
            sentence=sentence,
            outcome=outcome,
            reason=reason,
            seconds=round(self.clock(), 1),
            evidence=tuple(self.probe.evidence),
            events=tuple(Event(at=round(at, 3), what=what) for at, what in events),
            phases=tuple(sorted(self._phases, key=lambda phase: phase.began)),
            traffic=tuple(
                sorted(self._traffic, key=lambda seen: [each.began for each in seen.slices])
            ),
            writes=tuple(self._writes),
        )


def _last_failure(traffic: Traffic) -> str:
    lost = failed(traffic.records)
    return f"{lost[-1].failure}: {lost[-1].message}" if lost else "no call has failed"
