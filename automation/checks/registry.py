"""The checks by their ids, and how one is written.

A check is a function of an `Inspection`: it looks, and returns where all is as it must be. It
raises `Failed` with the reason where something is not, and `Skipped` where this stack has nothing
to look at.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from automation.checks.inspection import Inspection
from automation.checks.results import PHASES

Look = Callable[[Inspection], None]
CHECKS: Final[dict[str, "Check"]] = {}
"""Every check, by its id."""

_ID: Final = re.compile(rf"(?:{'|'.join(PHASES)})-[a-z0-9]+(?:-[a-z0-9]+)*")
# Longer than a caller waits for an answer, so that an answer that doesn't come is seen first.
_LIMIT: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that must be true of a deployment.

    Attributes:
        id: its phase and name, as in ``P2-claims``.
        sentence: what it proves.
        look: the function that looks.
        limit: seconds after which it is undecided.
        serial: whether it changes something that another check could see, and so runs one at a
            time with its like.
    """

    id: str
    sentence: str
    look: Look
    limit: float = _LIMIT
    serial: bool = False


def check(check_id: str, *, limit: float = _LIMIT, serial: bool = False) -> Callable[[Look], Look]:
    """Register a function as a check; the first line of its docstring says what it proves.

    Args:
        check_id: its id.
        limit: seconds after which it is undecided.
        serial: whether it runs one at a time with its like.

    Returns:
        The decorator; the function stays what it is.

    Raises:
        ValueError: the id is malformed or taken.
    """
    if not _ID.fullmatch(check_id):
        raise ValueError(f"{check_id!r} is no id of a check")
    if check_id in CHECKS:
        raise ValueError(f"there are two checks {check_id}")

    def register(look: Look) -> Look:
        sentence = (look.__doc__ or "").partition("\n")[0].rstrip(".")
        CHECKS[check_id] = Check(
            id=check_id, sentence=sentence, look=look, limit=limit, serial=serial
        )
        return look

    return register
