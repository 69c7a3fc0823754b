"""docs/parity.md shows how AWS's behavior is known, for each row."""

import datetime as dt

import pytest

from automation.probes.evidence import ProbesByRow, evidence, rows, with_evidence
from automation.probes.recordings import AWS, Recording
from tests.automation.probes.made_up import make_probe

_PROBE = make_probe(lambda _: {"answer": "yes"})
_RECORDED = {
    "example": Recording(
        probe="example",
        question="Is it so?",
        recorded_at=dt.date(2026, 1, 2),
        region="us-east-1",
        source=AWS,
        versions={},
        observation={"answer": "yes"},
    )
}
_UNRECORDED = ProbesByRow.of([_PROBE], {})


@pytest.mark.parametrize(
    ("aws", "shown"),
    [
        ("Refused ([doc])", "documents"),
        ("Refused ([doc](https://example.com))", "documents"),
        ("Refused ([model], [report](https://example.com))", "documents, reports"),
        ("Refused ([doc]); the code [?]", "documents, partly open"),
        ("Refused [?]", "open"),
        ("The next `up` does nothing ([source])", "source"),
        ("Same layers", "this repository"),
    ],
)
def test_the_marks_say_where_it_is_from(aws: str, shown: str) -> None:
    assert evidence(["Another behavior", aws, "The same", "`test`"], _UNRECORDED) == shown


def test_a_probe_is_named() -> None:
    assert evidence(["A behavior", "[doc]", "", ""], _UNRECORDED) == "documents: `example`"


def test_a_recording_has_its_date() -> None:
    known = ProbesByRow.of([_PROBE], _RECORDED)
    shown = evidence(["A behavior", "[?]", "", ""], known)
    assert shown == "recorded on AWS, 2026-01-02: `example`"


def test_the_column_is_added_once() -> None:
    table = "| A | B | C | D |\n|---|---|---|---|\n| A behavior | [doc] | x | `y` |"
    added = with_evidence(table, _UNRECORDED)
    assert added.splitlines()[0] == "| A | B | C | D | Evidence |"
    assert added.splitlines()[2] == "| A behavior | [doc] | x | `y` | documents: `example` |"
    assert with_evidence(added, _UNRECORDED) == added
    assert rows(added) == [["A behavior", "[doc]", "x", "`y`", "documents: `example`"]]
