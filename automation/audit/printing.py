"""Prints an audit as tables for people."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from rich.console import Console
from rich.table import Column, Table

from automation.audit.records import Audit, SecretRead, Token
from automation.rotation.results import format_time

_Key = TypeVar("_Key", bound=Hashable)
_Record = TypeVar("_Record", Token, SecretRead)


def print_audit(audit: Audit, console: Console) -> None:
    """Print what happened, with equal lines counted in one."""
    period = f"{format_time(audit.since)} to {format_time(audit.until)}"
    console.print(_tokens(audit, period))
    console.print(_reads(audit, period))
    for source, reason in audit.unread.items():
        console.print(f"! {source} can't be read: {reason}", soft_wrap=True)
    console.print(
        "CloudTrail shows a request after 5 minutes on average. Who ran which query is in Aura's"
        " query log, where the user is the client's id: docs/audit.md shows how to read it.",
        soft_wrap=True,
    )


def _tokens(audit: Audit, period: str) -> Table:
    table = Table(
        "Client",
        Column("Client id", overflow="fold"),
        "Groups",
        Column("Tokens", justify="right"),
        Column("First", no_wrap=True),
        Column("Last", no_wrap=True),
        title=f"Tokens issued, {period}",
        title_justify="left",
    )
    grouped = _group(audit.tokens, lambda each: (each.client or "", each.client_id, each.groups))
    for (client, client_id, groups), times in grouped:
        table.add_row(client or "(removed)", client_id, ", ".join(groups), *_summary(times))
    return table


def _reads(audit: Audit, period: str) -> Table:
    table = Table(
        "Client's secret",
        Column("Read by", overflow="fold"),
        Column("From", overflow="fold"),
        "Result",
        Column("Times", justify="right"),
        Column("First", no_wrap=True),
        Column("Last", no_wrap=True),
        title=f"Secrets read, {period}",
        title_justify="left",
    )
    grouped = _group(audit.reads, lambda each: (each.client, each.caller, each.address, each.error))
    for (client, caller, address, error), times in grouped:
        table.add_row(client, caller, address, error or "read", *_summary(times))
    return table


def _group(
    records: Iterable[_Record], key: Callable[[_Record], _Key]
) -> list[tuple[_Key, list[dt.datetime]]]:
    """Return the times of equal records, ordered by their first time."""
    found: defaultdict[_Key, list[dt.datetime]] = defaultdict(list)
    for each in records:
        found[key(each)].append(each.at)
    return sorted(found.items(), key=lambda each: each[1][0])


def _summary(times: list[dt.datetime]) -> tuple[str, str, str]:
    return str(len(times)), format_time(times[0]), format_time(times[-1])
