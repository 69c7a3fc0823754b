"""Generates the tables of docs/cost.md. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from automation.cost import prices
from automation.cost.estimate import Total, estimate_host
from automation.cost.hosts import ARM, AppRunner, Fargate, Host, Lambda
from automation.cost.prices import Price
from automation.cost.usage import MINUTES, Load
from components.hosting.definitions import DEFINITIONS

_CENT: Final = Decimal("0.01")
_RATES: Final = tuple(Decimal(each) for each in ("0.001", "0.1", "1", "10", "50"))
_SMALLEST_CPU: Final = 256
_SMALLEST_MEMORY: Final = 512
_TOKEN_MINUTES: Final = 60


def prices_table(every: Iterable[Price] = prices.PRICES) -> str:
    """Return the table of prices with their sources."""
    rows = (f"| {each.what} | {each} | [{_page(each)}]({each.source}) |" for each in every)
    return "\n".join(["| What | USD | AWS's page |", "|---|---|---|", *rows])


def hosts_table(rates: Sequence[Decimal] = _RATES) -> str:
    """Return the table of hosts under different loads.

    Args:
        rates: calls per second.
    """
    headings = " | ".join(f"{each:f}/s" for each in rates)
    return "\n".join(
        [
            f"| Host | Idle | {headings} |",
            f"|---|{'---:|' * (len(rates) + 1)}",
            *(f"| {title} | {' | '.join(_costs(host, rates))} |" for title, host in _hosts()),
        ]
    )


def parts_table() -> str:
    """Return the table of what the parts of a stack cost that don't depend on its host."""
    month_of_tokens = prices.TOKEN.of(MINUTES / _TOKEN_MINUTES)
    parts: Mapping[str, Decimal] = {
        "A client, with its secret": prices.APP_CLIENT.usd + prices.SECRET.usd,
        f"A caller that always has a token of {_TOKEN_MINUTES} minutes": month_of_tokens,
        "`edge` while nobody calls": Decimal(),
        "`edge`, a million calls of 4 KB": (
            prices.EDGE_REQUEST.of(Decimal(10**6))
            + prices.EDGE_FUNCTION.of(Decimal(10**6))
            + prices.EDGE_TRANSFER.of(Decimal(4))
        ),
        "`edgeRequestsPerIp` while nobody calls": prices.WEB_ACL.usd + prices.WEB_ACL_RULE.usd,
        "1 GB of logs, kept for a month": prices.LOG_INGESTION.usd + prices.LOG_STORAGE.usd,
    }
    rows = (f"| {what} | {usd.quantize(_CENT)} |" for what, usd in parts.items())
    return "\n".join(["| Part | USD a month |", "|---|---:|", *rows])


def _page(price: Price) -> str:
    return price.source.removeprefix("https://aws.amazon.com/").partition("/")[0]


def _hosts() -> Iterator[tuple[str, Host]]:
    app_runner = AppRunner.by_default(edge=False)
    fargate = Fargate.by_default(edge=True)
    function = Lambda.by_default(edge=False)
    yield _title(app_runner, "by default"), app_runner
    yield (
        _title(app_runner, "smallest"),
        replace(app_runner, cpu=_SMALLEST_CPU, memory=_SMALLEST_MEMORY),
    )
    yield _title(fargate, "by default, with the edge alone"), fargate
    yield (
        _title(fargate, "smallest, with the edge alone"),
        replace(fargate, cpu=_SMALLEST_CPU, memory=_SMALLEST_MEMORY),
    )
    yield _title(fargate, "by default, public"), Fargate.by_default(edge=False)
    yield _title(function, "by default"), function
    yield _title(function, "on arm64"), replace(function, architecture=ARM)


def _title(host: Host, size: str) -> str:
    return f"{DEFINITIONS[host.hosting].title}, {size}"


def _costs(host: Host, rates: Sequence[Decimal]) -> Iterator[str]:
    totals = [Total.of(estimate_host(host, Load(calls_per_second=each))) for each in rates]
    yield f"{totals[0].idle.quantize(_CENT)}"
    for total in totals:
        yield f"{total.loaded.quantize(_CENT)}"
