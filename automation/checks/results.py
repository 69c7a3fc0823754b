"""What checks found, as data: the same for the terminal, JSON, JUnit and the page."""

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict

PHASES: Mapping[str, str] = {
    "P1": "Image and repository",
    "P2": "Identity",
    "P3": "Service",
    "P4": "Single sign-on",
    "P5": "End to end",
    "drill": "Drills",
}
"""The phases of a deployment, and what is drilled on it, by the beginning of the ids."""


def _each_text(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _each_text(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(each, change) for each in value]
    return value


def _encodable(value: Any) -> Any:  # noqa: ANN401 - JSON
    # JSON's \ud800 is half a character, which no file and no terminal can take.
    return _each_text(value, lambda text: text.encode("utf-8", "replace").decode("utf-8"))


_Encodable = BeforeValidator(_encodable)
Text = Annotated[str, _Encodable]
"""A text that any file can hold."""


class Outcome(enum.StrEnum):
    """How a check ended.

    Time alone fails nothing: a check or a drill that runs out of time before it has seen enough
    is undecided, as a busy machine can be the reason.
    """

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    SKIPPED = "skipped"


class Data(BaseModel):
    """Data that doesn't change, and refuses what it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Exchange(Data):
    """One thing that a check looked at.

    Attributes:
        asked: the request, or what was looked at.
        answered: the answer, or what was seen.
        seconds: how long the answer took.
    """

    asked: Text
    answered: Text
    seconds: float = 0.0


class Result(Data):
    """What one check found.

    Attributes:
        id: the check's id; the part before the first hyphen is its phase.
        sentence: what the check proves.
        outcome: how it ended.
        reason: why it failed, is undecided or was skipped; empty where it passed.
        seconds: how long it took.
        evidence: what it looked at.
    """

    id: str
    sentence: str
    outcome: Outcome
    reason: Text = ""
    seconds: float
    evidence: tuple[Exchange, ...] = ()

    @property
    def phase(self) -> str:
        """The check's phase, a key of `PHASES`."""
        return self.id.partition("-")[0]


class AnyReport(Data):
    """What one run found on one stack.

    Attributes:
        stack: the stack's name.
        started: when the run began.
        seconds: how long it took.
        parties: what took part, by name: its version, or where it is.
        outputs: the stack's outputs.
        results: every result.
    """

    stack: str
    started: dt.datetime
    seconds: float
    parties: Annotated[Mapping[str, str], _Encodable]
    outputs: Annotated[Mapping[str, Any], _Encodable]
    results: tuple[Result, ...]

    def count(self, outcome: Outcome) -> int:
        """Count the results of one outcome.

        Args:
            outcome: the outcome.

        Returns:
            Their number.
        """
        return sum(result.outcome is outcome for result in self.results)

    @property
    def passed(self) -> bool:
        """Whether each result that wasn't skipped is passed, and at least one is."""
        amiss = self.count(Outcome.FAILED) + self.count(Outcome.UNDECIDED)
        return not amiss and self.count(Outcome.PASSED) > 0

    def blanked(self, blank: Callable[[str], str]) -> Self:
        """Blank secrets wherever text stands.

        Args:
            blank: takes the secrets out of a text.

        Returns:
            The report without them.
        """
        return self.model_validate(_each_text(self.model_dump(mode="json"), blank))


class Report(AnyReport):
    """What one run of the checks found on one stack.

    Attributes:
        kind: says that the report is of checks.
        results: every check's result, in the order of their ids.
    """

    kind: Literal["checks"] = "checks"
    results: tuple[Result, ...]
