import json
from pathlib import Path
from typing import Any

import pytest

from automation.load.results import LoadReport, Ratio
from demo.calls_bench import compared_with_peer, of_the_client, require_a_processor
from demo.figures import BenchError, Figure, Figures, figures_table, read_figures
from tests.automation.load.reports import compared_report
from tests.components.parsing import parse

RESULTS: dict[str, Any] = {
    "ratio": 1.01,
    "calls": 10_000,
    "token_requests": 3,
    "bridge_ratio": 1.4,
    "bridge_requests": 1.0,
}


def report_on(ratio: float | None) -> LoadReport:
    """Make a report in which the server makes this many times the peer's calls per second."""
    found = [
        Ratio(of="host", to="container", metric="rate", median=9, low=9, high=9, rounds=6),
        Ratio(of="host", to="peer", metric="p50", median=9, low=9, high=9, rounds=6),
    ]
    if ratio is not None:
        found.append(
            Ratio(of="host", to="peer", metric="rate", median=ratio, low=1.5, high=3, rounds=6)
        )
    return compared_report().model_copy(
        update={"ratios": tuple(found), "skipped": {"peer": "it didn't start"}}
    )


@pytest.mark.parametrize(
    ("connections", "ratio", "met"),
    [(8, 2.0, True), (8, 1.99, False), (32, 2.5, True), (32, 2.49, False)],
)
def test_more_connections_require_more_of_the_peers_calls(
    connections: int, ratio: float, met: bool
) -> None:
    figure = compared_with_peer(report_on(ratio), connections)

    assert (figure.value, figure.low, figure.high) == (ratio, 1.5, 3)
    assert figure.met is met


def test_an_instance_with_less_than_the_peers_processor_is_refused_with_the_commands() -> None:
    settings: dict[str, Any] = {
        "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
        "clients": {"agent": {"scopes": ["reader"]}},
    }

    with pytest.raises(BenchError, match=r"neo4j-mcp:cpu 1024\n.*neo4j-mcp:memory 2048\n"):
        require_a_processor(parse({**settings, "cpu": 256, "memory": 512}))
    with pytest.raises(BenchError, match="HOST=apprunner"):
        require_a_processor(parse({**settings, "hosting": "lambda"}))
    require_a_processor(parse({**settings, "cpu": 1024, "memory": 2048}))


def test_without_the_peer_there_is_no_figure_but_the_reason() -> None:
    with pytest.raises(BenchError, match="it didn't start"):
        compared_with_peer(report_on(None), 8)


def test_good_figures_of_the_client_are_met() -> None:
    assert [figure.met for figure in of_the_client(RESULTS)] == [True] * 4


@pytest.mark.parametrize(
    ("name", "value"),
    [("ratio", 1.06), ("token_requests", 4), ("bridge_requests", 1.02), ("bridge_requests", 0.98)],
)
def test_each_figure_of_the_client_that_is_required_can_be_missed(name: str, value: float) -> None:
    figures = list(of_the_client({**RESULTS, name: value}))

    assert [figure.met for figure in figures].count(False) == 1


def test_the_table_has_a_line_for_each_figure(tmp_path: Path) -> None:
    figures = Figures(
        date="2026-01-02",
        cores=4,
        figures=(
            Figure(what="One", value=2.345, low=1.2, high=3.4, at_least=2),
            Figure(what="Two", value=1, at_least=1, at_most=1),
            Figure(what="Three", value=1.5),
        ),
    )
    path = tmp_path / "figures.json"
    path.write_text(json.dumps(figures.model_dump(mode="json")), encoding="utf-8")

    assert figures_table(read_figures(path)).splitlines() == [
        "On 4 processors, on 2026-01-02:",
        "",
        "| Ratio or count | Value | 95 % interval | Required |",
        "|---|---|---|---|",
        "| One | 2.35 | 1.20 to 3.40 | at least 2 |",
        "| Two | 1 |  | at least 1 and at most 1 |",
        "| Three | 1.5 |  |  |",
    ]
