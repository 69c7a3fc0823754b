"""A made-up report on load, with failures of several kinds."""

import datetime as dt
from collections.abc import Iterator

from automation.load.outcomes import Failure, Outcome
from automation.load.plan import Plan, spike
from automation.load.results import LoadReport, summarize

MARKUP = '<script>document.title = "broken"</script> & "quotes"'


def _outcomes(plan: Plan) -> Iterator[Outcome]:
    for number, due in enumerate(plan.due()):
        phase = plan.phase_at(due)
        busy = phase is not None and phase.name == "spike"
        failure = None
        if busy and number % 5 == 0:
            failure = Failure(kind=("HTTP 429", "timeout", MARKUP)[number % 3], message=MARKUP)
        seconds = 0.05 + (number % 7) / 100 + busy * (number % 11) / 10
        entry = "write" if number % 10 == 0 else "read"
        yield Outcome(entry=entry, due=due, ended=due + seconds, late=0.001, failure=failure)


def load_report() -> LoadReport:
    """Make a report on a spike."""
    plan = spike(10, 60, warm_up=5, seconds=30)
    return LoadReport(
        stack="made-up",
        started=dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC),
        seconds=36.0,
        client="writer",
        mix={"read": 9, "write": 1},
        environment={"MCP endpoint": "https://service.example/mcp"},
        runs=(summarize("host", plan, list(_outcomes(plan)), blank=str),),
    )
