import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from automation.checks.context import Context
from automation.checks.results import Outcome
from automation.checks.verdicts import Failed, Skipped
from automation.controls import Controls
from automation.drills.exercise import Exercise, Limits, Options
from automation.drills.registry import DRILLS, Drill, drill
from automation.drills.results import DrillResult
from automation.drills.runner import run
from automation.proxy import Proxy, Request, Response
from components.configuration import parse_settings

_ROWS = b"""{"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text",
    "text": "[{\\"one\\": 1}]"}]}}"""


class Server:
    """A server that answers the callers' query, or fails."""

    def __init__(self) -> None:
        self.status = 200
        self.before: Callable[[], object] = lambda: None

    def respond(self, _: Request) -> Response:
        self.before()
        return Response(status=self.status, body=_ROWS)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def context(server: Server) -> Iterator[Context]:
    settings = parse_settings(
        {"neo4jUri": "neo4j+s://db.example", "clients": '{"reader": {"scopes": ["reader"]}}'},
        project="neo4j-mcp",
        stack="local",
    )

    class Tokenless(Context):
        def token(self, name: str, *, fresh: bool = False) -> str:
            return f"{name}'s {'new ' if fresh else ''}token"

    with Proxy(server.respond) as proxy:
        yield Tokenless(
            stack="local",
            settings=settings,
            outputs={"mcpUrl": f"{proxy.url}/mcp", "clients": {"reader": {}}},
            state=dict,
            session=boto3.Session(region_name="us-east-1"),
            database_uri="neo4j+s://db.example",
        )


_SHORT = Limits(healthy=0.0, first_calls=3.0, too_few_calls=30.0)


def run_one(
    context: Context,
    look: Callable[[Exercise], None],
    limits: Limits = _SHORT,
    **options: Any,  # noqa: ANN401 - run's own
) -> DrillResult:
    made = Drill(name="made-up", sentence="It works", touches="nothing", run=look)
    (result,) = run([made], context, Controls(), Options(callers=2, limits=limits), **options)
    return result


def test_a_drill_passes_with_its_timeline_and_figures(context: Context) -> None:
    def look(exercise: Exercise) -> None:
        with exercise.traffic(exercise.call()):
            exercise.mark("something happens")

    events: list[str] = []
    result = run_one(context, look, on_event=lambda _: lambda _at, event: events.append(event))
    assert (result.id, result.outcome, result.reason) == ("drill-made-up", Outcome.PASSED, "")
    assert events == ["2 callers begin", "something happens"]
    evidence = {each.request: each.response for each in result.evidence}
    assert "something happens" in evidence["Timeline"]
    assert '"failed": 0' in evidence["Figures of the callers"]


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (Failed("calls failed"), Outcome.FAILED, "calls failed"),
        (Skipped("no such thing here"), Outcome.SKIPPED, "no such thing here"),
        (ValueError("broken"), Outcome.FAILED, "ValueError: broken"),
    ],
)
def test_changes_are_restored_in_reverse_order_however_a_drill_ends(
    context: Context, error: Exception, outcome: Outcome, reason: str
) -> None:
    undone: list[str] = []

    def look(exercise: Exercise) -> None:
        exercise.restore_at_end("the first", lambda: undone.append("first"))
        exercise.restore_at_end("the second", lambda: undone.append("second"))
        raise error

    result = run_one(context, look)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert undone == ["second", "first"]


def test_a_failed_restoration_fails_the_drill_and_the_rest_is_restored(
    context: Context,
) -> None:
    undone: list[str] = []

    def refuse() -> None:
        raise RuntimeError("no way")

    def look(exercise: Exercise) -> None:
        exercise.restore_at_end("the first", lambda: undone.append("first"))
        exercise.restore_at_end("the second", refuse)

    result = run_one(context, look)
    assert result.outcome is Outcome.FAILED
    assert result.reason == "the second could not be restored: no way"
    assert undone == ["first"]


def test_a_drill_does_not_start_on_a_failing_deployment(context: Context, server: Server) -> None:
    server.status = 503
    result = run_one(context, lambda _: pytest.fail("it began"))
    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith("calls fail before the drill")


def test_a_drill_that_leaves_the_deployment_failing_fails(context: Context, server: Server) -> None:
    def look(_: Exercise) -> None:
        server.status = 503

    result = run_one(context, look)
    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith("calls fail after the drill")


