"""Draws the calls of a group of callers during a drill: rate, duration and failures.

The drawing depends only on the drill's result, so the page can be created again from the JSON.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from markupsafe import Markup

from automation.drills.results import DrillResult, Phase, Traffic
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
_MARKERS: Final = (36.0, 52.0)
"""The baselines of the texts above the plots: the phases (above), first failure and recovery."""
_RATE: Final = (64.0, 174.0)
_TIMES: Final = (204.0, 324.0)
"""The tops and bottoms of the two plots."""
_HEIGHT: Final = 368
_COLORED_KINDS: Final = 4
"""How many kinds of failures have their own color; all others share the last one."""
_MINIMUM_SECONDS: Final = 0.001


def timeline(result: DrillResult, traffic: Traffic) -> Markup:
    """Draw the calls of a group of callers as an SVG element.

    All groups of a drill get the same time axis.

    Args:
        result: the drill's result.
        traffic: one of the result's groups.
    """
    time = Scale(0.0, _end(result), LEFT, RIGHT)
    name = f"{result.id}-{result.traffic.index(traffic)}"
    opening = (
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(f"Calls of the {traffic.who} over time")}</title>'
        f'<desc id="{name}-text">{escape(describe(result, traffic))}</desc>'
    )
    parts = [
        opening,
        *_phases(result.phases, time),
        *_rates(traffic, time),
        *_times(traffic, time),
        *time_axis(time, _TIMES[1], "seconds since the start"),
        *_markers(traffic, time),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704  all texts are escaped


def describe(result: DrillResult, traffic: Traffic) -> str:
    """Describe the picture in a few sentences.

    Args:
        result: the drill's result.
        traffic: one of the result's groups.
    """
    failures = ", ".join(f"{count} {kind}" for kind, count in traffic.failures.items())
    lost = f"failed: {failures}" if failures else "none failed"
    sentences = [f"{traffic.callers} {traffic.who} made {traffic.calls} calls; {lost}."]
    if traffic.first_failure is not None:
        sentences.append(f"The first failed at {traffic.first_failure:.1f} s.")
    if traffic.recovery is not None:
        sentences.append(f"Calls recovered at {traffic.recovery:.1f} s.")
    sentences += [f"{each.what}: {each.began:.1f} to {each.ended:.1f} s." for each in result.phases]
    return " ".join(sentences)


def failure_classes(traffic: Traffic) -> list[str]:
    """Return the CSS class of each kind of failure, in the order of `traffic.failures`."""
    return [
        f"failure-{min(number, _COLORED_KINDS - 1)}" for number, _ in enumerate(traffic.failures)
    ]


def _end(result: DrillResult) -> float:
    ends = [each.slices[-1].began + each.width for each in result.traffic if each.slices]
    return max([*ends, *(phase.ended for phase in result.phases), 1.0])


def _phases(phases: Sequence[Phase], time: Scale) -> Iterator[str]:
    free = 0.0
    for number, phase in enumerate(phases, start=1):
        left, right = time(phase.began), time(phase.ended)
        yield (
            f"<rect class='phase{'' if number % 2 else ' even'}' x='{left}' y='{_RATE[0]}'"
            f" width='{max(right - left, 1.0):.1f}' height='{_TIMES[1] - _RATE[0]}'>"
            f"<title>{escape(phase.what)}</title></rect>"
        )
        yield f"<path class='phase-edge' d='M {left} {_PHASES + 5} V {_TIMES[1]}'/>"
        following = time(phases[number].began) if number < len(phases) else RIGHT
        at = max(left, free)
        text = f"{number} {phase.what}"
        if at + len(text) * CHARACTER_WIDTH > following:
            # The legend has the whole text.
            text = str(number)
        at = min(at, RIGHT - len(text) * CHARACTER_WIDTH)
        free = at + (len(text) + 1) * CHARACTER_WIDTH
        yield f"<text class='phase-name' x='{at:.1f}' y='{_PHASES}'>{escape(text)}</text>"


def _rates(traffic: Traffic, time: Scale) -> Iterator[str]:
    top, bottom = _RATE
    highest = max((each.answered + each.failed for each in traffic.slices), default=0)
    limit = round_up(highest / traffic.width)
    rate = Scale(0.0, limit, bottom, top)
    yield axis_title("calls per second", top, bottom)
    for value in (0.0, limit / 2, limit):
        yield grid_line(rate(value), f"{value:g}")
    classes = dict(zip(traffic.failures, failure_classes(traffic), strict=True))
    for each in traffic.slices:
        left, right = time(each.began), time(each.began + traffic.width)
        stacked = 0.0
        for css, count in [
            ("answered", each.answered),
            *((classes[kind], count) for kind, count in each.failures.items()),
        ]:
            if count:
                upper, lower = (
                    rate((stacked + count) / traffic.width),
                    rate(stacked / traffic.width),
                )
                stacked += count
                yield (
                    f"<rect class='{css}' x='{left}' y='{upper}' height='{lower - upper:.1f}'"
                    f" width='{max(right - left - 0.6, 0.6):.1f}'/>"
                )


def _times(traffic: Traffic, time: Scale) -> Iterator[str]:
    top, bottom = _TIMES
    seen = [
        max(value, _MINIMUM_SECONDS)
        for each in traffic.slices
        for value in (each.median, each.longest, each.longest_failed)
        if value is not None
    ]
    low = math.floor(math.log10(min(seen, default=0.01)))
    high = max(math.ceil(math.log10(max(seen, default=1.0))), low + 1)
    powers = Scale(low, high, bottom - 6, top + 6)

    def place(seconds: float) -> float:
        return powers(math.log10(max(seconds, _MINIMUM_SECONDS)))

    yield axis_title("duration of a call", top, bottom)
    for power in range(low, high + 1):
        yield grid_line(powers(power), format_power(power))
    classes = dict(zip(traffic.failures, failure_classes(traffic), strict=True))
    for each in traffic.slices:
        x = time(each.began + traffic.width / 2)
        if each.median is not None and each.longest is not None:
            yield f"<path class='range' d='M {x} {place(each.median)} V {place(each.longest)}'/>"
            yield f"<circle class='answered' cx='{x}' cy='{place(each.median)}' r='2.2'/>"
        if each.longest_failed is not None:
            y = place(each.longest_failed)
            css = classes[max(each.failures, key=lambda kind: each.failures[kind])]
            yield f"<path class='cross {css}' d='M {x - 3:.1f} {y - 3:.1f} l 6 6 m 0 -6 l -6 6'/>"


def _markers(traffic: Traffic, time: Scale) -> Iterator[str]:
    for css, at, what, y in (
        ("first-failure", traffic.first_failure, "first failure", _MARKERS[0]),
        ("recovery", traffic.recovery, "recovered", _MARKERS[1]),
    ):
        if at is None:
            continue
        x = time(at)
        text = f"{what} {at:.1f} s"
        fits = x + 5 + len(text) * CHARACTER_WIDTH <= RIGHT
        yield f"<path class='{css}' d='M {x} {y - 9} V {_TIMES[1]}'/>"
        yield (
            f"<text class='{css}' x='{x + 5 if fits else x - 5:.1f}' y='{y}'"
            f" text-anchor='{'start' if fits else 'end'}'>{text}</text>"
        )
