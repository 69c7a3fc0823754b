"""Generates the tables of docs/performance.md. Pure, apart from reading the measurements."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from automation.load.printing import format_seconds
from automation.size.calibration import STAND_IN, read_calibration
from automation.size.fit import Validation, cross_validate, fit
from automation.size.measurements import Calibration
from automation.size.printing import deviation_cells, size_cells
from automation.size.sizing import Goal, Sizing, size_hosts
from components.settings import Hosting

_RATES: Final = (1.0, 50.0, 500.0)
_P95: Final = 0.25
_HEADINGS: Final = ("Load", "Per s", "p50", "p95", "Predicted per s", "p50", "p95", "Noise")


def measurements_table() -> str:
    """Return the measurements of the stand-in, each with what the others predict."""
    rows = (deviation_cells(each) for each in _validation().deviations)
    return _table(_HEADINGS, rows)


def parameters_table() -> str:
    """Return the parameters that fit the measurements of the stand-in."""
    found = read_calibration(STAND_IN)
    fitted = fit(found.levels)
    return _table(
        ("Of the stand-in cloud", "Value"),
        (
            ("Measured on", f"{found.started:%Y-%m-%d}"),
            ("On", found.machine),
            ("With", str(found.size)),
            ("A call alone", format_seconds(fitted.alone)),
            ("Of that, where calls wait for each other", format_seconds(fitted.service)),
            ("Calls that don't wait there", str(fitted.servers)),
            ("Most calls per second", f"{fitted.capacity:.0f}"),
            (
                "A call at a random time that finds no other takes",
                f"{format_seconds(fitted.waking)} more",
            ),
            (
                "Pauses",
                f"{fitted.paused:.1%} of the time, {format_seconds(fitted.pause)} on average",
            ),
        ),
    )


def validation_table() -> str:
    """Return how well the measurements of the stand-in are predicted, in one line."""
    return str(_validation())


def sizes_table() -> str:
    """Return the sizes for some rates, from the measurements of the stand-in."""
    return _table(
        ("Calls per second", "Host", "Instances", "Size", "p50", "p95", "Busy", "USD a month"),
        _sizes(read_calibration(STAND_IN)),
    )


@cache
def _validation() -> Validation:
    return cross_validate(read_calibration(STAND_IN).levels)


def _sizes(calibration: Calibration) -> Iterator[Sequence[str]]:
    parameters = fit(calibration.levels)
    for rate in _RATES:
        goal = Goal(rate=rate, p95=_P95)
        for each in size_hosts(parameters, calibration.size, goal, Hosting):
            if isinstance(each, Sizing):
                yield f"{rate:g}", *size_cells(each)


def _table(headings: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    return "\n".join(
        [
            f"| {' | '.join(headings)} |",
            f"|{'---|' * len(headings)}",
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
    )
