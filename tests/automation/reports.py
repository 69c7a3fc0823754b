"""Made-up reports with a result of every kind."""

import datetime as dt

from automation.chaos.figures import RECOVERY
from automation.checks.results import Exchange, Outcome, Report, Result
from automation.drills.records import Record
from automation.drills.results import DrillReport, DrillResult, Event, Phase, Writes
from automation.drills.slicing import traffic

_MARKUP = '<script>document.title = "broken"</script> & "quotes"'


def report() -> Report:
    return Report(
        stack="made-up",
        started=dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC),
        seconds=2.0,
        environment={"MCP server (neo4j/mcp)": "1.6.1"},
        outputs={
            "mcpUrl": "https://service.example/mcp",
            "tokenUrl": "https://tokens.example/oauth2/token",
            "imageDigest": f"sha256:{'ab' * 32}",
            "clients": {"reader": {"clientId": "1", "scopes": ["neo4j-mcp/reader"]}},
            "scopes": {"neo4j-mcp/reader": "reader"},
        },
        results=(
            _result("P1-scan", Outcome.PASSED, answered="yes"),
            _result("P1-findings", Outcome.SKIPPED, reason="nothing was scanned"),
            _result(
                "P2-claims", Outcome.FAILED, reason=f"aud is {_MARKUP}", answered=f"{_MARKUP}\x00"
            ),
            _result("P2-keys", Outcome.PASSED, answered="keys"),
        ),
    )


def _result(name: str, outcome: Outcome, *, reason: str = "", answered: str = "") -> Result:
    evidence = (Exchange(request="asked", response=answered, seconds=0.2),) if answered else ()
    return Result(
        id=name,
        sentence=f"What {name} proves",
        outcome=outcome,
        reason=reason,
        seconds=1.25,
        evidence=evidence,
    )


def drill_report(*, callers: int = 4, rate: float = 4.0) -> DrillReport:
    """Make a report of three drills: one with an outage, one undecided, one skipped."""
    records = outage_records(callers=callers, rate=rate)
    answered = [each for each in records if not each.failure]
    outage = DrillResult(
        id="drill-database-away",
        sentence="Without the database every call fails and says so",
        outcome=Outcome.PASSED,
        seconds=90.0,
        evidence=(Exchange(request="asked", response=_MARKUP),),
        events=(
            Event(at=0.0, what=f"{callers} callers begin"),
            Event(at=20.0, what=f"the database is away: {_MARKUP}"),
        ),
        phases=(
            Phase(what="the database is away", began=20.0, ended=62.0),
            Phase(what="it is back", began=62.0, ended=70.0),
        ),
        traffic=(
            traffic("callers", callers, records),
            traffic("callers of the library", callers, answered),
        ),
    )
    undecided = DrillResult(
        id="drill-container-killed",
        sentence="A killed container is replaced by itself, and then no call fails",
        outcome=Outcome.UNDECIDED,
        reason=f"too few calls to judge by {_MARKUP}",
        seconds=3.0,
    )
    skipped = undecided.model_copy(
        update={"id": "drill-keys-unreachable", "outcome": Outcome.SKIPPED, "reason": "not here"}
    )
    return DrillReport(
        stack="made-up",
        started=dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC),
        seconds=96.0,
        environment={"MCP server (neo4j/mcp)": "1.6.1"},
        outputs={"mcpUrl": "https://service.example/mcp"},
        results=(outage, undecided, skipped),
    )


def chaos_report() -> DrillReport:
    """Make a report of one fault, with a caller that repeated a CREATE."""
    records = outage_records(callers=4, rate=4.0)
    writes = Writes(
        way="create again",
        calls=284,
        acknowledged=192,
        failures={"NetworkError": 16, "HTTP 503": 76},
        longest=0.04,
        longest_failed=2.5,
        lost=0,
        unacknowledged=4,
        present=3,
        repeated=11,
    )
    result = DrillResult(
        id="drill-instance-killed",
        sentence="All instances are killed: no acknowledged write is lost",
        outcome=Outcome.PASSED,
        seconds=90.0,
        phases=(
            Phase(what="All instances are killed", began=20.0, ended=62.0),
            Phase(what=RECOVERY, began=62.0, ended=69.5),
        ),
        traffic=(traffic(writes.way, 4, records),),
        writes=(writes,),
    )
    return drill_report().model_copy(
        update={
            "unit": "fault",
            "results": (result,),
            "environment": {"Seed": "7"},
        }
    )


def outage_records(*, callers: int, rate: float) -> list[Record]:
    """Return calls at an even rate for 90 s, which fail in two ways from 20 s to 62 s."""
    step = callers / rate
    records = []
    for caller in range(callers):
        began = caller * step / callers
        while began < 90:
            fails = 20 <= began < 62
            took = (0.9 if began < 24 else 2.0) * step if fails else 0.02 + 0.01 * (began % 3)
            kind = ("NetworkError" if began < 24 else "HTTP 503") if fails else ""
            records.append(
                Record(caller=caller, began=began, ended=began + took, failure=kind, message=kind)
            )
            began += max(step, took)
    return sorted(records, key=lambda record: record.ended)
