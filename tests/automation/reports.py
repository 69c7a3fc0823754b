"""A small report with everything that one can hold."""

import datetime as dt

from automation.checks.results import Exchange, Outcome, Report, Result

_MARKUP = '<script>document.title = "broken"</script> & "quotes"'


def report() -> Report:
    return Report(
        stack="made-up",
        started=dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC),
        seconds=2.0,
        parties={"MCP server (neo4j/mcp)": "1.6.1"},
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
    evidence = (Exchange(asked="asked", answered=answered, seconds=0.2),) if answered else ()
    return Result(
        id=name,
        sentence=f"What {name} proves",
        outcome=outcome,
        reason=reason,
        seconds=1.25,
        evidence=evidence,
    )
