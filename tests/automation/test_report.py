"""The formats of reports; the page is tested in a real browser."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from automation.checks.results import Exchange, Outcome, Report, Result
from automation.hosting.hosts import HOSTS
from automation.load.results import LoadReport
from automation.report.files import ReportError, load, page_path, save
from automation.report.junit import junit
from automation.report.page import page
from automation.report.terminal import print_drill_report, print_report
from automation.report.timeline import describe, timeline
from automation.terminal import console
from components.settings import Hosting
from localcloud.debian import install_packages
from localcloud.errors import LocalCloudError
from localcloud.progress import Progress
from tests.automation.browser import Browser, chromium
from tests.automation.load.reports import compared_report, load_report
from tests.automation.reports import chaos_report, drill_report, report

_FAILED = "P2-claims"


def test_junit_counts_results_and_has_the_reason_of_a_failure() -> None:
    root = ET.fromstring(junit(report()))  # noqa: S314  written by this program
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("4", "1", "1")
    assert [suite.get("name") for suite in root] == ["P1 Image and repository", "P2 Identity"]
    (failure,) = root.iter("failure")
    assert str(failure.get("message")).startswith("aud is <script>")
    (case,) = [each for each in root.iter("testcase") if each.find("failure") is not None]
    assert case.get("classname") == _FAILED


def test_characters_that_xml_or_utf_8_cannot_encode_are_replaced(tmp_path: Path) -> None:
    odd = "half a character \ud800, no character \uffff, a bell \x07, a page \x0c"
    failed = Result(
        id="P2-odd",
        sentence="It is odd",
        outcome=Outcome.FAILED,
        reason=odd,
        seconds=1.0,
        evidence=(Exchange(request=odd, response=odd),),
    )
    whole = report().model_dump() | {"results": (failed,), "outputs": {"odd": [odd]}}
    save(Report.model_validate(whole), tmp_path)
    root = ET.fromstring((tmp_path / "made-up" / "junit.xml").read_text("utf-8"))  # noqa: S314
    (failure,) = root.iter("failure")
    expected = "half a character ?, no character \ufffd, a bell \ufffd, a page \ufffd"
    assert failure.get("message") == expected
    loaded = load("made-up", tmp_path)
    assert isinstance(loaded, Report)
    assert loaded.outputs == {"odd": [odd.replace("\ud800", "?")]}


def test_a_saved_report_can_be_loaded(tmp_path: Path) -> None:
    save(report(), tmp_path)
    assert load("made-up", tmp_path) == report()
    assert page_path("made-up", tmp_path).exists()
    assert {path.name for path in (tmp_path / "made-up").iterdir()} == {
        "report.json", "report.html", "junit.xml",
    }  # fmt: skip


def test_the_error_for_a_missing_or_damaged_report_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="automation check --stack nowhere"):
        load("nowhere", tmp_path)
    (tmp_path / "odd").mkdir()
    for damaged in (b"{}", b"{", b"", b"\xff\x00"):
        (tmp_path / "odd" / "report.json").write_bytes(damaged)
        with pytest.raises(ReportError, match="automation check --stack odd"):
            load("odd", tmp_path)


def test_the_table_has_every_check_and_the_reason_of_a_failure() -> None:
    written = StringIO()
    print_report(report(), Console(file=written, width=120))
    for result in report().results:
        assert result.id in written.getvalue()
    assert "aud is <script>" in written.getvalue()
    assert "2 passed, 1 failed, 0 undecided, 1 skipped" in written.getvalue()


def test_a_report_without_a_passed_check_is_not_passed() -> None:
    skipped = [result for result in report().results if result.outcome is Outcome.SKIPPED]
    nothing = report().model_copy(update={"results": tuple(skipped)})
    assert not nothing.passed


def test_the_page_loads_nothing_from_elsewhere() -> None:
    text = page(report())
    for mark in ("src=", "href=", "@import", "url(http"):
        assert mark not in text
    assert "<script>document.title" not in text


@pytest.mark.parametrize("hosting", list(Hosting))
def test_the_page_names_the_parts_of_the_host(hosting: Hosting) -> None:
    host = HOSTS[hosting]
    outputs = {**report().outputs, host.artifact_output: "0123456789abcdef"}
    shown = page(report().model_copy(update={"hosting": hosting, "outputs": outputs}))
    kept_in, runs_in = host.parts
    assert f">MCP server: {runs_in}</text>" in shown
    assert f">{kept_in}</text>" in shown
    assert f"{host.artifact} 0123456789ab" in shown


def test_the_drills_page_can_be_created_again_from_the_json(tmp_path: Path) -> None:
    found = drill_report()
    save(found, tmp_path)
    read = load("made-up", tmp_path)
    assert read == found
    assert page(read) == page_path("made-up", tmp_path).read_text(encoding="utf-8")


def test_the_drills_page_has_no_deployment_and_escapes_texts() -> None:
    text = page(drill_report())
    assert "<h1>Drills on the stack made-up</h1>" in text
    assert "<script>document.title" not in text
    for mark in ("src=", "@import", "url(http", "The deployment"):
        assert mark not in text


def test_a_timeline_is_described_in_words() -> None:
    result = drill_report().results[0]
    said = describe(result, result.traffic[0])
    assert "4 callers made 284 calls; failed: 16 NetworkError, 76 HTTP 503." in said
    assert "The first failed at 20.9 s." in said
    assert "the database is away: 20.0 to 62.0 s." in said
    assert "none failed" in describe(result, result.traffic[1])


@pytest.mark.parametrize("rate", [4.0, 400.0])
def test_a_timeline_has_a_bounded_size_and_axes_with_units(rate: float) -> None:
    result = drill_report(callers=8, rate=rate).results[0]
    drawn = str(timeline(result, result.traffic[0]))
    root = ET.fromstring(drawn)  # noqa: S314  written by this program
    assert len(drawn) < 60_000
    texts = ["".join(each.itertext()) for each in root.iter("text")]
    for unit in ("calls per second", "duration of a call", "seconds since the start"):
        assert unit in texts
    assert any(text.startswith("first failure") for text in texts)
    assert any(text.startswith("recovered") for text in texts)
    assert "1 the database is away" in texts
    assert root.get("role") == "img"


def test_junit_counts_an_undecided_drill_as_an_error() -> None:
    root = ET.fromstring(junit(drill_report()))  # noqa: S314  written by this program
    assert (root.get("tests"), root.get("errors"), root.get("skipped")) == ("3", "1", "1")
    (error,) = root.iter("error")
    assert str(error.get("message")).startswith("too few calls")


def test_the_terminal_shows_the_calls_of_drills_over_time() -> None:
    written = StringIO()
    print_drill_report(drill_report(), console(file=written, width=140))
    text = written.getvalue()
    assert "Drills on the stack made-up" in text
    assert "1 passed, 0 failed, 1 undecided, 1 skipped" in text
    (line,) = [line for line in text.splitlines() if "284" in line]
    assert "92" in line
    assert re.search("▪{5,}✗{10,}▪{5,}", line)
    assert "too few calls to judge by" in text


def test_the_terminal_shows_writes_compared_with_the_database() -> None:
    written = StringIO()
    print_drill_report(chaos_report(), console(file=written, width=140))
    (line,) = [line for line in written.getvalue().splitlines() if "192" in line]
    assert [each.strip() for each in line.strip("│").split("│")[1:]] == [
        "192", "0", "4", "3", "11", "2.5 s"
    ]  # fmt: skip


def test_the_page_shows_writes_compared_with_the_database() -> None:
    text = page(chaos_report())
    assert "<h2>Writes, compared with the database</h2>" in text
    assert '<td class="number">11</td>' in text
    assert "16 NetworkError, 76 HTTP 503" in text
    assert "Writes, compared" not in page(drill_report())


def test_faults_are_not_called_drills() -> None:
    written = StringIO()
    print_drill_report(chaos_report(), console(file=written, width=140))
    for text in (page(chaos_report()), written.getvalue()):
        assert "Faults while callers write to the stack made-up" in text
        assert "Drill" not in text


def test_a_report_with_an_undecided_drill_is_not_passed() -> None:
    assert not drill_report().passed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the Chromium on PATH, or install Debian's if the tests run as root."""
    if shutil.which("chromium") is None:
        try:
            install_packages(Progress(), ["chromium"], purpose="Chromium, which shows the page")
        except LocalCloudError as error:
            pytest.skip(str(error))
    with chromium("chromium") as started:
        yield started


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Browser:
    save(report(), tmp_path)
    browser.errors.clear()
    browser.open(page_path("made-up", tmp_path).as_uri())
    return browser


