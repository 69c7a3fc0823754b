"""Made-up reports on load."""

import datetime as dt
import threading
from collections.abc import Iterator

from automation.load.attribution import GATEWAY, attribute
from automation.load.comparison import Side, compare, ratios, rounds_of
from automation.load.outcomes import Failure, Outcome
from automation.load.plan import Plan, concurrent, spike
from automation.load.results import InstanceCount, LoadReport, summarize

MARKUP = '<script>document.title = "broken"</script> & "quotes"'


def compared_report() -> LoadReport:
    """Make a report on four targets and one that was skipped."""
    plans = rounds_of(concurrent(2, warm_up=3, seconds=24), 6)

    def side(name: str, slower: float) -> Side:
        def make(plan: Plan, _run_id: str) -> Iterator[Outcome]:
            for number in range(round(plan.seconds * 20)):
                due, seconds = number / 20, (0.04 + number % 7 / 100) * slower
                yield Outcome(entry="read", due=due, ended=due + seconds, late=0.0, failure=None)

        return Side(name=name, make=make)

    runs = compare(
        [
            side(name, slower)
            for name, slower in (
                ("host", 1.5),
                ("bolt", 1.0),
                ("container", 1.25),
                ("statements", 0.75),
                ("database", 0.5),
            )
        ],
        plans,
        run_id="run",
        stopping=threading.Event(),
        blank=str,
        notify=str,
    )
    return load_report().model_copy(
        update={
            "runs": runs,
            "ratios": ratios(runs),
            "attribution": attribute(
                runs, front="the load balancer", emulated={"the load balancer", GATEWAY}
            ),
            "skipped": {"peer": MARKUP},
        }
    )


def _outcomes(plan: Plan) -> Iterator[Outcome]:
    for number, due in enumerate(plan.due()):
        phase = plan.phase_at(due)
        busy = phase is not None and phase.name == "spike"
        failure = None
        if busy and number % 5 == 0:
            failure = Failure(kind=("HTTP 429", "timeout", MARKUP)[number % 3], message=MARKUP)
        seconds = 0.05 + (number % 7) / 100 + busy * (number % 11) / 10
        entry = "write" if number % 10 == 0 else "read"
        yield Outcome(
            entry=entry,
            due=due,
            ended=due + seconds,
            late=0.001,
            failure=failure,
            client="writer" if number % 2 else "reader",
        )


def load_report() -> LoadReport:
    """Make a report on a spike."""
    plan = spike(10, 60, warm_up=5, seconds=30)
    return LoadReport(
        stack="made-up",
        started=dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC),
        seconds=36.0,
        client="reader, writer",
        mix={"read": 9, "write": 1},
        environment={"MCP endpoint": "https://service.example/mcp"},
        runs=(
            summarize("host", plan, list(_outcomes(plan)), blank=str).model_copy(
                update={
                    "instances": (
                        InstanceCount(began=0.0, count=1),
                        InstanceCount(began=20.0, count=3),
                    )
                }
            ),
        ),
    )
