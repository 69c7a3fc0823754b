"""Draws a run of load over time: throughput, latency and failures.

The drawing depends only on the run's result, so the page can be created again from the JSON.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final

from markupsafe import Markup

from automation.load.printing import describe, format_seconds
from automation.load.results import Latency, PlannedPhase, Run, Slice
from automation.report.axes import (
    CHARACTER_WIDTH,
    LEFT,
    RIGHT,
    Scale,
    axis_title,
    format_power,
    grid_line,
    round_up,
    time_axis,
)

_WIDTH: Final = 900
_PHASES: Final = 16.0
_RATE: Final = (32.0, 152.0)
_LATENCY: Final = (182.0, 312.0)
_FAILURES: Final = (342.0, 422.0)
"""The tops and bottoms of the three plots."""
_INSTANCES: Final = (452.0, 502.0)
"""The same for a plot that is only drawn if there is something to show."""
_BELOW: Final = 44.0
_COLORED_KINDS: Final = 4
"""How many kinds of failures have their own color; all others share the last one."""
_MINIMUM_SECONDS: Final = 0.0001
_MINUTE: Final = 60.0
PERCENTILES: Final[dict[str, Callable[[Latency], float]]] = {
    "p50": lambda latency: latency.p50,
    "p95": lambda latency: latency.p95,
    "p99": lambda latency: latency.p99,
}
"""The percentiles that are drawn, each with how to read it."""


def load_plots(run: Run, number: int) -> Markup:
    """Draw a run as an SVG element.

    Args:
        run: the run.
        number: distinguishes it from others on the page.
    """
    time = Scale(0.0, _end(run), LEFT, RIGHT)
    bottom = _INSTANCES[1] if run.instances else _FAILURES[1]
    name = f"load-{number}"
    opening = (
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {bottom + _BELOW}" role="img"'
        f' aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">Throughput, latency and failures over time</title>'
        f'<desc id="{name}-text">{escape(_description(run))}</desc>'
    )
    parts = [
        opening,
        *_phases(run.plan, time, bottom),
        *_throughput(run, time),
        *_latency(run, time),
        *_failures(run, time),
        *_instances(run, time),
        *time_axis(time, bottom, "seconds since the start"),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704  all texts are escaped


def kind_classes(run: Run) -> dict[str, str]:
    """Return the CSS class of each kind of failure, the most frequent first."""
    total: dict[str, int] = {}
    for each in run.slices:
        for kind, count in each.failures.items():
            total[kind] = total.get(kind, 0) + count
    ordered = sorted(total, key=lambda kind: (-total[kind], kind))
    return {
        kind: f"failure-{min(number, _COLORED_KINDS - 1)}" for number, kind in enumerate(ordered)
    }


def _description(run: Run) -> str:
    sentences = [
        f"{describe(run)}: {run.total.calls} calls were measured, {run.total.failed} failed."
    ]
    if run.total.latency is not None:
        sentences.append(
            f"Half of the successful ones took up to {format_seconds(run.total.latency.p50)}, and"
            f" 99 % up to {format_seconds(run.total.latency.p99)}."
        )
    return " ".join(sentences)


def _end(run: Run) -> float:
    return max(
        run.plan[-1].began + run.plan[-1].seconds, *(s.began + run.width for s in run.slices)
    )


def _phases(phases: Sequence[PlannedPhase], time: Scale, bottom: float) -> Iterator[str]:
    top = _RATE[0]
    for number, phase in enumerate(phases):
        left, right = time(phase.began), time(phase.began + phase.seconds)
        yield (
            f"<rect class='phase{' even' if number % 2 else ''}' x='{left}' y='{top}'"
            f" width='{right - left:.1f}' height='{bottom - top}'>"
            f"<title>{escape(phase.name)}</title></rect>"
        )
        if len(phase.name) * CHARACTER_WIDTH < right - left:
            yield f"<text class='phase-name' x='{left}' y='{_PHASES}'>{escape(phase.name)}</text>"


def _throughput(run: Run, time: Scale) -> Iterator[str]:
    top, bottom = _RATE
    highest = max((max(each.due, each.completed) for each in run.slices), default=0) / run.width
    planned = max(max(each.start, each.end) for each in run.plan)
    limit = round_up(max(highest, planned))
    rate = Scale(0.0, limit, bottom, top)
    yield axis_title("calls per second", top, bottom)
    for value in (0.0, limit / 2, limit):
        yield grid_line(rate(value), f"{value:g}")
    for each in run.slices:
        left, right = time(each.began), time(each.began + run.width)
        upper = rate(each.completed / run.width)
        if each.completed:
            yield (
                f"<rect class='answered' x='{left}' y='{upper}' height='{bottom - upper:.1f}'"
                f" width='{max(right - left - 0.6, 0.6):.1f}'/>"
            )
    if run.callers is None:
        points = [
            f"{time(at)} {rate(value)}"
            for each in run.plan
            for at, value in (
                (each.began, each.start),
                (each.began + each.seconds, each.end),
            )
        ]
        yield f"<path class='planned' d='M {' L '.join(points)}'/>"


def _latency(run: Run, time: Scale) -> Iterator[str]:
    top, bottom = _LATENCY
    seen = [
        max(read(each.latency), _MINIMUM_SECONDS)
        for each in run.slices
        if each.latency
        for read in PERCENTILES.values()
    ]
    low = math.floor(math.log10(min(seen, default=0.01)))
    high = max(math.ceil(math.log10(max(seen, default=1.0))), low + 1)
    powers = Scale(low, high, bottom - 6, top + 6)
    yield axis_title("latency", top, bottom)
    for power in range(low, high + 1):
        yield grid_line(powers(power), format_power(power))
    for name, read in PERCENTILES.items():
        for part in _without_gaps(run.slices):
            points = [
                f"{time(each.began + run.width / 2)}"
                f" {powers(math.log10(max(read(latency), _MINIMUM_SECONDS)))}"
                for each, latency in part
            ]
            # A line of length 0 with round caps is a dot.
            line = " L ".join(points) if len(points) > 1 else f"{points[0]} h 0"
            yield f"<path class='line {name}' d='M {line}'/>"


def _without_gaps(slices: Sequence[Slice]) -> Iterator[list[tuple[Slice, Latency]]]:
    part: list[tuple[Slice, Latency]] = []
    for each in slices:
        if each.latency is not None:
            part.append((each, each.latency))
        elif part:
            yield part
            part = []
    if part:
        yield part


def _failures(run: Run, time: Scale) -> Iterator[str]:
    top, bottom = _FAILURES
    highest = max((sum(each.failures.values()) for each in run.slices), default=0)
    limit = round_up(highest / run.width)
    rate = Scale(0.0, limit, bottom, top)
    yield axis_title("failed per second", top, bottom)
    for value in (0.0, limit):
        yield grid_line(rate(value), f"{value:g}")
    classes = kind_classes(run)
    for each in run.slices:
        left, right = time(each.began), time(each.began + run.width)
        stacked = 0
        for kind, css in classes.items():
            count = each.failures.get(kind, 0)
            if count:
                lower, upper = rate(stacked / run.width), rate((stacked + count) / run.width)
                stacked += count
                yield (
                    f"<rect class='{css}' x='{left}' y='{upper}' height='{lower - upper:.1f}'"
                    f" width='{max(right - left - 0.6, 0.6):.1f}'>"
                    f"<title>{count} {escape(kind)}</title></rect>"
                )


def _instances(run: Run, time: Scale) -> Iterator[str]:
    if not run.instances:
        return
    top, bottom = _INSTANCES
    limit = round_up(max(each.count for each in run.instances))
    number = Scale(0.0, limit, bottom, top)
    yield axis_title("instances", top, bottom)
    for value in (0.0, limit):
        yield grid_line(number(value), f"{value:g}")
    ends = [*(each.began for each in run.instances[1:]), _end(run)]
    for each, ends_at in zip(run.instances, ends, strict=True):
        # A minute without a value isn't known.
        left, right = time(each.began), time(min(ends_at, each.began + _MINUTE))
        upper = number(each.count)
        yield (
            f"<rect class='instances' x='{left}' y='{upper}' height='{bottom - upper:.1f}'"
            f" width='{right - left:.1f}'><title>{each.count} instances</title></rect>"
        )