def _visible_checks(browser: Browser) -> set[str]:
    script = (
        "[...document.querySelectorAll('details')].filter(e => e.checkVisibility()).map(e => e.id)"
    )
    return set(browser.evaluate(script))


@pytest.mark.program
def test_the_page_renders_without_an_error(opened: Browser) -> None:
    assert opened.evaluate("document.title") == "Stack made-up: 2 passed, 1 failed"
    assert _visible_checks(opened) == {result.id for result in report().results}
    picture = opened.evaluate(
        "(() => { const b = document.querySelector('svg.diagram').getBoundingClientRect();"
        " return [b.width, b.height]; })()"
    )
    assert min(picture) > 200
    assert opened.evaluate("document.querySelector('.box[data-phase=P2]').classList[1]") == "failed"
    assert len(opened.screenshot()) > 10_000
    assert opened.errors == []


@pytest.mark.program
@pytest.mark.parametrize(
    ("make", "plots", "bars"),
    [(load_report, 1, 0), (compared_report, 5, 6)],
    ids=["one", "several"],
)
def test_the_page_on_load_renders_without_an_error(
    browser: Browser, tmp_path: Path, make: Callable[[], LoadReport], plots: int, bars: int
) -> None:
    save(make(), tmp_path)
    browser.errors.clear()
    browser.open(page_path("made-up", tmp_path).as_uri())
    assert browser.evaluate("document.title") == "Load on the stack made-up"
    drawn = (
        "[...document.querySelectorAll('SELECTOR')].filter(e => {"
        " const b = e.getBoundingClientRect(); return b.width > 0 && b.height > 0; }).length"
    )
    assert browser.evaluate(drawn.replace("SELECTOR", "svg.timeline")) == plots + (bars > 0)
    assert browser.evaluate(drawn.replace("SELECTOR", "svg [class^=part-]")) == bars + 4 * (
        bars > 0
    )
    # No part of the page is wider than the window.
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.errors == []


