"""What a drill gets: the deployment, callers, a timeline, and a promise to put things back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx2
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from automation.checks.context import Context
from automation.checks.inspection import Inspection
from automation.checks.verdicts import Failed, expect
from automation.controls import Controls
from automation.drills.callers import sent_once
from automation.drills.records import all_answered, all_refused, failed, figures, turns
from automation.drills.traffic import Ask, Traffic
from neo4j_mcp_client import Neo4jMcpError

Watch = Callable[[float, str], None]

_LONGEST_RECOVERY: Final = 90.0
_FIRST_CALLS: Final = 30.0


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
        inspection: looks at the deployment, and keeps what was seen as evidence.
        http: an HTTP client whose exchanges are too many to be kept.
        controls: commands for what no API offers.
        options: how drills are run.
        watch: is told every event as it happens, with the seconds since the drill began.
    """

    inspection: Inspection
    http: httpx2.Client = field(repr=False)
    controls: Controls
    options: Options
    watch: Watch = field(default=lambda _seconds, _event: None)
    _began: float = field(default_factory=time.monotonic)
    _events: list[tuple[float, str]] = field(default_factory=list)
    _undo: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    @property
    def context(self) -> Context:
        """The deployment."""
        return self.inspection.context

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
        """Have something put back at the drill's end, however it ends.

        Said before the change is made, so that nothing comes between.

        Args:
            what: what is put back.
            undo: puts it back, and does no harm where it stands as it did.
        """
        self._undo.append((what, undo))

    def put_back(self) -> list[str]:
        """Put back everything, the last change first.

        Returns:
            What could not be put back, and why.
        """
        problems = []
        while self._undo:
            what, undo = self._undo.pop()
            self.mark(f"put back: {what}")
            try:
                undo()
            except Exception as error:  # the others are put back all the same  # noqa: BLE001
                problem = f"{what} could not be put back: {error}"
                self.mark(problem)
                problems.append(problem)
        return problems

    @contextmanager
    def traffic(self, ask: Ask, who: str = "callers") -> Iterator[Traffic]:
        """Have callers call while something is done; what they met becomes evidence.

        Args:
            ask: one call.
            who: how the callers are named in the evidence.

        Yields:
            The traffic, once every caller has been answered.

        Raises:
            Failed: they aren't, though nothing has been done yet.
        """
        traffic = Traffic(ask, callers=self.options.callers, clock=self.clock)
        try:
            with traffic:
                since = self.mark(f"{traffic.callers} {who} begin")
                self.expect_answered(traffic, since, within=_FIRST_CALLS)
                yield traffic
        finally:
            self._events += [(at, f"{who}: {what}") for at, what in turns(traffic.records)]
            self.inspection.note(f"Figures of the {who}", figures(traffic.records))

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
            within: seconds to wait.
            in_a_row: how many calls of each.

        Raises:
            Failed: they aren't, in that time.
        """
        callers = traffic.callers
        answered = traffic.wait_until(
            lambda records: all_answered(records, callers=callers, since=since, in_a_row=in_a_row),
            within,
        )
        expect(answered, f"not every caller is answered within {within:g} s: {_met(traffic)}")

    def expect_refused(self, traffic: Traffic, since: float, *, within: float) -> None:
        """Wait until every caller has seen a failure.

        Args:
            traffic: the callers.
            since: seconds since the drill began; calls that ended before don't count.
            within: seconds to wait.

        Raises:
            Failed: a caller hasn't, in that time.
        """
        callers = traffic.callers
        refused = traffic.wait_until(
            lambda records: all_refused(records, callers=callers, since=since), within
        )
        expect(refused, f"not every caller sees a failure within {within:g} s")

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

    def note_timeline(self) -> None:
        """Make the timeline evidence."""
        lines = [f"{at:7.1f} s  {event}" for at, event in sorted(self._events)]
        self.inspection.note("Timeline", "\n".join(lines))


def _met(traffic: Traffic) -> str:
    lost = failed(traffic.records)
    return f"{lost[-1].failure}: {lost[-1].said}" if lost else "calls go on without an answer"
