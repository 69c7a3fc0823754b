"""The deployment as a diagram, each part with how its checks ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from markupsafe import Markup

from automation.checks.results import Outcome, Report

_WIDTH, _HEIGHT = 210, 74
_CHARACTERS = 30
"""As many as fit in a box."""


@dataclass(frozen=True, kw_only=True)
class _Box:
    title: str
    lines: tuple[str, ...]
    phase: str
    x: int
    y: int


def diagram(report: Report) -> Markup:
    """Draw the deployment.

    Args:
        report: the report.

    Returns:
        The drawing, an SVG element.
    """
    boxes = _boxes(report)
    parts = [_box(box, _state(report, box.phase)) for box in boxes]
    return Markup(  # noqa: S704  every text in it is escaped below
        '<svg class="diagram" viewBox="0 0 770 330" role="img" aria-label="The deployment">'
        "<defs><marker id='tip' viewBox='0 0 10 10' refX='9' refY='5' markerWidth='7'"
        " markerHeight='7' orient='auto'><path d='M 0 0 L 10 5 L 0 10 z'/></marker></defs>"
        + "".join(_ways())
        + "".join(parts)
        + "</svg>"
    )


def _boxes(report: Report) -> tuple[_Box, ...]:
    outputs = report.outputs
    clients = outputs.get("clients", {})
    digest = str(outputs.get("imageDigest", "")).removeprefix("sha256:")
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
            title="MCP server",
            lines=(_host(outputs.get("mcpUrl")), f"image {digest[:12]}"),
            phase="P3",
            x=280,
            y=240,
        ),
        _Box(title="Repository", lines=(f"sha256:{digest[:12]}…",), phase="P1", x=280, y=30),
        _Box(
            title="Neo4j",
            lines=("single sign-on", f"roles {', '.join(roles)}"),
            phase="P4",
            x=550,
            y=240,
        ),
    )


def _ways() -> Iterable[str]:
    yield _way("M 115 240 V 104", "secret → token", 122, 176)
    yield _way("M 220 277 H 280", "token", 232, 270)
    yield _way("M 490 277 H 550", "token", 502, 270)
    yield _way("M 385 104 V 240", "image", 392, 176)
    yield _way("M 655 240 V 14 H 115 V 30", "keys that sign tokens", 510, 10)


def _way(path: str, text: str, x: int, y: int) -> str:
    return (
        f"<path class='way' d='{path}' marker-end='url(#tip)'/>"
        f"<text class='way-text' x='{x}' y='{y}'>{escape(text)}</text>"
    )


def _box(box: _Box, state: str) -> str:
    lines = "".join(
        f"<text x='{box.x + 12}' y='{box.y + 40 + 17 * number}'>{escape(_fitting(line))}</text>"
        for number, line in enumerate(box.lines)
    )
    return (
        f"<g class='box {state}' data-phase='{box.phase}'>"
        f"<rect x='{box.x}' y='{box.y}' width='{_WIDTH}' height='{_HEIGHT}' rx='8'/>"
        f"<title>{escape(box.title)}: {escape(', '.join(box.lines))}</title>"
        f"<text class='title' x='{box.x + 12}' y='{box.y + 21}'>{escape(box.title)}</text>"
        f"{lines}</g>"
    )


def _state(report: Report, phase: str) -> str:
    outcomes = {result.outcome for result in report.results if result.phase == phase}
    for outcome in (Outcome.FAILED, Outcome.UNDECIDED, Outcome.PASSED, Outcome.SKIPPED):
        if outcome in outcomes:
            return outcome.value
    return "unchecked"


def _fitting(text: str) -> str:
    """Leave out the middle of a text that is too long; its two ends tell most."""
    if len(text) <= _CHARACTERS:
        return text
    half = (_CHARACTERS - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def _host(url: object) -> str:
    return urlsplit(str(url or "")).netloc
