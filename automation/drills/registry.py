"""The drills by name, and how to write one.

A drill is a function of an `Exercise`. It raises `Failed` if the deployment or its callers don't
behave as they must, and `Skipped`, before it changes anything, if it can't run here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from automation.drills.exercise import Exercise

PHASE: Final = "drill"
"""The phase of drills in a report, which is the first part of their ids."""

Run = Callable[[Exercise], None]
DRILLS: Final[dict[str, "Drill"]] = {}
"""Every drill, by its name."""


@dataclass(frozen=True, kw_only=True)
class Drill:
    """An exercise on a deployed stack.

    Attributes:
        name: as in ``container-killed``.
        sentence: what it proves.
        touches: what it changes, and restores.
    """

    name: str
    sentence: str
    touches: str
    run: Run

    @property
    def id(self) -> str:
        """The drill's id in a report."""
        return f"{PHASE}-{self.name}"


def drill(name: str, *, touches: str) -> Callable[[Run], Run]:
    """Register a function as a drill; the first line of its docstring says what it proves.

    Args:
        touches: what it changes, and restores.

    Raises:
        ValueError: there is a drill with this name.
    """
    if name in DRILLS:
        raise ValueError(f"there are two drills {name}")

    def register(run: Run) -> Run:
        sentence = (run.__doc__ or "").partition("\n")[0].rstrip(".")
        DRILLS[name] = Drill(name=name, sentence=sentence, touches=touches, run=run)
        return run

    return register
