"""Prints estimates and comparisons."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from automation.cost.comparison import Candidate
from automation.cost.estimate import Line, Total
from automation.cost.prices import FREE_TIERS, NOT_COUNTED, READ_ON, REGION, Price
from automation.cost.usage import Load
from components.hosting.definitions import DEFINITIONS

_CENT = Decimal("0.01")
_WHOLE_FROM = 10
"""The quantity from which on decimals aren't shown."""


def print_estimate(lines: Sequence[Line], load: Load, region: str, console: Console) -> None:
    """Print an estimate as a table, with its assumptions.

    Args:
        region: the stack's.
    """
    table = Table(
        "What",
        "Assumes",
        Column("In a month", justify="right"),
        "USD",
        Column("Idle", justify="right"),
        Column("Load", justify="right"),
        title="USD a month, without calls and under the load",
        title_justify="left",
    )
    for group, members in groupby(lines, key=lambda line: line.group):
        every = tuple(members)
        for line in every:
            table.add_row(
                line.what,
                line.assumes,
                _quantity(line.loaded),
                str(line.price),
                _usd(line.idle_usd),
                _usd(line.loaded_usd),
            )
        _add_total(table, f"All of {group}", Total.of(every))
        table.add_section()
    _add_total(table, "Total", Total.of(lines))
    console.print(table)
    _print_notes(load, region, (line.price for line in lines), console)


def print_comparison(
    candidates: Sequence[Candidate], load: Load, region: str, console: Console
) -> None:
    """Print a comparison of hosts as a table.

    Args:
        region: the stack's.
    """
    table = Table(
        "Host",
        "Size",
        Column("Idle", justify="right"),
        Column("Load", justify="right"),
        title="USD a month for the host alone, without calls and under the load",
        title_justify="left",
    )
    for each in candidates:
        table.add_row(
            DEFINITIONS[each.host.hosting].title,
            f"{each.host.size}{'' if each.deployed else ' (default)'}",
            _usd(each.total.idle),
            _usd(each.total.loaded),
        )
    console.print(table)
    console.print(
        "Without --host, the command shows the whole stack. Its other parts cost nearly the same"
        " on every host.",
        soft_wrap=True,
    )
    prices = (line.price for each in candidates for line in each.lines)
    _print_notes(load, region, prices, console)


def document(lines: Sequence[Line], load: Load, region: str) -> dict[str, Any]:
    """Return an estimate as JSON values.

    Args:
        region: the stack's.
    """
    return {
        **_facts(load, region),
        "usdAMonth": _total(Total.of(lines)),
        "lines": [
            {
                "group": str(line.group),
                "what": line.what,
                "assumes": line.assumes,
                "quantity": {"idle": float(line.idle), "load": float(line.loaded)},
                "usd": {"idle": float(line.idle_usd), "load": float(line.loaded_usd)},
                "unit": line.price.unit,
                "priceUsd": float(line.price.usd),
                "priceUnits": line.price.units,
                "priceConfirmed": line.price.confirmed,
                "source": line.price.source,
            }
            for line in lines
        ],
    }


def comparison_document(candidates: Sequence[Candidate], load: Load, region: str) -> dict[str, Any]:
    """Return a comparison as JSON values.

    Args:
        region: the stack's.
    """
    return {
        **_facts(load, region),
        "hosts": [
            {
                "hosting": str(each.host.hosting),
                "size": each.host.size,
                "deployed": each.deployed,
                "usdAMonth": _total(each.total),
            }
            for each in candidates
        ],
    }


def _options(load: Load) -> str:
    """Return the options that set a load."""
    options: dict[str, object] = {
        "calls-per-second": f"{load.calls_per_second:f}",
        "seconds-per-call": f"{load.seconds_per_call:f}",
        "callers": load.callers,
        "kilobytes-per-call": f"{load.kilobytes_per_call:f}",
        "log-kilobytes-per-call": f"{load.log_kilobytes_per_call:f}",
    }
    if load.tokens is not None:
        options["tokens"] = f"{load.tokens:f}"
    return " ".join(f"--{name} {value}" for name, value in options.items())


def _facts(load: Load, region: str) -> dict[str, Any]:
    return {
        "region": region,
        "pricesOfRegion": REGION,
        "pricesReadOn": READ_ON.isoformat(),
        "freeTiersSubtracted": False,
        "load": {
            "callsPerSecond": float(load.calls_per_second),
            "secondsPerCall": float(load.seconds_per_call),
            "callers": load.callers,
            "kilobytesPerCall": float(load.kilobytes_per_call),
            "logKilobytesPerCall": float(load.log_kilobytes_per_call),
            "tokens": None if load.tokens is None else float(load.tokens),
        },
    }


def _total(total: Total) -> dict[str, float]:
    return {
        "idle": float(total.idle.quantize(_CENT)),
        "load": float(total.loaded.quantize(_CENT)),
    }


def _print_notes(load: Load, region: str, prices: Iterable[Price], console: Console) -> None:
    every = tuple(prices)
    notes = [
        f"Load: {_options(load)}, evenly all month, and the canary's calls. Idle: those alone.",
        (
            f"Prices of {REGION}, read on {READ_ON:%Y-%m-%d}, before tax. Free tiers aren't"
            f" subtracted: {FREE_TIERS}."
        ),
        f"Not counted: {NOT_COUNTED}.",
    ]
    if region != REGION:
        notes.append(f"The stack is in {region}, where prices differ.")
    if not all(price.confirmed for price in every):
        notes.append("[?]: as others report it; AWS's page shows the figure to a browser only.")
    for note in notes:
        console.print(note, soft_wrap=True, markup=False)
    for source in sorted({price.source for price in every}):
        console.print(f"  {source}", soft_wrap=True)


def _add_total(table: Table, title: str, total: Total) -> None:
    table.add_row(title, "", "", "", _usd(total.idle), _usd(total.loaded))


def _usd(usd: Decimal) -> str:
    return f"{usd.quantize(_CENT)}"


def _quantity(quantity: Decimal) -> str:
    if quantity >= _WHOLE_FROM:
        return f"{quantity:,.0f}"
    return f"{quantity:.3f}".rstrip("0").rstrip(".")
