"""The page and the table of a report on load."""

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from automation.load.comparison import rounds_of
from automation.load.plan import Plan, concurrent, steady
from automation.load.printing import describe, format_seconds, print_load_report, unclear_parts
from automation.load.results import LoadReport, Run, summarize
from automation.report.attribution_bar import attribution_bar
from automation.report.files import load, page_path, save
from automation.report.load_plots import kind_classes, load_plots
from automation.report.page import page
from tests.automation.load.reports import MARKUP, compared_report, load_report

_SVG = "{http://www.w3.org/2000/svg}"


def _drawing(run: Run) -> ET.Element:
    text = str(load_plots(run, 1)).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return ET.fromstring(text)  # noqa: S314 - the drawing is our own


def _lines(run: Run) -> int:
    paths = _drawing(run).iter(f"{_SVG}path")
    return sum((each.get("class") or "").startswith("line") for each in paths)


def test_a_report_can_be_loaded_and_its_page_created_again(tmp_path: Path) -> None:
    save(load_report(), tmp_path)
    assert {path.name for path in (tmp_path / "made-up").iterdir()} == {
        "report.json",
        "report.html",
    }
    loaded = load("made-up", tmp_path)
    assert loaded == load_report()
    written = page_path("made-up", tmp_path).read_text(encoding="utf-8")
    assert page(loaded) == written


def test_the_page_loads_nothing_from_elsewhere_and_escapes_texts() -> None:
    text = page(load_report())
    assert MARKUP not in text
    assert not re.search(r"(?:src|href)\s*=|url\(|@import", text)


def test_every_kind_of_failure_is_drawn_and_named() -> None:
    (run,) = load_report().runs
    classes = kind_classes(run)
    assert set(classes) == set(run.total.failures) == {"HTTP 429", "timeout", MARKUP}
    drawn = {each.get("class") for each in _drawing(run).iter(f"{_SVG}rect")}
    assert set(classes.values()) <= drawn


def test_the_bars_add_up_to_the_calls() -> None:
    (run,) = load_report().runs
    run = run.model_copy(update={"instances": ()})
    titles = [each.text or "" for each in _drawing(run).iter(f"{_SVG}title")]
    counted = sum(int(found[1]) for text in titles if (found := re.match(r"(\d+) ", text)))
    assert counted == run.total.failed > 0


def test_a_gap_without_successful_calls_interrupts_the_lines() -> None:
    plan = concurrent(1, warm_up=0, seconds=3)
    (run,) = load_report().runs
    slices = tuple(
        each.model_copy(update={"latency": None}) if number == 10 else each
        for number, each in enumerate(run.slices)
    )
    runs = (
        run,
        run.model_copy(update={"slices": slices}),
        summarize("host", plan, [], blank=str),
    )
    assert [_lines(each) for each in runs] == [3, 6, 0]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0004, "0.4 ms"), (0.0523, "52.3 ms"), (0.9999, "1 s"), (1.0, "1 s"), (61.26, "61.3 s")],
)
def test_durations_have_three_digits(seconds: float, expected: str) -> None:
    assert format_seconds(seconds) == expected


def test_the_terminal_shows_totals_kinds_phases_and_failures() -> None:
    stream = io.StringIO()
    print_load_report(load_report(), Console(file=stream, width=80))
    text = stream.getvalue()
    for words in ("10, 60, 10 calls per second", "all", "write", "before", "spike", "warm-up"):
        assert words in text
    assert "as reader" in text
    assert "as writer" in text
    assert "40 HTTP 429: " in text
    assert "40 timeout: " in text


def test_the_page_has_the_results_of_each_client() -> None:
    (run,) = load_report().runs
    assert {each.name for each in run.clients} == {"reader", "writer"}
    client = '<th scope="row">as reader</th>'
    assert client in page(load_report())
    alone = run.model_copy(update={"clients": ()})
    assert client not in page(load_report().model_copy(update={"runs": (alone,)}))


def test_random_times_are_part_of_the_heading() -> None:
    (run,) = load_report().runs
    assert describe(run) == "10, 60, 10 calls per second"
    at_random = summarize("host", replace(steady(2, warm_up=0, seconds=3), seed=1), [], blank=str)
    assert describe(at_random) == "2 calls per second at random times"


def test_only_calls_at_a_rate_can_be_sent_late() -> None:
    found = load_report()
    callers = found.model_copy(
        update={"runs": tuple(run.model_copy(update={"callers": 8}) for run in found.runs)}
    )
    for each, expected in ((found, True), (callers, False)):
        stream = io.StringIO()
        print_load_report(each, Console(file=stream, width=160))
        assert ("This machine sent" in stream.getvalue()) is expected
        assert ("This machine sent" in page(each)) is expected


