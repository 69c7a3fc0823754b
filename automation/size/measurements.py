"""What was measured of a stack, as data for JSON."""

import datetime as dt
import math
from collections.abc import Mapping
from statistics import median
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from automation.checks.results import Data, Text
from automation.load.results import Run
from components.settings import Hosting

# Half the distance between the quartiles is 0.6745 standard deviations, and the standard error of a
# median is 1.2533 times that of a mean.
_MEDIAN_ERROR: Final = 1.2533 / 0.6745


class Sample(Data):
    """The latency and the rate of one run's successful calls.

    Attributes:
        throughput: successful calls per second.
        mean: in seconds, like the percentiles.
        failed: how many calls failed.
        kinds: the mean of each kind of call.
    """

    throughput: Annotated[float, Field(gt=0)]
    mean: Annotated[float, Field(gt=0)]
    p50: Annotated[float, Field(gt=0)]
    p95: Annotated[float, Field(gt=0)]
    failed: int
    kinds: Mapping[str, float]

    @classmethod
    def of(cls, run: Run) -> Self | None:
        """Take a run's totals; None if no call succeeded."""
        latency = run.total.latency
        if latency is None:
            return None
        return cls(
            throughput=run.total.rate,
            mean=latency.mean,
            p50=latency.p50,
            p95=latency.p95,
            failed=run.total.failed,
            kinds={each.name: each.latency.mean for each in run.kinds if each.latency},
        )

    @classmethod
    def middle(cls, samples: "tuple[Self, ...]") -> Self:
        """Take the median of every figure."""
        kinds = set.intersection(*(set(each.kinds) for each in samples))
        return cls(
            throughput=median(each.throughput for each in samples),
            mean=median(each.mean for each in samples),
            p50=median(each.p50 for each in samples),
            p95=median(each.p95 for each in samples),
            failed=sum(each.failed for each in samples),
            kinds={name: median(each.kinds[name] for each in samples) for name in sorted(kinds)},
        )


class Level(Data):
    """One amount of load, measured once in each round.

    Attributes:
        callers: how many called at the same time; None for calls at random times.
        rate: calls per second, at random times; None for callers.
        samples: one of each round.
    """

    callers: Annotated[int, Field(ge=1)] | None = None
    rate: Annotated[float, Field(gt=0)] | None = None
    samples: Annotated[tuple[Sample, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.callers is None) == (self.rate is None):
            raise ValueError("a level has either callers or a rate")
        return self

    @property
    def middle(self) -> Sample:
        """The median of its samples."""
        return Sample.middle(self.samples)

    @property
    def noise(self) -> float:
        """Half the distance between the quartiles of the mean latency, as a share of its median.

        0 for a single sample.
        """
        ordered = sorted(each.mean for each in self.samples)
        quarter = len(ordered) // 4
        return (ordered[-1 - quarter] - ordered[quarter]) / 2 / self.middle.mean

    @property
    def uncertainty(self) -> float:
        """The standard error of the median of the mean latency, as a share of it.

        As of a normal distribution; infinite for a single sample.
        """
        if len(self.samples) == 1:
            return math.inf
        return _MEDIAN_ERROR * self.noise / math.sqrt(len(self.samples))

    def __str__(self) -> str:
        """Describe it in a few words."""
        if self.callers is not None:
            return f"{self.callers} caller{'s' if self.callers > 1 else ''}"
        return f"{self.rate:g} calls/s"


class Size(Data):
    """The size of what was measured, as the configuration keys set it.

    Attributes:
        cpu: units of an instance; None on Lambda, which goes by memory.
        memory: megabytes of an instance.
    """

    hosting: Hosting
    cpu: int | None
    memory: int

    def __str__(self) -> str:
        """Describe it in a few words."""
        cpu = "" if self.cpu is None else f"{self.cpu} CPU units, "
        return f"{cpu}{self.memory} MB"


class Calibration(Data):
    """The measurements that a model is fitted to.

    Attributes:
        kind: distinguishes the file from others.
        machine: what the figures stand for, in a few words.
        mix: the weights of the kinds of calls.
        environment: versions of the software, and addresses of what was called.
    """

    kind: Literal["calibration"] = "calibration"
    stack: str
    started: dt.datetime
    seconds: float
    machine: Text
    size: Size
    mix: Mapping[str, int]
    environment: Mapping[str, str]
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