@pytest.mark.program
def test_a_failed_check_is_open_and_its_evidence_is_escaped(opened: Browser) -> None:
    opens = "[...document.querySelectorAll('details[open]')].map(e => e.id)"
    assert opened.evaluate(opens) == [_FAILED]
    shown = opened.evaluate(f"document.getElementById('{_FAILED}').innerText")
    assert '<script>document.title = "broken"</script>' in shown


@pytest.mark.program
def test_the_page_can_be_filtered_by_phase_and_outcome(opened: Browser) -> None:
    opened.click("input[name=phase][value=P1]")
    assert _visible_checks(opened) == {"P2-claims", "P2-keys"}
    opened.click("input[name=outcome][value=passed]")
    assert _visible_checks(opened) == {"P2-claims"}
    opened.click("input[name=phase][value=P1]")
    assert _visible_checks(opened) == {"P1-findings", "P2-claims"}
    opened.click("input[name=outcome][value=passed]")
    assert _visible_checks(opened) == {result.id for result in report().results}


@pytest.mark.program
def test_all_checks_are_open_when_the_page_is_printed(opened: Browser) -> None:
    printed = opened.pdf()
    assert printed.startswith(b"%PDF-")
    opened.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert opened.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    opened.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert opened.evaluate("document.querySelectorAll('details[open]').length") == 1


# Returns all pairs of overlapping texts in a drawing.
_OVERLAPS = """
[...document.querySelectorAll('svg.timeline')].flatMap(svg => {
  const texts = [...svg.querySelectorAll('text')];
  const meet = (p, q) =>
    p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom;
  return texts.flatMap((a, i) => texts.slice(i + 1)
    .filter(b => meet(a.getBoundingClientRect(), b.getBoundingClientRect()))
    .map(b => `${a.textContent} / ${b.textContent}`));
})
"""


@pytest.mark.program
@pytest.mark.parametrize("rate", [4.0, 400.0])
def test_texts_in_timelines_do_not_overlap(browser: Browser, tmp_path: Path, rate: float) -> None:
    save(drill_report(callers=8, rate=rate), tmp_path)
    browser.errors.clear()
    browser.open(page_path("made-up", tmp_path).as_uri())
    assert browser.evaluate("document.title") == (
        "Drills on the stack made-up: 1 passed, 0 failed, 1 undecided"
    )
    assert browser.evaluate("document.querySelectorAll('svg.timeline').length") == 2
    assert browser.evaluate(_OVERLAPS) == []
    # The page is never wider than the window; wide drawings scroll within it.
    assert browser.evaluate(
        "document.body.style.width = '340px', document.documentElement.scrollWidth"
        " <= document.documentElement.clientWidth"
    )
    assert browser.errors == []


def test_a_blanked_report_has_no_secrets() -> None:
    blanked = report().blanked(lambda text: text.replace("aud", "•••"))
    assert isinstance(blanked, Report)
    assert "aud" not in json.dumps(blanked.model_dump(mode="json"))