def test_several_targets_are_shown_with_how_they_compare_and_what_was_skipped() -> None:
    report = compared_report()
    stream = io.StringIO()
    print_load_report(report, Console(file=stream, width=100))
    for text in (stream.getvalue(), page(report)):
        assert "host : bolt" in text
        assert "1.5 (1.5-1.5)" in text
        assert "skipped" in text
        for words in ("gateway of the database (emulated)", "17.5 ms"):
            assert words in text
        assert "without the load balancer and the gateway of the database" in " ".join(text.split())
    assert page(LoadReport.model_validate_json(report.model_dump_json())) == page(report)


def test_every_target_has_its_own_plots() -> None:
    text = page(compared_report())
    assert MARKUP not in text
    assert text.count('<svg class="timeline"') == 6
    assert 'id="load-1-title"' in text
    assert 'id="load-2-title"' in text


def test_the_bars_have_the_widths_of_the_parts_and_leave_out_what_is_emulated() -> None:
    attribution = compared_report().attribution
    assert attribution is not None
    text = str(attribution_bar(attribution)).replace(
        "<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1
    )
    drawn = ET.fromstring(text).iter(f"{_SVG}rect")  # noqa: S314 - the drawing is our own
    found = [(each.get("class"), float(each.get("width") or 0)) for each in drawn]
    names = [f"part-{number}{' emulated' * (number in {0, 2})}" for number in range(4)]
    assert [name for name, _ in found] == [*names, "part-1", "part-3"]
    widths = [width for _, width in found[:4]]
    total = sum(hop.median for hop in attribution.hops)
    for hop, width in zip(attribution.hops, widths, strict=True):
        assert width / sum(widths) == pytest.approx(hop.median / total, abs=0.005)


def test_a_part_that_was_measured_as_less_than_none_has_no_width() -> None:
    attribution = compared_report().attribution
    assert attribution is not None
    first, *others = attribution.hops
    negative = first.model_copy(update={"median": -0.001})
    changed = attribution.model_copy(update={"hops": (negative, *others)})
    assert "class='part-0 emulated' x='74.0' y='32.0' width='0.0'" in str(attribution_bar(changed))


def test_a_part_that_could_be_nothing_is_named() -> None:
    report = compared_report()
    assert report.attribution is not None
    assert unclear_parts(report.attribution) == ""
    first, *others = report.attribution.hops
    unclear = report.attribution.model_copy(
        update={"hops": (first.model_copy(update={"low": -0.001}), *others)}
    )
    report = report.model_copy(update={"attribution": unclear})
    stream = io.StringIO()
    print_load_report(report, Console(file=stream, width=200))
    for text in (stream.getvalue(), page(report)):
        assert "as the interval includes 0: the load balancer. More --rounds" in text


def test_what_could_not_be_left_out_has_no_row_and_no_bar() -> None:
    report = compared_report()
    assert report.attribution is not None
    without = report.attribution.model_copy(update={"deployed": None})
    report = report.model_copy(update={"attribution": without})
    stream = io.StringIO()
    print_load_report(report, Console(file=stream, width=200))
    for text in (stream.getvalue(), page(report)):
        assert "what callers measure" in text
        assert "without the load balancer" not in text


def test_targets_that_only_explain_a_difference_have_no_ratios() -> None:
    report = compared_report()
    explaining = tuple(each for each in report.ratios if each.to == "statements")
    report = report.model_copy(update={"ratios": explaining})
    stream = io.StringIO()
    print_load_report(report, Console(file=stream, width=200))
    assert "Ratios" not in stream.getvalue()
    assert "Each ratio is" not in page(report)


def test_a_rate_is_named_once_for_all_rounds() -> None:
    whole = Plan(
        phases=tuple(
            each for plan in rounds_of(steady(2, warm_up=1, seconds=6), 3) for each in plan.phases
        )
    )
    assert describe(summarize("host", whole, [], blank=str)) == "2 calls per second"


def test_one_caller_is_not_several() -> None:
    for callers, words in ((1, "1 caller"), (2, "2 concurrent callers")):
        run = summarize("host", concurrent(callers, warm_up=0, seconds=1), [], blank=str)
        assert describe(run) == words


def test_the_instances_are_drawn_where_they_are_known() -> None:
    (run,) = load_report().runs
    drawn = [each for each in _drawing(run).iter(f"{_SVG}rect") if each.get("class") == "instances"]
    heights = [float(each.get("height") or 0) for each in drawn]
    assert heights[1] == pytest.approx(3 * heights[0], abs=0.2)
    # The first is known for 20 s, and the second until the end, which is within a minute.
    widths = [float(each.get("width") or 0) for each in drawn]
    assert widths[0] > widths[1] > widths[0] / 2
    without = run.model_copy(update={"instances": ()})
    assert "instances'" not in str(load_plots(without, 1))
    tall, low = (_drawing(each).get("viewBox", "").split()[3] for each in (run, without))
    assert float(tall) > float(low)


def test_why_the_instances_are_unknown_is_shown() -> None:
    report = load_report().model_copy(update={"skipped": {"instances": "AccessDenied"}})
    stream = io.StringIO()
    print_load_report(report, Console(file=stream, width=100))
    for text in (stream.getvalue(), page(report)):
        assert "instances: skipped: AccessDenied" in text
        assert "Targets compared" not in text
