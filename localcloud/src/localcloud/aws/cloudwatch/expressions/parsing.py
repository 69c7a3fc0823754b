"""Parses metric math. Pure.

Source: "Metric math syntax and functions" in the user guide. What AWS has and this doesn't is
refused by name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from localcloud.aws.cloudwatch.errors import unsupported, validation_error

FUNCTIONS: Final = frozenset(
    {"ABS", "AVG", "CEIL", "FILL", "FLOOR", "IF", "MAX", "METRICS", "MIN", "PERIOD", "SUM"}
)
_OTHER_FUNCTIONS: Final = frozenset(
    {
        "ANOMALY_DETECTION_BAND",
        "DATAPOINT_COUNT",
        "DATE",
        "DAY",
        "DB_PERF_INSIGHTS",
        "DIFF",
        "DIFF_TIME",
        "EPOCH",
        "FIRST",
        "HOUR",
        "INSIGHT_RULE_METRIC",
        "LAMBDA",
        "LAST",
        "LOG",
        "LOG10",
        "METRIC_COUNT",
        "MINUTE",
        "MONTH",
        "RATE",
        "REMOVE_EMPTY",
        "RUNNING_SUM",
        "SEARCH",
        "SERVICE_QUOTA",
        "SLICE",
        "SORT",
        "STDDEV",
        "TIME_SERIES",
        "YEAR",
    }
)
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<operator>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]]))"
)
_QUERY: Final = re.compile(r"\s*SELECT\s", re.IGNORECASE)
_LEVELS: Final = (
    frozenset({"OR"}),
    frozenset({"AND"}),
    frozenset({"==", "!=", "<=", ">=", "<", ">"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
    frozenset({"^"}),
)
_SAME: Final = {"||": "OR", "&&": "AND"}
_WORDS: Final = frozenset({"OR", "AND"})
_FILLERS: Final = frozenset({"REPEAT", "LINEAR"})


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text, such as an argument of METRICS, or a word such as REPEAT."""

    value: str


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The result of another query."""

    id: str


@dataclass(frozen=True, kw_only=True)
class Series:
    """An array of time series."""

    items: tuple["Node", ...]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operator and its operands: one for a minus sign, two for the others."""

    operator: str
    operands: tuple["Node", ...]


@dataclass(frozen=True, kw_only=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple["Node", ...]


Node = Number | Text | Reference | Series | Operation | Call


def parse(text: str) -> Node:
    """Parse an expression.

    Raises:
        ApiError: ValidationException, it isn't valid or uses what isn't supported.
    """
    if _QUERY.match(text):
        raise unsupported("Metrics Insights queries")
    parser = _Parser(list(_tokens(text)), text)
    node = parser.expression()
    parser.require_end()
    return node


def references(node: Node) -> frozenset[str]:
    """Return the ids of the queries that an expression uses by name."""
    match node:
        case Reference():
            return frozenset({node.id})
        case Series():
            children = node.items
        case Operation():
            children = node.operands
        case Call():
            children = node.arguments
        case _:
            children = ()
    return frozenset().union(*(references(child) for child in children))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        found = _TOKEN.match(stripped, position)
        if found is None:
            raise _invalid(text, f"unexpected character {stripped[position:].lstrip()[0]!r}")
        kind = found.lastgroup or ""
        yield kind, found[kind]
        position = found.end()


def _invalid(text: str, problem: str) -> Exception:
    return validation_error(f"Error in expression '{text}': {problem}.")


class _Parser:
    """Reads an expression from its tokens."""

    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._next = 0

    def require_end(self) -> None:
        """Require that all tokens have been read."""
        if self._next < len(self._tokens):
            raise _invalid(self._text, f"unexpected {self._tokens[self._next][1]!r}")

    def expression(self, level: int = 0) -> Node:
        """Read the operators of a level and of those that bind more strongly."""
        if level == len(_LEVELS):
            return self._signed()
        node = self.expression(level + 1)
        while (operator := self._operator()) in _LEVELS[level]:
            self._next += 1
            operands = (node, self.expression(level + 1))
            node = Operation(operator=operator, operands=operands)
        return node

    def _operator(self) -> str:
        """Return the next token if it is an operator; empty otherwise."""
        if self._next == len(self._tokens):
            return ""
        kind, value = self._tokens[self._next]
        is_operator = kind == "operator" or value in _WORDS
        return _SAME.get(value, value) if is_operator else ""

    def _signed(self) -> Node:
        if self._operator() == "-":
            self._next += 1
            return Operation(operator="-", operands=(self._signed(),))
        return self._operand()

    def _operand(self) -> Node:
        if self._next == len(self._tokens):
            raise _invalid(self._text, "it ends too early")
        kind, value = self._tokens[self._next]
        self._next += 1
        if kind == "number":
            return Number(value=float(value))
        if kind == "text":
            return Text(value=value[1:-1])
        if kind == "name":
            return self._named(value)
        if value == "(":
            node = self.expression()
            self._take(")")
            return node
        if value == "[":
            return Series(items=self._list("]"))
        raise _invalid(self._text, f"unexpected {value!r}")

    def _named(self, name: str) -> Node:
        if self._operator() == "(":
            if name in _OTHER_FUNCTIONS:
                raise unsupported(f"the function {name} of metric math")
            if name not in FUNCTIONS:
                raise _invalid(self._text, f"{name} is not a function")
            self._take("(")
            return Call(function=name, arguments=self._list(")"))
        if name in _FILLERS:
            return Text(value=name)
        return Reference(id=name)

    def _list(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while self._operator() != end:
            if items:
                self._take(",")
            items.append(self.expression())
        self._take(end)
        return tuple(items)

    def _take(self, token: str) -> None:
        if self._operator() != token:
            raise _invalid(self._text, f"{token!r} is missing")
        self._next += 1
