"""Draws graphs as SVG. Pure."""

import datetime as dt
import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from localcloud.dashboards.body import Graph
from localcloud.dashboards.reading import Points

COLORS: Final = ("#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf", "#7f7f7f")
_TICKS: Final = 4
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 8, 20
_TIME_TICKS: Final = 4
_ROOM: Final = 1.1
_STEPS: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The area of a graph, and the times and values at its edges."""

    width: int
    height: int
    start: float
    end: float
    top: float

    def x(self, time: float) -> float:
        """Return the position of a time."""
        inner = self.width - _LEFT - _RIGHT
        return round(_LEFT + (time - self.start) / (self.end - self.start) * inner, 1)

    def y(self, value: float) -> float:
        """Return the position of a value."""
        inner = self.height - _TOP - _BOTTOM
        return round(self.height - _BOTTOM - value / self.top * inner, 1)


def ticks(most: float) -> list[float]:
    """Return round numbers from zero up to one that is no less than a value."""
    rough = max(most, 1e-9) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough - 1e-12)
    return [step * number for number in range(_TICKS + 1)]


def draw(
    graph: Graph,
    series: Mapping[str, Points],
    *,
    start: float,
    end: float,
    size: tuple[int, int],
) -> str:
    """Return a graph as an SVG element.

    Args:
        graph: the graph.
        series: the points of its lines by their ids.
        start, end: the time range, in seconds since the epoch.
        size: width and height in pixels.
    """
    visible = [line for line in graph.lines if line.visible]
    values = [value for line in visible for _, value in series.get(line.query["Id"], ())]
    highest = max([*values, *(each.value * _ROOM for each in graph.thresholds), 0])
    scale = ticks(highest or 1)
    frame = Frame(width=size[0], height=size[1], start=start, end=end, top=scale[-1])
    parts = [
        *_grid(frame, scale),
        *_thresholds(graph, frame),
        *(
            path
            for number, line in enumerate(visible)
            for path in _line(
                series.get(line.query["Id"], ()),
                frame,
                period=graph.period,
                color=COLORS[number % len(COLORS)],
            )
        ),
    ]
    if not values:
        parts.append(_text("no data", frame.width / 2, frame.height / 2, "middle"))
    return f'<svg viewBox="0 0 {size[0]} {size[1]}" role="img">{"".join(parts)}</svg>'


def _grid(frame: Frame, scale: Sequence[float]) -> Iterator[str]:
    for value in scale:
        y = frame.y(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{frame.width - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield _text(f"{value:g}", _LEFT - 5, y + 3, "end")
    for number in range(_TIME_TICKS + 1):
        time = frame.start + (frame.end - frame.start) * number / _TIME_TICKS
        anchor = {0: "start", _TIME_TICKS: "end"}.get(number, "middle")
        when = dt.datetime.fromtimestamp(time, dt.UTC)
        yield _text(f"{when:%H:%M}", frame.x(time), frame.height - 5, anchor)


def _thresholds(graph: Graph, frame: Frame) -> Iterator[str]:
    for each in graph.thresholds:
        y, color = frame.y(each.value), html.escape(each.color, quote=True)
        yield (
            f'<line class="threshold" stroke="{color}" x1="{_LEFT}" x2="{frame.width - _RIGHT}"'
            f' y1="{y}" y2="{y}"/>'
        )


def _line(points: Points, frame: Frame, *, period: int, color: str) -> Iterator[str]:
    for part in _without_gaps(points, period):
        if len(part) == 1:
            [(time, value)] = part
            yield f'<circle fill="{color}" cx="{frame.x(time)}" cy="{frame.y(value)}" r="2"/>'
        else:
            path = " ".join(f"{frame.x(time)},{frame.y(value)}" for time, value in part)
            yield f'<polyline fill="none" stroke="{color}" points="{path}"/>'


def _without_gaps(points: Points, period: int) -> Iterator[Points]:
    """Split points where there is a period without data."""
    part: list[tuple[float, float]] = []
    for point in points:
        if part and point[0] - part[-1][0] > period:
            yield part
            part = []
        part.append(point)
    if part:
        yield part


def _text(text: str, x: float, y: float, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{html.escape(text)}</text>'
