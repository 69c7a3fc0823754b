"""Axes of the pictures on the reports' pages."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LEFT: Final = 74.0
RIGHT: Final = 888.0
"""Where plots begin and end."""
CHARACTER_WIDTH: Final = 6.6
"""The maximum width of a character of the font, whose size is 12 pixels."""
_TIME_STEPS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800)
_MAX_TICKS: Final = 9


@dataclass(frozen=True)
class Scale:
    """Maps values of an axis to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value; values outside are at the nearer end."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)


def time_axis(time: Scale, bottom: float, title: str) -> Iterator[str]:
    """Draw an axis of seconds."""
    step = next(
        (each for each in _TIME_STEPS if time.high / each < _MAX_TICKS),
        3600 * math.ceil(time.high / 3600 / _MAX_TICKS),
    )
    yield f"<path class='axis' d='M {LEFT} {bottom} H {RIGHT}'/>"
    for number in range(int(time.high / step) + 1):
        x = time(number * step)
        anchor = "end" if x > RIGHT - 2 * CHARACTER_WIDTH else "middle"
        yield f"<path class='axis' d='M {x} {bottom} v 4'/>"
        yield f"<text x='{x}' y='{bottom + 17}' text-anchor='{anchor}'>{number * step:g}</text>"
    middle = (LEFT + RIGHT) / 2
    yield f"<text class='unit' x='{middle}' y='{bottom + 36}' text-anchor='middle'>{title}</text>"


def axis_title(text: str, top: float, bottom: float) -> str:
    """Draw the title of a vertical axis."""
    middle = (top + bottom) / 2
    return (
        f"<text class='unit' transform='translate(14 {middle}) rotate(-90)'"
        f" text-anchor='middle'>{text}</text>"
    )


def grid_line(y: float, label: str) -> str:
    """Draw a horizontal line with its value."""
    return (
        f"<path class='grid' d='M {LEFT} {y} H {RIGHT}'/>"
        f"<text x='{LEFT - 6}' y='{y + 4:.1f}' text-anchor='end'>{label}</text>"
    )


def round_up(value: float) -> float:
    """Round up to 1, 2, 4, 10, 20, 40 and so on, whose halves are round numbers too."""
    power = 10.0 ** math.floor(math.log10(max(value, 1.0)))
    return next((factor * power for factor in (1, 2, 4) if factor * power >= value), 10 * power)


def format_power(power: int) -> str:
    """Format 10 to a power as a duration, from seconds."""
    return f"{10 ** (power + 3):g} ms" if power < 0 else f"{10**power:g} s"
