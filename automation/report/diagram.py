"""Draws the deployment as a diagram, with the outcome of the checks of each part."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from markupsafe import Markup

from automation.checks.results import Outcome, Report
from automation.hosting.hosts import HOSTS

_WIDTH, _HEIGHT = 210, 74
_MAX_CHARACTERS = 30
"""How many characters fit in a line of a box."""


@dataclass(frozen=True, kw_only=True)
class _Box:
    title: str
    lines: tuple[str, ...]
    phase: str
    x: int
    y: int


def diagram(report: Report) -> Markup:
    """Draw the deployment as an SVG element."""
    boxes = [_draw_box(box, _worst_outcome(report, box.phase)) for box in _boxes(report)]
    return Markup(  # noqa: S704  all texts are escaped below
        '<svg class="diagram" viewBox="0 0 770 330" role="img" aria-label="The deployment">'
        "<defs><marker id='tip' viewBox='0 0 10 10' refX='9' refY='5' markerWidth='7'"
        " markerHeight='7' orient='auto'><path d='M 0 0 L 10 5 L 0 10 z'/></marker></defs>"
        + "".join(_arrows(report))
        + "".join(boxes)
        + "</svg>"
    )


def _boxes(report: Report) -> tuple[_Box, ...]:
    outputs = report.outputs
    clients = outputs.get("clients", {})
    host = HOSTS[report.hosting]
    runs = str(outputs.get(host.artifact_output, "")).removeprefix("sha256:")
    kept_in, runs_in = host.parts
    roles = sorted(set(outputs.get("scopes", {}).values()))
    return (
        _Box(title="Callers", lines=(", ".join(clients),), phase="P5", x=10, y=240),
        _Box(
            title="Cognito",
            lines=(_host(outputs.get("tokenUrl")), f"{len(clients)} clients"),
            phase="P2",
            x=10,
            y=30,
        ),
        _Box(
            title=f"MCP server: {runs_in}",
            lines=(_host(outputs.get("mcpUrl")), f"{host.artifact} {runs[:12]}"),
            phase="P3",
            x=280,
            y=240,
        ),
        _Box(title=kept_in, lines=(f"sha256 {runs[:12]}…",), phase="P1", x=280, y=30),
        _Box(
            title="Neo4j",
            lines=("single sign-on", f"roles {', '.join(roles)}"),
            phase="P4",
            x=550,
            y=240,
        ),
    )


def _arrows(report: Report) -> Iterable[str]:
    yield _arrow("M 115 240 V 104", "secret → token", 122, 176)
    yield _arrow("M 220 277 H 280", "token", 232, 270)
    yield _arrow("M 490 277 H 550", "token", 502, 270)
    yield _arrow("M 385 104 V 240", HOSTS[report.hosting].artifact, 392, 176)
    yield _arrow("M 655 240 V 14 H 115 V 30", "public keys", 510, 10)


def _arrow(path: str, text: str, x: int, y: int) -> str:
    return (
        f"<path class='arrow' d='{path}' marker-end='url(#tip)'/>"
        f"<text class='arrow-text' x='{x}' y='{y}'>{escape(text)}</text>"
    )


def _draw_box(box: _Box, outcome: str) -> str:
    lines = "".join(
        f"<text x='{box.x + 12}' y='{box.y + 40 + 17 * number}'>{escape(_shorten(line))}</text>"
        for number, line in enumerate(box.lines)
    )
    return (
        f"<g class='box {outcome}' data-phase='{box.phase}'>"
        f"<rect x='{box.x}' y='{box.y}' width='{_WIDTH}' height='{_HEIGHT}' rx='8'/>"
        f"<title>{escape(box.title)}: {escape(', '.join(box.lines))}</title>"
        f"<text class='title' x='{box.x + 12}' y='{box.y + 21}'>{escape(box.title)}</text>"
        f"{lines}</g>"
    )


def _worst_outcome(report: Report, phase: str) -> str:
    outcomes = {result.outcome for result in report.results if result.phase == phase}
    for outcome in (Outcome.FAILED, Outcome.UNDECIDED, Outcome.PASSED, Outcome.SKIPPED):
        if outcome in outcomes:
            return outcome.value
    return "unchecked"


def _shorten(text: str) -> str:
    """Replace the middle of a text that is too long with an ellipsis."""
    if len(text) <= _MAX_CHARACTERS:
        return text
    half = (_MAX_CHARACTERS - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def _host(url: object) -> str:
    return urlsplit(str(url or "")).netloc
