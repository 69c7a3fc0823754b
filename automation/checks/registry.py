"""All checks by id, and the decorator that registers one.

A check is a function that takes a `Probe`. It returns if the stack is as it must be, raises
`Failed` with the reason if it isn't, and raises `Skipped` if it doesn't apply to the stack.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from automation.checks.probe import Probe
from automation.checks.results import PHASES

CheckFunction = Callable[[Probe], None]
CHECKS: Final[dict[str, "Check"]] = {}
"""Every check by its id."""

_ID: Final = re.compile(rf"(?:{'|'.join(PHASES)})-[a-z0-9]+(?:-[a-z0-9]+)*")
# Longer than the HTTP client's timeout, so that a missing response is reported as such.
_TIME_LIMIT: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """A property that a deployed stack must have.

    Attributes:
        id: phase and name, as in ``P2-claims``.
        sentence: what the check proves.
        limit: seconds after which the check is undecided.
        serial: whether the check changes something that other serial checks could notice. Serial
            checks run one at a time.
    """

    id: str
    sentence: str
    function: CheckFunction
    limit: float = _TIME_LIMIT
    serial: bool = False


def check(
    check_id: str,
    *,
    limit: float = _TIME_LIMIT,
    serial: bool = False,
    registry: dict[str, Check] = CHECKS,
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a function as a check; the first line of its docstring says what it proves.

    Args:
        check_id: phase and name, as in ``P2-claims``.
        limit: seconds after which the check is undecided.
        serial: whether the check must not run at the same time as another serial one.
        registry: where the check is registered.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        ValueError: the id is malformed or already registered.
    """
    if not _ID.fullmatch(check_id):
        raise ValueError(f"{check_id!r} is not a valid check id")
    if check_id in registry:
        raise ValueError(f"the check {check_id} is registered twice")

    def register(function: CheckFunction) -> CheckFunction:
        sentence = (function.__doc__ or "").partition("\n")[0].rstrip(".")
        registry[check_id] = Check(
            id=check_id, sentence=sentence, function=function, limit=limit, serial=serial
        )
        return function

    return register
