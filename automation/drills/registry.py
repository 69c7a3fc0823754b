"""The drills by their names, and how one is written.

A drill is a function of an `Exercise`. It raises `Failed` where the deployment or its callers
don't behave as they must, and `Skipped` where what it wants to do can't be done here, before it
has changed anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from automation.drills.exercise import Exercise

PHASE: Final = "drill"
"""Where drills stand in a report; the first part of their ids."""

Run = Callable[[Exercise], None]
DRILLS: Final[dict[str, "Drill"]] = {}
"""Every drill, by its name."""


@dataclass(frozen=True, kw_only=True)
class Drill:
    """An exercise on a deployed stack.

    Attributes:
        name: its name, as in ``container-killed``.
        sentence: what it proves.
        touches: what it changes, and puts back.
        run: the function that does it.
    """

    name: str
    sentence: str
    touches: str
    run: Run

    @property
    def id(self) -> str:
        """Its id in a report."""
        return f"{PHASE}-{self.name}"


def drill(name: str, *, touches: str) -> Callable[[Run], Run]:
    """Register a function as a drill; the first line of its docstring says what it proves.

    Args:
        name: its name.
        touches: what it changes, and puts back.

    Returns:
        The decorator; the function stays what it is.

    Raises:
        ValueError: the name is taken.
    """
    if name in DRILLS:
        raise ValueError(f"there are two drills {name}")

    def register(run: Run) -> Run:
        sentence = (run.__doc__ or "").partition("\n")[0].rstrip(".")
        DRILLS[name] = Drill(name=name, sentence=sentence, touches=touches, run=run)
        return run

    return register
