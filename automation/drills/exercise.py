"""What a drill gets: the deployment, callers, a timeline, and the promise to restore things."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx2
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from automation.checks.context import Context
from automation.checks.probe import Probe
from automation.checks.results import Outcome
from automation.checks.verdicts import Failed, Undecided, expect
from automation.controls import Controls
from automation.drills import slicing
from automation.drills.callers import sent_once
from automation.drills.records import (
    Record,
    all_answered,
    all_called,
    all_refused,
    failed,
    figures,
    turns,
)
from automation.drills.results import DrillResult, Event, Phase
from automation.drills.results import Traffic as TrafficSeen
from automation.drills.traffic import Ask, Traffic
from neo4j_mcp_client import Neo4jMcpError

Watch = Callable[[float, str], None]

_LONGEST_RECOVERY: Final = 90.0
_FIRST_CALLS: Final = 60.0
# Beyond what a drill waits for, as long as its callers have ended too few calls to judge by.
_LONGEST_WAIT: Final = 1800.0

Condition = Callable[[Sequence[Record]], bool]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How drills are run.

    Attributes:
        callers: how many callers call at once.
        token_lifetime: seconds that a token lives in the drill that waits for its end.
    """

    callers: int = 4
    token_lifetime: int = 300


@dataclass(kw_only=True)
class Exercise:
    """One drill at work.

    Attributes:
        probe: looks at the deployment, and keeps what was seen as evidence.
        http: an HTTP client whose exchanges are too many to be kept.
        controls: commands for what no API offers.
        options: how drills are run.
        watch: is told every event as it happens, with the seconds since the drill began.
    """

    probe: Probe
    http: httpx2.Client = field(repr=False)
    controls: Controls
    options: Options
    watch: Watch = field(default=lambda _seconds, _event: None)
    _began: float = field(default_factory=time.monotonic)
    _events: list[tuple[float, str]] = field(default_factory=list)
    _phases: list[Phase] = field(default_factory=list)
    _traffic: list[TrafficSeen] = field(default_factory=list)
    _undo: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    @property
    def context(self) -> Context:
        """The deployment."""
        return self.probe.context

    @property
    def caller(self) -> str:
        """The client in whose name calls are made."""
        return next(iter(self.context.clients))

    def clock(self) -> float:
        """Give the seconds since the drill began."""
        return time.monotonic() - self._began

    def mark(self, event: str) -> float:
        """Put an event on the timeline.

        Args:
            event: what happens now.

        Returns:
            When, in seconds since the drill began.
        """
        now = self.clock()
        self._events.append((now, event))
        self.watch(now, event)
        return now

    def afterwards(self, what: str, undo: Callable[[], object]) -> None:
        """Have something restored at the drill's end, however it ends.

        To be called before the change is made, so that no interruption comes between.

        Args:
            what: what is restored.
            undo: restores it, and does no harm where nothing has changed.
        """
        self._undo.append((what, undo))

    def restore(self) -> list[str]:
        """Restore everything, the last change first.

        Returns:
            What couldn't be restored, and why.
        """
        problems = []
        while self._undo:
            what, undo = self._undo.pop()
            self.mark(f"restore: {what}")
            try:
                undo()
            except Exception as error:  # the others are restored all the same  # noqa: BLE001
                problem = f"{what} could not be restored: {error}"
                self.mark(problem)
                problems.append(problem)
        return problems

    @contextmanager
    def phase(self, what: str) -> Iterator[None]:
        """Show on the timeline that something is being done, or is away.

        Args:
            what: what it is, in a few words.

        Yields:
            Nothing; the phase ends with the block.
        """
        began = self.clock()
        try:
            yield
        finally:
            phase = Phase(what=what, began=round(began, 3), ended=round(self.clock(), 3))
            self._phases.append(phase)

    @contextmanager
    def traffic(self, ask: Ask, who: str = "callers") -> Iterator[Traffic]:
        """Have callers call while something is done; what they met becomes evidence.

        Args:
            ask: one call.
            who: how the callers are named in the evidence.

        Yields:
            The traffic, once every caller has been answered.

        Raises:
            Failed: calls fail, though nothing has been done yet.
            Undecided: too few calls have ended to say so.
        """
        traffic = Traffic(ask, callers=self.options.callers, clock=self.clock)
        try:
            with traffic:
                since = self.mark(f"{traffic.callers} {who} begin")
                self.expect_answered(traffic, since, within=_FIRST_CALLS)
                yield traffic
        finally:
            self._events += [(at, f"{who}: {what}") for at, what in turns(traffic.records)]
            self._traffic.append(slicing.traffic(who, traffic.callers, traffic.records))
            self.probe.note(f"Figures of the {who}", figures(traffic.records))

    def call(self, token: Callable[[], str] | None = None) -> Ask:
        """Make a call that is sent once.

        Args:
            token: gives the access token; the caller's where None.

        Returns:
            The call, for `traffic`.
        """
        context = self.context
        name = self.caller
        return sent_once(
            self.http, context.outputs["mcpUrl"], token or (lambda: context.token(name))
        )

    def expect_answered(
        self, traffic: Traffic, since: float, *, within: float, in_a_row: int = 3
    ) -> None:
        """Wait until every caller is answered, several times in a row.

        Args:
            traffic: the callers.
            since: seconds since the drill began; calls that began before don't count.
            within: seconds to wait, and longer where a caller has ended fewer calls than it needs.
            in_a_row: how many calls of each.

        Raises:
            Failed: they aren't, though every caller has made as many calls.
            Undecided: a caller hasn't even ended as many calls.
        """
        callers = traffic.callers

        def enough(records: Sequence[Record]) -> bool:
            return all_called(records, callers=callers, since=since, times=in_a_row)

        answered = self._wait(
            traffic,
            lambda records: all_answered(records, callers=callers, since=since, in_a_row=in_a_row),
            enough=enough,
            within=within,
            wanted=f"{in_a_row} calls",
        )
        expect(answered, f"not every caller is answered within {within:g} s: {_met(traffic)}")

    def expect_refused(
        self, traffic: Traffic, since: float, *, within: float, calls: int = 20
    ) -> None:
        """Wait until every caller has seen a failure.

        Args:
            traffic: the callers.
            since: seconds since the drill began; calls that ended before don't count.
            within: seconds to wait, and longer where a caller has ended few calls.
            calls: how many calls of each show that none fails.

        Raises:
            Failed: a caller hasn't, though every caller has made as many calls.
            Undecided: a caller hasn't even ended as many calls.
        """
        callers = traffic.callers

        def enough(records: Sequence[Record]) -> bool:
            return all_called(records, callers=callers, since=since, times=calls)

        refused = self._wait(
            traffic,
            lambda records: all_refused(records, callers=callers, since=since),
            enough=enough,
            within=within,
            wanted=f"{calls} calls",
        )
        expect(refused, f"not every caller sees a failure within {within:g} s")

    def _wait(
        self,
        traffic: Traffic,
        condition: Condition,
        *,
        enough: Condition,
        within: float,
        wanted: str,
    ) -> bool:
        """Wait for a condition; what didn't come counts only where there were calls enough."""
        if traffic.wait_until(condition, within):
            return True
        traffic.wait_until(lambda records: condition(records) or enough(records), _LONGEST_WAIT)
        records = traffic.records
        if condition(records):
            return True
        if not enough(records):
            raise Undecided(
                f"in {within + _LONGEST_WAIT:g} s not every caller has ended {wanted}, which is too"
                " few to judge by"
            )
        return False

    def expect_well(self, when: str) -> None:
        """Wait until the deployment answers a call.

        Args:
            when: the point in the drill, for the message.

        Raises:
            Failed: it doesn't, for a minute and a half.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(Neo4jMcpError),
            stop=stop_after_delay(_LONGEST_RECOVERY),
            wait=wait_fixed(1),
            reraise=True,
        )
        try:
            attempts(self.call())
        except Neo4jMcpError as error:
            raise Failed(f"{when} the deployment doesn't answer: {error}") from error

    def finish(self, outcome: Outcome, reason: str, *, drill_id: str, sentence: str) -> DrillResult:
        """Sum the drill up.

        Args:
            outcome: how it ended.
            reason: why, where it isn't passed.
            drill_id: its id.
            sentence: what it proves.

        Returns:
            Its result, with the timeline as evidence.
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
        )


def _beginning(traffic: TrafficSeen) -> float:
    return traffic.slices[0].began if traffic.slices else 0.0


def _met(traffic: Traffic) -> str:
    lost = failed(traffic.records)
    return f"{lost[-1].failure}: {lost[-1].said}" if lost else "calls go on without an answer"
