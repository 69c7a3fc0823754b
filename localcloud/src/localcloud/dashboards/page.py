"""A dashboard's page, with everything in it. Pure."""

import datetime as dt
import html
from collections.abc import Iterator
from typing import Final

from localcloud.dashboards import charts
from localcloud.dashboards.body import AlarmStates, Graph, Place, Text, Widget
from localcloud.dashboards.reading import Reading

_COLUMN: Final = 50
_ROW: Final = 46
_AROUND_GRAPH: Final = 74
"""Pixels for the heading and the legend of a graph."""
_STATES: Final = {"OK": "ok", "ALARM": "alarm", "INSUFFICIENT_DATA": "unknown"}
_STYLE: Final = f"""
body {{ margin: 16px; background: #f2f3f3; color: #16191f; font: 13px/1.4 sans-serif; }}
main {{ display: grid; grid-template-columns: repeat(24, {_COLUMN}px); grid-auto-rows: {_ROW}px; }}
section {{ margin: 3px; padding: 6px 8px; overflow: hidden; background: #fff;
  border: 1px solid #d5dbdb; }}
section.text {{ background: none; border: 0; padding: 0 8px; }}
h1, h2, h3 {{ margin: 0; }} h1 {{ font-size: 18px; }} h2 {{ font-size: 16px; }}
h3 {{ font-size: 13px; line-height: 1.25; }}
p {{ margin: 2px 0; }}
svg {{ display: block; width: 100%; }} svg text {{ font-size: 10px; fill: #545b64; }}
.grid {{ stroke: #eaeded; }} .threshold {{ stroke-dasharray: 4 3; }}
polyline {{ stroke-width: 1.5; }}
ul {{ display: flex; flex-wrap: wrap; gap: 2px 10px; margin: 0; padding: 0; list-style: none; }}
.legend {{ font-size: 11px; }}
.legend b {{ display: inline-block; width: 10px; height: 3px; margin-right: 4px;
  vertical-align: middle; }}
.state {{ padding: 1px 8px; border-radius: 9px; color: #fff; }}
.ok {{ background: #1d8102; }} .alarm {{ background: #d13212; }} .unknown {{ background: #879596; }}
"""


def render(reading: Reading) -> str:
    """Return a dashboard as an HTML document."""
    start, end = (dt.datetime.fromtimestamp(each, dt.UTC) for each in (reading.start, reading.end))
    name = html.escape(reading.name)
    widgets = "\n".join(
        _widget(widget, index, reading) for index, widget in enumerate(reading.body.widgets)
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{name}</title>\n'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{name}</h1>\n"
        f"<p>{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC</p>\n"
        f"<main>\n{widgets}\n</main>\n</body>\n</html>\n"
    )


def _widget(widget: Widget, index: int, reading: Reading) -> str:
    if isinstance(widget, Text):
        return _section(widget.place, "text", "".join(_markdown(widget.markdown)))
    if isinstance(widget, AlarmStates):
        return _section(widget.place, "alarms", _alarms(widget, reading))
    return _section(widget.place, "graph", _graph(widget, index, reading))


def _section(place: Place, kind: str, content: str) -> str:
    columns = f"{place.x + 1} / span {place.width}"
    rows = f"{place.y + 1} / span {place.height}"
    style = f"grid-column: {columns}; grid-row: {rows}"
    return f'<section class="{kind}" style="{style}">{content}</section>'


def _markdown(text: str) -> Iterator[str]:
    """Render the headings and paragraphs of a text; the rest of Markdown is shown as it is."""
    for line in text.splitlines():
        level = len(line) - len(line.lstrip("#"))
        if level:
            heading = min(level, 3)
            yield f"<h{heading}>{html.escape(line[level:].strip())}</h{heading}>"
        elif line.strip():
            yield f"<p>{html.escape(line.strip())}</p>"


def _alarms(widget: AlarmStates, reading: Reading) -> str:
    items = []
    for arn in widget.arns:
        state = reading.states.get(arn)
        kind = _STATES.get(state or "", "unknown")
        name = html.escape(arn.partition(":alarm:")[2])
        shown = html.escape(state or "missing")
        items.append(f'<li><span class="state {kind}" title="{shown}">{name}</span></li>')
    return f"<h3>{html.escape(widget.title)}</h3><ul>{''.join(items)}</ul>"


def _graph(widget: Graph, index: int, reading: Reading) -> str:
    size = (
        widget.place.width * _COLUMN - 24,
        max(60, widget.place.height * _ROW - _AROUND_GRAPH),
    )
    drawn = charts.draw(
        widget, reading.series[index], start=reading.start, end=reading.end, size=size
    )
    visible = [line for line in widget.lines if line.visible]
    items = [
        (charts.COLORS[number % len(charts.COLORS)], line.label)
        for number, line in enumerate(visible)
    ] + [(each.color, each.label) for each in widget.thresholds]
    legend = "".join(
        f'<li><b style="background: {html.escape(color, quote=True)}"></b>{html.escape(label)}</li>'
        for color, label in items
    )
    return f'<h3>{html.escape(widget.title)}</h3>{drawn}<ul class="legend">{legend}</ul>'
