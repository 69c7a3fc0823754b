"""Draws where the time of a call goes, as two stacked bars: with and without what is emulated."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from markupsafe import Markup

from automation.load.printing import format_seconds
from automation.load.results import Attribution, Hop
from automation.report.axes import LEFT, RIGHT, Scale, round_up, time_axis

_WIDTH: Final = 900
_ROW: Final = 34.0
_BAR: Final = 22.0
_TOP: Final = 26.0
_AXIS: Final = 40.0
_LABEL_GAP: Final = 6.0
_MILLISECONDS: Final = 1000.0


def attribution_bar(attribution: Attribution) -> Markup:
    """Draw an attribution as an SVG element."""
    rows = [(attribution.whole, list(attribution.hops))]
    if attribution.deployed is not None:
        rows.append((attribution.deployed, [hop for hop in attribution.hops if not hop.emulated]))
    longest = max(sum(_length(hop) for hop in hops) for _, hops in rows)
    scale = Scale(0.0, round_up(longest), LEFT, RIGHT)
    bottom = _TOP + len(rows) * 2 * _ROW
    opening = (
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {bottom + _AXIS}" role="img"'
        f' aria-labelledby="parts-title parts-text">'
        '<title id="parts-title">Where the time of a call goes</title>'
        f'<desc id="parts-text">{escape(_description(attribution))}</desc>'
    )
    parts = [opening]
    for number, (whole, hops) in enumerate(rows):
        top = _TOP + number * 2 * _ROW
        label = f"{whole.name}: {format_seconds(whole.median)}"
        parts.append(f"<text class='phase-name' x='{LEFT}' y='{top}'>{escape(label)}</text>")
        parts.extend(_bar(hops, attribution.hops, scale, top + _LABEL_GAP))
    parts.extend(time_axis(scale, bottom, "milliseconds"))
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704  all texts are escaped


def hop_class(attribution: Attribution, hop: Hop) -> str:
    """Return the CSS class of a part's color."""
    return f"part-{attribution.hops.index(hop)}"


def _bar(hops: Sequence[Hop], all_hops: Sequence[Hop], scale: Scale, top: float) -> Iterator[str]:
    passed = 0.0
    for hop in hops:
        left, right = scale(passed), scale(passed + _length(hop))
        passed += _length(hop)
        title = f"{hop.name}: {format_seconds(hop.median)}"
        emulated = " emulated" if hop.emulated else ""
        yield (
            f"<rect class='part-{all_hops.index(hop)}{emulated}' x='{left}' y='{top}'"
            f" width='{max(right - left, 0.0):.1f}' height='{_BAR}'>"
            f"<title>{escape(title)}</title></rect>"
        )


def _length(hop: Hop) -> float:
    """Return milliseconds; a part can't take less than none, though its measurement can."""
    return max(hop.median, 0.0) * _MILLISECONDS


def _description(attribution: Attribution) -> str:
    parts = ", ".join(f"{hop.name} {format_seconds(hop.median)}" for hop in attribution.hops)
    without = (
        f"; {attribution.deployed.name} {format_seconds(attribution.deployed.median)}"
        if attribution.deployed
        else ""
    )
    whole = format_seconds(attribution.whole.median)
    return f"{attribution.whole.name}: {whole}, of which {parts}{without}."