def test_calls_that_keep_failing_fail_the_drill(context: Context, server: Server) -> None:
    def look(exercise: Exercise) -> None:
        with exercise.traffic(exercise.call()) as traffic:
            server.status = 503
            exercise.expect_failure(traffic, exercise.clock(), within=5)
            exercise.expect_success(traffic, exercise.clock(), within=0.3)

    result = run_one(context, look)
    assert "not every caller's calls succeed within 0.3 s: HTTP 503" in result.reason
    figures = next(each for each in result.evidence if each.request.startswith("Figures"))
    assert '"HTTP 503"' in figures.response


def test_too_few_calls_to_judge_by_leave_a_drill_undecided(context: Context) -> None:
    limits = replace(_SHORT, too_few_calls=0.2)
    for wait in (Exercise.expect_success, Exercise.expect_failure):

        def look(exercise: Exercise, wait: Callable[..., None] = wait) -> None:
            release = threading.Event()

            def ask() -> None:
                # As on a machine on which no call gets anywhere any more.
                if exercise.clock() > since:
                    release.wait(60)

            since = 3600.0
            with exercise.traffic(ask) as traffic:
                since = exercise.clock()
                try:
                    wait(exercise, traffic, since, within=0.1)
                finally:
                    release.set()

        result = run_one(context, look, limits)
        assert result.outcome is Outcome.UNDECIDED
        assert "too few to judge by" in result.reason


def test_slow_calls_are_waited_for(context: Context, server: Server) -> None:
    answering = threading.Event()

    def look(exercise: Exercise) -> None:
        with exercise.traffic(exercise.call()) as traffic:
            server.status = 503
            server.before = answering.wait
            since = exercise.clock()
            # No call can have ended within no time at all; what the server then says decides.
            threading.Timer(0.5, answering.set).start()
            exercise.expect_failure(traffic, since, within=0.0)
            server.status = 200

    assert run_one(context, look).outcome is Outcome.PASSED


def test_a_drill_keeps_its_phases_and_its_traffic(context: Context, server: Server) -> None:
    def look(exercise: Exercise) -> None:
        with exercise.traffic(exercise.call(), "callers") as traffic:
            with exercise.phase("the server fails"):
                server.status = 503
                exercise.expect_failure(traffic, exercise.clock(), within=5)
                server.status = 200
            exercise.expect_success(traffic, exercise.clock(), within=5)

    result = run_one(context, look)
    assert result.outcome is Outcome.PASSED, result.reason
    (phase,) = result.phases
    (traffic,) = result.traffic
    assert phase.what == "the server fails"
    assert traffic.first_failure is not None
    assert traffic.recovery is not None
    assert phase.began <= traffic.first_failure < traffic.recovery
    assert set(traffic.failures) == {"HTTP 503"}
    assert next(iter(result.events)).what == "2 callers begin"


def test_calls_that_succeed_fail_a_drill_that_expects_failures(context: Context) -> None:
    def look(exercise: Exercise) -> None:
        with exercise.traffic(exercise.call()) as traffic:
            exercise.expect_failure(traffic, exercise.clock(), within=0.3)

    assert "not every caller's calls fail" in run_one(context, look).reason


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_drill_restores_its_changes(
    context: Context, number: signal.Signals
) -> None:
    undone: list[str] = []

    def undo() -> None:
        # As a terminal that closes sends it, after whatever came before.
        os.kill(os.getpid(), signal.SIGHUP)
        undone.append("all")

    def look(exercise: Exercise) -> None:
        exercise.restore_at_end("it", undo)
        os.kill(os.getpid(), number)
        threading.Event().wait(30)

    with pytest.raises(KeyboardInterrupt, match="restored"):
        run_one(context, look)
    assert undone == ["all"]


def test_an_interruption_during_restoration_ends_the_run_afterwards(
    context: Context,
) -> None:
    ran: list[str] = []

    def first(exercise: Exercise) -> None:
        exercise.restore_at_end("it", lambda: os.kill(os.getpid(), signal.SIGINT))
        ran.append("first")

    drills = [
        Drill(name=name, sentence="", touches="", run=look)
        for name, look in (("one", first), ("two", lambda _: ran.append("second")))
    ]
    with pytest.raises(KeyboardInterrupt, match="what the drill had changed is restored"):
        run(drills, context, Controls(), Options())
    assert ran == ["first"]


def test_two_drills_cannot_have_the_same_name() -> None:
    with pytest.raises(ValueError, match="two drills container-killed"):
        drill("container-killed", touches="nothing")


def test_every_drill_is_registered() -> None:
    assert set(DRILLS) == {
        "container-killed",
        "database-away",
        "keys-unreachable",
        "redeploy-under-traffic",
        "rotation",
        "rotation-interrupted",
        "token-endpoint-throttled",
        "token-expiry",
    }
    for each in DRILLS.values():
        assert each.sentence
        assert each.touches
        assert replace(each, name="other").id == "drill-other"
