"""Where the time of a call goes: the differences between targets that are one behind another."""

import statistics
from collections.abc import Collection, Sequence
from typing import Final

from automation.load.comparison import measured_summaries, median_interval
from automation.load.results import Attribution, Hop, Run

SERVER: Final = "the server"
GATEWAY: Final = "the gateway of the database"
DATABASE: Final = "the database"
_CHAIN: Final = ("host", "container", "statements", "database")
"""The targets, each behind the one before it."""


def attribute(runs: Sequence[Run], *, front: str, emulated: Collection[str]) -> Attribution | None:
    """Return what each part adds to the median of a call, round by round.

    The parts add up to what callers measure in each round; their medians need not. What Python's
    driver computes at the database isn't a part, since the server has another driver.

    Args:
        runs: the targets of a comparison.
        front: what calls of the host pass before an instance's server.
        emulated: the parts that a stand-in takes the place of. They are left out only where they
            were measured alone.

    Returns:
        None if no target behind the host was called, or no round has calls of all.
    """
    by_name = {run.target: run for run in runs}
    chain = [name for name in _CHAIN if name in by_name]
    rounds = _rounds([by_name[name] for name in chain])
    if len(chain) < 2 or not rounds:  # noqa: PLR2004 - a difference needs two
        return None
    hops = []
    for number, name in enumerate(chain):
        following = chain[number + 1] if number + 1 < len(chain) else None
        values = [
            medians[number] - (medians[number + 1] if following else 0.0) for medians in rounds
        ]
        hops.append((_name(name, following, front), values))
    left_out = [name for name, _ in hops if name in emulated]
    real = [values for name, values in hops if name not in emulated]
    return Attribution(
        hops=tuple(_hop(name, values, emulated=name in emulated) for name, values in hops),
        whole=_hop("what callers measure", [medians[0] for medians in rounds]),
        deployed=_hop(
            f"without {_joined(left_out)}", [sum(each) for each in zip(*real, strict=True)]
        )
        if left_out
        else None,
        rounds=len(rounds),
    )


def _rounds(runs: Sequence[Run]) -> list[list[float]]:
    """Return the targets' medians in each round in which calls of all succeeded."""
    rounds = zip(*map(measured_summaries, runs), strict=True)
    return [
        [each.latency.p50 - each.computing for each in found if each.latency is not None]
        for found in rounds
        if all(each.latency is not None for each in found)
    ]


def _name(target: str, following: str | None, front: str) -> str:
    first = _CHAIN.index(target)
    last = len(_CHAIN) if following is None else _CHAIN.index(following)
    # What a call of each target passes first.
    passed = (front, SERVER, GATEWAY, DATABASE)
    # The gateway is a separate part only where the database was called without it.
    parts = [each for each in passed[first:last] if each != GATEWAY or following == "database"]
    return _joined(parts)


def _joined(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _hop(name: str, values: Sequence[float], *, emulated: bool = False) -> Hop:
    low, high = median_interval(values)
    return Hop(name=name, median=statistics.median(values), low=low, high=high, emulated=emulated)
