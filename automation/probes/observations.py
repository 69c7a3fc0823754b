"""What a probe observes. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

Value = bool | int | float | str | None | Sequence[str]
"""A part of an observation, as JSON has it."""
Observation = Mapping[str, Value]
"""What a probe observed, by what it did."""

UNDOCUMENTED: Final = "<undocumented>"
"""Stands for what AWS doesn't document: any observation agrees with it."""
REFUSED: Final = "<refused>"
"""Stands for an error with a code that AWS doesn't document."""
ACCEPTED: Final = "accepted"
"""The outcome of a call that AWS didn't refuse; otherwise it is the error's code."""


class Unanswered(Exception):  # noqa: N818 - it is an outcome, as Skipped is
    """The question can't be answered in this account; the message has the reason."""
