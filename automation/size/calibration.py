"""Measures a stack under different amounts of load, and keeps the measurements in a file."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from automation.errors import AutomationError
from automation.load.plan import Plan, concurrent, steady
from automation.load.results import Run
from automation.report.files import write_atomically
from automation.size.measurements import Calibration, Level, Sample, Size
from components.hosting.apprunner.settings import AppRunnerSettings
from components.hosting.fargate.settings import FargateSettings
from components.hosting.lambda_.settings import LambdaSettings
from components.settings import StackSettings

STAND_IN: Final = Path(__file__).with_name("stand_in.json")
"""The measurements that are used without others."""
_MOST_FAILURES: Final = 0.02
_START_SECONDS: Final = 2.0
"""How long a run takes to start and to be read, about."""


class CalibrationError(AutomationError):
    """The stack can't be measured, or the measurements can't be read; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """The amounts of load of a calibration.

    Every amount is measured once in each round, so that a busy minute changes one sample of each.

    Attributes:
        callers: how many call at the same time.
        shares: rates, as shares of the highest rate that callers reached.
        seconds: how long concurrent callers are measured.
        rate_seconds: how long a rate is measured. Calls pile up behind the instance's pauses, which
            are rare, so a rate's mean needs longer.
        warm_up: seconds before that.
        first: seconds of calls before everything, which start what isn't running yet.
    """

    callers: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    shares: tuple[float, ...] = (0.2, 0.35, 0.5, 0.65)
    rounds: int = 5
    seconds: float = 6.0
    rate_seconds: float = 12.0
    warm_up: float = 2.0
    first: float = 20.0

    @property
    def runs(self) -> int:
        """How many runs it makes, with the first one."""
        return 1 + (len(self.callers) + len(self.shares)) * self.rounds

    @property
    def duration(self) -> float:
        """How long all runs take, in seconds, about."""
        return self.calling + self.runs * _START_SECONDS

    @property
    def calling(self) -> float:
        """For how many seconds calls are made."""
        measured = len(self.callers) * self.seconds + len(self.shares) * self.rate_seconds
        return self.first + self.rounds * measured + self.runs * self.warm_up

    def up_to(self, callers: int) -> "Ladder":
        """Leave out what needs more callers at the same time."""
        return replace(self, callers=tuple(each for each in self.callers if each <= callers))


def measure_levels(
    measure: Callable[[Plan], Run], ladder: Ladder, notify: Callable[[str], object]
) -> tuple[Level, ...]:
    """Measure every amount of load.

    Args:
        measure: makes the calls of a plan.
        notify: prints a line on the progress.

    Raises:
        CalibrationError: too many calls failed.
    """
    samples: dict[Plan, list[Sample]] = {}
    rates: tuple[float, ...] | None = None
    seeds = itertools.count()
    notify("… First calls, which aren't measured")
    measure(concurrent(max(ladder.callers), warm_up=0.0, seconds=ladder.first))
    for number in range(ladder.rounds):
        notify(f"… Round {number + 1} of {ladder.rounds}")
        for plan in _callers(ladder):
            samples.setdefault(plan, []).append(_sample(measure(plan)))
        if rates is None:
            highest = max(each.throughput for found in samples.values() for each in found)
            rates = tuple(_rounded(highest * share) for share in ladder.shares)
        for rate in rates:
            plan = steady(rate, warm_up=ladder.warm_up, seconds=ladder.rate_seconds)
            sample = _sample(measure(replace(plan, seed=next(seeds))))
            samples.setdefault(plan, []).append(sample)
    return tuple(_level(plan, found) for plan, found in samples.items())


def measurable(settings: StackSettings) -> tuple[Size, int]:
    """Return the size of a stack's instance, and how many calls at the same time it gets alone.

    Raises:
        CalibrationError: there may be several instances, so that what is measured isn't one's.
    """
    host = settings.host
    match host:
        case AppRunnerSettings():
            if host.min_instances > 1:
                raise _several(settings, host.min_instances)
            # With more, a second one is started.
            size = Size(hosting=settings.hosting, cpu=host.cpu, memory=host.memory)
            return size, host.max_concurrency
        case FargateSettings():
            if host.max_instances > 1:
                raise _several(settings, host.max_instances)
            size = Size(hosting=settings.hosting, cpu=host.cpu, memory=host.memory)
            return size, _most_callers()
        case LambdaSettings():
            size = Size(hosting=settings.hosting, cpu=None, memory=host.memory)
            return size, host.max_instances or _most_callers()
        case _:
            raise TypeError(f"{settings.hosting} has no size")


def save_calibration(calibration: Calibration, path: Path) -> None:
    """Save measurements in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, calibration.model_dump_json(indent=1) + "\n")


def read_calibration(path: Path) -> Calibration:
    """Read measurements.

    Raises:
        CalibrationError: the file is missing, or isn't one.
    """
    remedy = "Measure a stack: python -m automation size --calibrate --stack <stack>"
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CalibrationError(f"{path} can't be read: {error.strerror}\n{remedy}") from error
    except ValidationError:
        raise CalibrationError(
            f"{path} has no measurements that this version can read. {remedy}"
        ) from None


def _callers(ladder: Ladder) -> Iterator[Plan]:
    return (
        concurrent(each, warm_up=ladder.warm_up, seconds=ladder.seconds) for each in ladder.callers
    )


def _sample(run: Run) -> Sample:
    sample = Sample.of(run)
    if not run.total.calls:
        raise CalibrationError(
            "No call was made in the measured time: the one before it took longer. Find the cause:"
            " python -m automation check"
        )
    if sample is None or run.total.failed > run.total.calls * _MOST_FAILURES:
        failures = ", ".join(f"{count} {kind}" for kind, count in run.total.failures.items())
        reasons = "\n".join(f"  {kind}: {message}" for kind, message in run.examples.items())
        raise CalibrationError(
            f"{run.total.failed} of {run.total.calls} calls failed, so their latency says nothing:"
            f" {failures}\n{reasons}\nFind the cause: python -m automation check"
        )
    return sample


def _level(plan: Plan, samples: Iterable[Sample]) -> Level:
    rate = None if plan.callers else plan.phases[-1].start
    return Level(callers=plan.callers, rate=rate, samples=tuple(samples))


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")


def _most_callers() -> int:
    return max(Ladder().callers)


def _several(settings: StackSettings, instances: int) -> CalibrationError:
    keys: Sequence[str] = ("minInstances", "maxInstances")
    commands = "".join(
        f"\n  pulumi config set --stack <stack> --path neo4j-mcp:{settings.host_key(key)} 1"
        for key in keys
    )
    return CalibrationError(
        f"The stack can have {instances} instances or more, so what one of them can do can't be"
        f" measured. Measure a stack with one:{commands}\n  pulumi up --stack <stack>"
    )
