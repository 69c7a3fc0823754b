"""How long it takes to measure a stack, and what it costs. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from automation.cost import prices
from automation.cost.estimate import Total, estimate_host
from automation.cost.hosts import Lambda
from automation.cost.usage import SECONDS, Load, gigabytes
from automation.load.mix import Mix
from automation.size.calibration import Ladder
from automation.size.measurements import Size
from components.settings import Hosting

_CALLS_PER_SECOND: Final = 200
"""More than a small instance answers."""


def announcement(ladder: Ladder, mix: Mix, size: Size) -> Iterator[str]:
    """Describe a measurement before it is made."""
    writes = sum(each.weight for each in mix.entries if each.writes)
    total = sum(each.weight for each in mix.entries)
    yield (
        f"{ladder.runs} runs with up to {max(ladder.callers)} callers at the same time, about"
        f" {ladder.duration / 60:.0f} minutes. Others who use the stack notice them."
    )
    if writes:
        yield f"{writes} of {total} calls write, and leave in the database what the mix says."
    yield (
        f"About {expense(ladder, size):.2f} USD for {ladder.runs} tokens and {calls(ladder):,}"
        f" calls, if {_CALLS_PER_SECOND} a second are answered; instances cost the same as without"
        " them."
    )


def calls(ladder: Ladder) -> int:
    """Estimate how many calls are made."""
    return round(ladder.calling * _CALLS_PER_SECOND)


def expense(ladder: Ladder, size: Size) -> Decimal:
    """Estimate what they cost beyond what runs anyway, in US dollars."""
    load = Load(calls_per_second=calls(ladder) / SECONDS)
    usd = (
        prices.TOKEN.of(Decimal(ladder.runs))
        + prices.TRANSFER.of(load.gigabytes)
        + prices.LOG_INGESTION.of(gigabytes(load.calls * load.log_kilobytes_per_call))
    )
    if size.hosting is Hosting.LAMBDA:
        host = replace(Lambda.by_default(edge=False), memory=size.memory)
        usd += Total.of(estimate_host(host, load)).loaded
    return usd
