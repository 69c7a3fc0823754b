"""Filter patterns for log events that are JSON objects. Pure."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from localcloud.aws.logs.matching import (
    Fields,
    Pattern,
    PatternError,
    as_text,
    comparison,
    matching_regex,
    regex,
)

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<selector>\$(?:\.[\w-]+|\[\d+\])+)
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<regex>%[^%]*%)
      | (?P<operator>&&|\|\||!=|<=|>=|[=<>(){}])
      | (?P<word>[\w.*+-]+)
    )""",
    re.VERBOSE | re.ASCII,
)
_STEP: Final = re.compile(r"\.([\w-]+)|\[(\d+)\]", re.ASCII)
_ESCAPED: Final = re.compile(r"\\(.)")
_MOST_REGEXES: Final = 2
_MISSING: Final = object()

Document = dict[str, Any]
_Condition = Callable[[Document], bool]


def parse_json(text: str) -> Pattern:
    """Parse a pattern in braces.

    Raises:
        PatternError: it isn't valid, or has a selector that the stand-in doesn't support.
    """
    parser = _Parser(_tokens(text))
    parser.expect("{")
    condition = parser.disjunction()
    parser.expect("}")
    if parser.tokens:
        raise PatternError(f"Unexpected '{parser.tokens[0].text}' after the closing brace")
    if parser.regex_count > _MOST_REGEXES:
        raise PatternError(f"A pattern can have at most {_MOST_REGEXES} regular expressions")
    selectors = frozenset(parser.selectors)

    def match(message: str) -> Fields | None:
        document = _object(message)
        if document is None or not condition(document):
            return None
        found = {selector: _value(document, selector) for selector in selectors}
        return {
            selector: as_text(value) for selector, value in found.items() if _is_comparable(value)
        }

    return Pattern(
        match=match, selectors=selectors, has_fields=True, regex_count=parser.regex_count
    )


@dataclass(frozen=True, kw_only=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        token = _TOKEN.match(text, position)
        if token is None:
            raise PatternError(f"Invalid character(s) at '{text[position:].strip()}'")
        kind = str(token.lastgroup)
        found.append(_Token(kind=kind, text=token[kind]))
        position = token.end()
    return found


class _Parser:
    """Reads tokens: || binds weaker than &&, and parentheses bind strongest."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens = list(tokens)
        self.selectors: list[str] = []
        self.regex_count = 0

    def disjunction(self) -> _Condition:
        conditions = [self._conjunction()]
        while self._accept("||"):
            conditions.append(self._conjunction())
        return lambda document: any(holds(document) for holds in conditions)

    def expect(self, text: str) -> None:
        if not self._accept(text):
            found = self.tokens[0].text if self.tokens else "the end"
            raise PatternError(f"Expected '{text}', found '{found}'")

    def _conjunction(self) -> _Condition:
        conditions = [self._condition()]
        while self._accept("&&"):
            conditions.append(self._condition())
        return lambda document: all(holds(document) for holds in conditions)

    def _condition(self) -> _Condition:
        if self._accept("("):
            inner = self.disjunction()
            self.expect(")")
            return inner
        selector = self._next("selector").text
        self.selectors.append(selector)
        operator = self._next("operator", "word").text
        if operator == "IS":
            return self._is(selector)
        if operator == "NOT":
            if self._next("word").text != "EXISTS":
                raise PatternError("NOT must be followed by EXISTS")
            return lambda document: _value(document, selector) is _MISSING
        if operator not in {"=", "!=", "<", "<=", ">", ">="}:
            raise PatternError(f"Unknown operator '{operator}'")
        test = self._test(operator)

        def holds(document: Document) -> bool:
            value = _value(document, selector)
            # Neither = nor != holds for what is missing, an object or an array.
            return _is_comparable(value) and test(value)

        return holds

    def _is(self, selector: str) -> _Condition:
        word = self._next("word").text
        wanted = {"NULL": None, "TRUE": True, "FALSE": False}
        if word not in wanted:
            raise PatternError("IS must be followed by NULL, TRUE or FALSE")
        return lambda document: _value(document, selector) is wanted[word]

    def _test(self, operator: str) -> Callable[[str | float], bool]:
        value = self._next("quoted", "regex", "word")
        if value.kind == "regex":
            self.regex_count += 1
            return matching_regex(operator, regex(value.text[1:-1]))
        if value.kind == "quoted":
            return comparison(operator, _ESCAPED.sub(r"\1", value.text[1:-1]), quoted=True)
        return comparison(operator, value.text, quoted=False)

    def _accept(self, text: str) -> bool:
        if self.tokens and self.tokens[0] == _Token(kind="operator", text=text):
            self.tokens.pop(0)
            return True
        return False

    def _next(self, *kinds: str) -> _Token:
        if not self.tokens:
            raise PatternError("The pattern ends too early")
        token = self.tokens.pop(0)
        if token.kind not in kinds:
            raise PatternError(f"Unexpected '{token.text}'")
        return token


def _object(message: str) -> Document | None:
    try:
        document = json.loads(message)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _value(document: Document, selector: str) -> Any:  # noqa: ANN401 - JSON of any shape
    value: Any = document
    for name, index in _STEP.findall(selector):
        if name and isinstance(value, dict) and name in value:
            value = value[name]
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return _MISSING
    return value


def _is_comparable(value: object) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)
