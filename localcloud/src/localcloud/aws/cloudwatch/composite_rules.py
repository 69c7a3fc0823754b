"""The rules of composite alarms: parsing them, and deciding whether they are true. Pure.

Source: the API reference of PutCompositeAlarm.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from localcloud.aws.cloudwatch.errors import validation_error
from localcloud.aws.cloudwatch.states import State

StateOf = Callable[[str], State | None]
"""Returns the state of an alarm by its name or ARN; None if it doesn't exist."""

MAX_CHILDREN: Final = 100
_MAX_ELEMENTS: Final = 500
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*"
    r"(?:\"(?P<quoted>(?:\\.|[^\"\\])*)\"|'(?P<single>[^']*)'|(?P<plain>[^\"'()\s][^()]*?))\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<bracket>[()]))",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class InState:
    """An alarm is in a state."""

    alarm: str
    state: State

    def holds(self, state_of: StateOf) -> bool:
        """Return whether this is true."""
        return state_of(self.alarm) is self.state

    def alarms(self) -> list[str]:
        """Return the alarms that are named, each as often as it is named."""
        return [self.alarm]


@dataclass(frozen=True, kw_only=True)
class Constant:
    """TRUE or FALSE."""

    value: bool

    def holds(self, _state_of: StateOf) -> bool:
        """Return whether this is true."""
        return self.value

    def alarms(self) -> list[str]:
        """Return the alarms that are named."""
        return []


@dataclass(frozen=True, kw_only=True)
class Not:
    """An expression isn't true."""

    operand: "Expression"

    def holds(self, state_of: StateOf) -> bool:
        """Return whether this is true."""
        return not self.operand.holds(state_of)

    def alarms(self) -> list[str]:
        """Return the alarms that are named, each as often as it is named."""
        return self.operand.alarms()


@dataclass(frozen=True, kw_only=True)
class All:
    """All expressions are true."""

    operands: tuple["Expression", ...]

    def holds(self, state_of: StateOf) -> bool:
        """Return whether this is true."""
        return all(each.holds(state_of) for each in self.operands)

    def alarms(self) -> list[str]:
        """Return the alarms that are named, each as often as it is named."""
        return [name for each in self.operands for name in each.alarms()]


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """One of several expressions is true."""

    operands: tuple["Expression", ...]

    def holds(self, state_of: StateOf) -> bool:
        """Return whether this is true."""
        return any(each.holds(state_of) for each in self.operands)

    def alarms(self) -> list[str]:
        """Return the alarms that are named, each as often as it is named."""
        return [name for each in self.operands for name in each.alarms()]


Expression = InState | Constant | Not | All | AnyOf


def parse(text: str) -> Expression:
    """Parse an AlarmRule.

    Raises:
        ApiError: ValidationException.
    """
    parser = _Parser(text)
    expression = parser.any_of()
    parser.require_end()
    if len(set(expression.alarms())) > MAX_CHILDREN:
        raise validation_error(f"AlarmRule must not name more than {MAX_CHILDREN} alarms.")
    return expression


class _Parser:
    """Reads a rule."""

    def __init__(self, text: str) -> None:
        self._text = text.rstrip()
        self._position = 0
        self._elements = 0

    def any_of(self) -> Expression:
        """Read operands that OR combines."""
        operands = [self._all_of()]
        while self._take("OR"):
            operands.append(self._all_of())
        return operands[0] if len(operands) == 1 else AnyOf(operands=tuple(operands))

    def require_end(self) -> None:
        """Require that the whole rule has been read."""
        if self._position < len(self._text):
            raise self._invalid()

    def _all_of(self) -> Expression:
        operands = [self._negated()]
        while self._take("AND"):
            operands.append(self._negated())
        return operands[0] if len(operands) == 1 else All(operands=tuple(operands))

    def _negated(self) -> Expression:
        return Not(operand=self._negated()) if self._take("NOT") else self._operand()

    def _operand(self) -> Expression:
        self._elements += 1
        if self._elements > _MAX_ELEMENTS:
            raise validation_error(f"AlarmRule must not have more than {_MAX_ELEMENTS} elements.")
        if self._take("("):
            expression = self.any_of()
            if not self._take(")"):
                raise self._invalid()
            return expression
        for word in ("TRUE", "FALSE"):
            if self._take(word):
                return Constant(value=word == "TRUE")
        found = _TOKEN.match(self._text, self._position)
        if found is None or not found["state"]:
            raise self._invalid()
        self._position = found.end()
        quoted = found["quoted"]
        name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else None
        alarm = name or found["single"] or found["plain"] or ""
        return InState(alarm=alarm, state=State(found["state"].upper()))

    def _take(self, token: str) -> bool:
        """Read a word or a bracket if it is next."""
        found = _TOKEN.match(self._text, self._position)
        if found is None or (found["word"] or found["bracket"] or "").upper() != token:
            return False
        self._position = found.end()
        return True

    def _invalid(self) -> Exception:
        rest = self._text[self._position :].strip() or "the end"
        return validation_error(f"Invalid AlarmRule: unexpected {rest[:50]!r}.")
