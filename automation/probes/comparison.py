"""Compares an observation with what AWS's documents promise, or with a recording. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from automation.probes.observations import ACCEPTED, REFUSED, UNDOCUMENTED, Observation, Value
from automation.probes.probe import Probe
from automation.probes.recordings import Recording

_MISSING: Final = "<missing>"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One part of an observation that isn't as expected.

    Attributes:
        key: what was done.
        expected: what should have been observed.
        observed: what was.
    """

    key: str
    expected: Value
    observed: Value


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a probe should observe.

    Attributes:
        basis: where that is from, for messages.
        observation: what should be observed.
        recorded: whether AWS itself was observed, so that nothing may be undocumented.
    """

    basis: str
    observation: Observation
    recorded: bool


def expectation(probe: Probe, recording: Recording | None) -> Expectation:
    """Return what a probe should observe: what was recorded on AWS, or else what is documented."""
    if recording is None:
        return Expectation(
            basis=f"documented ({probe.source})", observation=probe.documented, recorded=False
        )
    return Expectation(
        basis=f"recorded on AWS on {recording.recorded_at.isoformat()}",
        observation=recording.observation,
        recorded=True,
    )


def differences(expected: Expectation, observed: Observation) -> tuple[Difference, ...]:
    """Return how an observation differs from what is expected."""
    keys = dict.fromkeys((*expected.observation, *observed))
    return tuple(
        Difference(key=key, expected=wanted, observed=seen)
        for key in keys
        for wanted, seen in (
            (expected.observation.get(key, _MISSING), observed.get(key, _MISSING)),
        )
        if not _agree(wanted, seen, recorded=expected.recorded)
    )


def _agree(wanted: Value, seen: Value, *, recorded: bool) -> bool:
    if not recorded and wanted == UNDOCUMENTED:
        return seen != _MISSING
    if not recorded and wanted == REFUSED:
        return seen not in {_MISSING, ACCEPTED}
    return json.dumps(wanted) == json.dumps(seen)


def as_diff(basis: str, found: Iterable[Difference]) -> str:
    """Return differences as lines for a person: expected with a minus, observed with a plus.

    Args:
        basis: where the expectation is from.
    """
    lines = [f"--- {basis}", "+++ observed"]
    for each in found:
        lines.append(f"  {each.key}:")
        lines.append(f"-   {_shown(each.expected)}")
        lines.append(f"+   {_shown(each.observed)}")
    return "\n".join(lines)


def _shown(value: Value) -> str:
    return str(value) if value == _MISSING else json.dumps(value, ensure_ascii=False)
