"""Parses how far back a command looks."""

import datetime as dt
import re
from typing import Annotated, Final

import typer

from automation.audit.sources import HISTORY

# Longer numbers could overflow.
_PERIOD: Final = re.compile(r"(\d{1,6})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}

Since = Annotated[
    str, typer.Option(help="How far back: a number with m, h or d, such as 90m, 24h or 7d.")
]


def parse_period(text: str) -> dt.timedelta:
    """Parse a number with a unit, at most as long as CloudTrail's event history.

    Raises:
        typer.BadParameter: it isn't one.
    """
    match = _PERIOD.fullmatch(text)
    period = dt.timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else dt.timedelta()
    if not dt.timedelta() < period <= HISTORY:
        raise typer.BadParameter(
            f"must be a number with m, h or d, such as 24h, at most {HISTORY.days}d, not {text}",
            param_hint="--since",
        )
    return period
