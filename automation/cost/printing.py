"""Prints an estimate."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from automation.cost.estimate import Line, total
from automation.cost.prices import FREE_TIERS, READ_ON, REGION

_CENT = Decimal("0.01")


def print_estimate(lines: Sequence[Line], console: Console) -> None:
    """Print an estimate as a table, with its assumptions."""
    table = Table(
        "What",
        Column("In a month", justify="right"),
        Column("USD", justify="right"),
        "For",
        Column("USD a month", justify="right"),
        title="Monitoring, at most",
        title_justify="left",
    )
    for line in lines:
        table.add_row(
            line.what,
            _quantity(line.quantity),
            f"{line.price.usd:f}",
            f"{line.price.units:,} {line.price.unit}",
            f"{line.usd.quantize(_CENT)}",
        )
    table.add_section()
    table.add_row("Total", "", "", "", f"{total(lines).quantize(_CENT)}")
    console.print(table)
    console.print(
        f"Prices of {REGION}, read on {READ_ON:%Y-%m-%d}, before tax and without the account's free"
        f" tiers: {FREE_TIERS}. Access logs cost what the traffic writes.",
        soft_wrap=True,
    )
    for source in sorted({line.price.source for line in lines}):
        console.print(f"  {source}", soft_wrap=True)


def document(lines: Sequence[Line]) -> dict[str, Any]:
    """Return an estimate as JSON values."""
    return {
        "region": REGION,
        "pricesReadOn": READ_ON.isoformat(),
        "usdAMonth": float(total(lines).quantize(_CENT)),
        "lines": [
            {
                "what": line.what,
                "quantity": float(line.quantity),
                "unit": line.price.unit,
                "usd": float(line.usd),
                "source": line.price.source,
            }
            for line in lines
        ],
    }


def _quantity(quantity: Decimal) -> str:
    return f"{quantity:,.0f}" if quantity >= 1 else f"{quantity:.3f}"
