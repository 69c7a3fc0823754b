"""Reports as data, from which terminal output, JSON, JUnit XML and HTML page are made."""

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict

from components.settings import Hosting

PHASES: Mapping[str, str] = {
    "P1": "Image and repository",
    "P2": "Identity",
    "P3": "Service",
    "P4": "Single sign-on",
    "P5": "End to end",
    "P6": "Rotation and monitoring",
    "drill": "Drills",
}
"""Titles of the phases of a deployment and of the drills, by the prefix of their results' ids."""


def _map_strings(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _map_strings(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_map_strings(each, change) for each in value]
    return value


def _replace_surrogates(value: Any) -> Any:  # noqa: ANN401 - JSON
    # JSON's \ud800 is half a character, which can be written neither to a file nor to a terminal.
    return _map_strings(value, lambda text: text.encode("utf-8", "replace").decode("utf-8"))


_Encodable = BeforeValidator(_replace_surrogates)
Text = Annotated[str, _Encodable]
"""A string that can be encoded as UTF-8."""


class Outcome(enum.StrEnum):
    """How a check or a drill ended.

    A time limit never fails it, because the machine may just be busy: one that runs out of time
    before it has seen enough is undecided.
    """

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    SKIPPED = "skipped"


class Data(BaseModel):
    """An immutable model that rejects unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Exchange(Data):
    """A request that a check made, with the response.

    Attributes:
        request: the request, or a description of what was observed.
        response: the response, or what was observed.
        seconds: how long the response took; 0 for an observation.
    """

    request: Text
    response: Text
    seconds: float = 0.0


class Result(Data):
    """The result of a check.

    Attributes:
        id: the check's id; the part before the first hyphen is its phase.
        sentence: what the check proves.
        reason: why it failed, is undecided or was skipped; empty if it passed.
        evidence: the requests that it made, in order.
    """

    id: str
    sentence: str
    outcome: Outcome
    reason: Text = ""
    seconds: float
    evidence: tuple[Exchange, ...] = ()

    @property
    def phase(self) -> str:
        """The phase, a key of `PHASES`."""
        return self.id.partition("-")[0]


class AnyReport(Data):
    """The results of one run on a stack.

    Attributes:
        environment: versions of the software, and addresses of what the run used.
        outputs: the stack's outputs.
    """

    stack: str
    started: dt.datetime
    seconds: float
    environment: Annotated[Mapping[str, str], _Encodable]
    outputs: Annotated[Mapping[str, Any], _Encodable]
    results: tuple[Result, ...]

    def count(self, outcome: Outcome) -> int:
        """Count the results with an outcome."""
        return sum(result.outcome is outcome for result in self.results)

    @property
    def passed(self) -> bool:
        """Whether at least one result passed, and all others passed or were skipped."""
        not_passed = self.count(Outcome.FAILED) + self.count(Outcome.UNDECIDED)
        return not not_passed and self.count(Outcome.PASSED) > 0

    def blanked(self, blank: Callable[[str], str]) -> Self:
        """Return a copy without secrets.

        Args:
            blank: removes the secrets from a string.
        """
        return self.model_validate(_map_strings(self.model_dump(mode="json"), blank))


class Report(AnyReport):
    """The results of a run of the checks.

    Attributes:
        kind: distinguishes the report from one of drills.
        hosting: the stack's host; App Runner in reports from before there were others.
        results: the results in the order of their ids.
    """

    kind: Literal["checks"] = "checks"
    hosting: Hosting = Hosting.APP_RUNNER
    results: tuple[Result, ...]
