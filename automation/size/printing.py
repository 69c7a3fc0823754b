"""Prints sizes, and how well a model predicts."""

import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from automation.cost.prices import READ_ON, REGION
from automation.load.printing import format_seconds
from automation.size.fit import Deviation
from automation.size.measurements import Calibration
from automation.size.sizing import Goal, Sizing, Unreachable
from automation.terminal import styled
from components.hosting.definitions import DEFINITIONS
from components.settings import Hosting

_HALF, _MOST = 0.5, 0.95


def print_sizes(
    found: Sequence[Sizing | Unreachable],
    goal: Goal,
    calibration: Calibration,
    stack: str,
    console: Console,
) -> None:
    """Print each host's settings with the commands that set them.

    Args:
        stack: the stack that the commands are for.
    """
    table = Table(
        "Host",
        Column("Instances", justify="right"),
        Column("Size", overflow="fold"),
        Column("p50", justify="right"),
        Column("p95", justify="right"),
        Column("Busy", justify="right"),
        Column("USD a month", justify="right"),
        title=f"{goal.rate:g} calls per second{_limits(goal)}",
        title_justify="left",
    )
    for each in found:
        if isinstance(each, Sizing):
            table.add_row(*size_cells(each))
        else:
            table.add_row(_title(each.hosting), "-", "can't reach it", *("-",) * 4)
    console.print(table)
    for each in found:
        if isinstance(each, Unreachable):
            console.print(
                styled(f"{_title(each.hosting)}: {each.reason}.", "yellow"), soft_wrap=True
            )
    for each in found:
        if isinstance(each, Sizing):
            console.print(f"\n{_title(each.host.hosting)}:")
            for command in commands(each, stack):
                console.print(f"  {command}", soft_wrap=True)
    console.print()
    for note in notes(found, goal, calibration):
        console.print(note, soft_wrap=True)


def commands(sizing: Sizing, stack: str) -> tuple[str, ...]:
    """Return the commands that set a stack's host to a size."""
    settings = {"hosting": str(sizing.host.hosting), **sizing.settings}
    return tuple(
        f"pulumi config set --stack {shlex.quote(stack)} neo4j-mcp:{key} {value}"
        for key, value in settings.items()
    )


def notes(
    found: Sequence[Sizing | Unreachable], goal: Goal, calibration: Calibration
) -> tuple[str, ...]:
    """Return what the predictions assume."""
    highest = max(each.middle.throughput for each in calibration.levels)
    every = [
        (
            f"Measured on {calibration.started:%Y-%m-%d}: {calibration.machine}, with instances of"
            f" {calibration.size}. Other machines, databases and queries differ: measure your stack"
            " with --calibrate."
        ),
        (
            "Calls come at random times. Latency includes the way from the machine that measured;"
            " starts of instances and of Lambda's environments aren't included."
        ),
    ]
    if goal.rate > highest:
        every.append(
            f"No more than {highest:.3g} calls per second were measured. That the database answers"
            f" {goal.rate:g} is assumed, not shown."
        )
    if any(isinstance(each, Sizing) for each in found):
        every.append(
            "minInstances is enough for this rate. If it is a peak only, less costs less: App"
            " Runner and Fargate then need a minute or more to start others. On a stack that is up,"
            " another hosting is a move: docs/moving-hosts.md."
        )
    every.append(
        f"USD for the host alone in {REGION}, with prices of {READ_ON:%Y-%m-%d}, if the rate lasts"
        " all month; Fargate's with the edge alone. The whole stack: python -m automation cost."
    )
    return tuple(every)


def document(
    found: Iterable[Sizing | Unreachable], goal: Goal, calibration: Calibration
) -> dict[str, Any]:
    """Return sizes as JSON values, with seconds and US dollars."""
    every = tuple(found)
    return {
        "goal": {
            "rate": goal.rate,
            "p50": goal.p50,
            "p95": goal.p95,
            "utilization": goal.utilization,
        },
        "measured": {
            "stack": calibration.stack,
            "started": calibration.started.isoformat(),
            "machine": calibration.machine,
        },
        "notes": notes(every, goal, calibration),
        "hosts": [_host_document(each) for each in every],
    }


def print_deviations(title: str, found: Iterable[Deviation], console: Console) -> None:
    """Print how far predictions are off."""
    table = Table(
        "Load",
        *(
            Column(name, justify="right")
            for name in ("Per s", "p50", "p95", "Predicted per s", "p50", "p95", "Noise")
        ),
        title=title,
        title_justify="left",
    )
    for each in found:
        table.add_row(*deviation_cells(each))
    console.print(table)


def deviation_cells(deviation: Deviation) -> tuple[str, ...]:
    """Return a level with its measurement, its prediction, and how far that is off."""
    sample, found = deviation.level.middle, deviation.prediction
    measured = (f"{sample.throughput:.1f}", format_seconds(sample.p50), format_seconds(sample.p95))
    if found is None:
        predicted: tuple[str, ...] = ("too many calls", "-", "-")
    else:
        predicted = (
            f"{found.throughput:.1f} ({deviation.throughput:+.0%})",
            f"{format_seconds(found.percentile(_HALF))} ({deviation.p50:+.0%})",
            f"{format_seconds(found.percentile(_MOST))} ({deviation.p95:+.0%})",
        )
    return str(deviation.level), *measured, *predicted, f"±{deviation.level.noise:.0%}"


def size_cells(sizing: Sizing) -> tuple[str, ...]:
    """Return a host with its size, its latency and its cost."""
    settings = sizing.settings
    least = f"{settings['minInstances']} to " if "minInstances" in settings else "up to "
    cpu = f"{settings['cpu']} CPU units, " if "cpu" in settings else ""
    return (
        _title(sizing.host.hosting),
        f"{least}{settings['maxInstances']}",
        f"{cpu}{settings['memory']} MB",
        format_seconds(sizing.prediction.percentile(_HALF)),
        format_seconds(sizing.prediction.percentile(_MOST)),
        f"{sizing.prediction.utilization:.0%}",
        f"{sizing.usd:.2f}",
    )


def _host_document(each: Sizing | Unreachable) -> dict[str, Any]:
    if isinstance(each, Unreachable):
        return {"hosting": str(each.hosting), "reachable": False, "reason": each.reason}
    return {
        "hosting": str(each.host.hosting),
        "reachable": True,
        "settings": dict(each.settings),
        "instances": each.instances,
        "p50": each.prediction.percentile(_HALF),
        "p95": each.prediction.percentile(_MOST),
        "mean": each.prediction.mean,
        "utilization": each.prediction.utilization,
        "usdAMonth": float(round(each.usd, 2)),
    }


def _limits(goal: Goal) -> str:
    limits = [
        f"{name} up to {format_seconds(limit)}"
        for name, limit in (("p50", goal.p50), ("p95", goal.p95))
        if limit is not None
    ]
    return "".join(f", {each}" for each in limits)


def _title(hosting: Hosting) -> str:
    return DEFINITIONS[hosting].title
