"""Runs probes one after another, removes what they create, and compares what they observed."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version

import httpx2
from botocore.exceptions import BotoCoreError, ClientError

from automation.checks.results import Outcome
from automation.probes.comparison import Difference, Expectation, differences, expectation
from automation.probes.needs import DeployedStack
from automation.probes.observations import Unanswered
from automation.probes.probe import Probe
from automation.probes.recordings import STAND_IN, Recording, source_of
from automation.probes.sandbox import NotObservedError, Sandbox, Surroundings


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one probe found.

    Attributes:
        probe: the probe.
        outcome: passed if it observed what is expected, failed if not; undecided if it couldn't
            observe; skipped if the account or the stack doesn't have what it needs.
        reason: why it is undecided or skipped.
        expected: what it should have observed.
        differences: how the observation differs from that.
        recording: what it observed, if it did.
        remaining: why a resource that it created couldn't be removed, by the resource.
    """

    probe: Probe
    outcome: Outcome
    reason: str = ""
    expected: Expectation
    differences: tuple[Difference, ...] = ()
    recording: Recording | None = None
    remaining: Mapping[str, str] = field(default_factory=dict)


def run(
    probes: Sequence[Probe],
    around: Surroundings,
    recorded: Mapping[str, Recording],
    *,
    today: Callable[[], dt.date] = lambda: dt.datetime.now(dt.UTC).date(),
    on_start: Callable[[Probe], object] = lambda _: None,
) -> Iterator[Result]:
    """Run probes, and yield each one's result once everything that it created is removed.

    Args:
        recorded: what was recorded on AWS, by the probes' keys.
        on_start: called before each probe that isn't skipped for what the stack is.
    """
    for probe in probes:
        if missing := missing_for(probe, around.stack):
            yield Result(
                probe=probe,
                outcome=Outcome.SKIPPED,
                reason=missing,
                expected=expectation(probe, recorded.get(probe.key)),
            )
            continue
        on_start(probe)
        yield _run(probe, around, recorded.get(probe.key), today())


def missing_for(probe: Probe, stack: DeployedStack | None) -> str:
    """Return why a probe can't run with a stack; nothing if it can.

    Args:
        stack: None if it isn't deployed.
    """
    return probe.needs.missing(stack) if probe.needs else ""


def _run(probe: Probe, around: Surroundings, recorded: Recording | None, today: dt.date) -> Result:
    expected = expectation(probe, recorded)
    # Outside of the block, which removes everything also when it is interrupted.
    remaining: dict[str, str] = {}
    box = Sandbox(around=around, cleanup=ExitStack(), remaining=remaining)
    outcome, reason, recording = Outcome.UNDECIDED, "", None
    found: tuple[Difference, ...] = ()
    with box.cleanup:
        try:
            observed = box.placeholders.blank(probe.run(box))
        except Unanswered as unanswered:
            outcome, reason = Outcome.SKIPPED, str(unanswered)
        except (ClientError, BotoCoreError, httpx2.HTTPError, NotObservedError) as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            recording = _recording(probe, box, observed, today)
            found = _counted(probe, recording, differences(expected, observed))
            outcome = Outcome.FAILED if found else Outcome.PASSED
    return Result(
        probe=probe,
        outcome=outcome,
        reason=reason,
        expected=expected,
        differences=found,
        recording=recording,
        remaining=remaining,
    )


def _counted(
    probe: Probe, recording: Recording, found: tuple[Difference, ...]
) -> tuple[Difference, ...]:
    """Leave out the differences that the stand-in is known to have."""
    if recording.source != STAND_IN:
        return found
    return tuple(each for each in found if each.key not in probe.differs)


def _recording(
    probe: Probe, box: Sandbox, observed: dict[str, object], today: dt.date
) -> Recording:
    endpoints = [box.client(service).meta.endpoint_url for service in probe.services]
    return Recording(
        probe=probe.key,
        question=probe.question,
        recorded_at=today,
        region=box.around.region,
        source=source_of(endpoints),
        versions={name: version(name) for name in ("boto3", "botocore")},
        observation=observed,  # type: ignore[arg-type] # it is blanked, and as the probe made it
        messages=tuple(box.placeholders.blank(box.messages)),
    )
