"""Filter patterns for log events of space-delimited fields. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from localcloud.aws.logs.matching import (
    Fields,
    Pattern,
    PatternError,
    Test,
    as_text,
    comparison,
    matching_regex,
    number,
    regex,
)

_ELLIPSIS: Final = "..."
_NAME: Final = re.compile(r"\w+", re.ASCII)
_PART: Final = re.compile(r'"(?:[^"\\]|\\.)*"|%[^%]*%|[^,"%]')
_CONDITION: Final = re.compile(
    r"""\s*(?P<name>\w+)\s*(?P<operator>!=|<=|>=|[=<>])\s*
        (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|%(?P<regex>[^%]*)%|(?P<word>[^\s"%&|=<>!]+))\s*""",
    re.VERBOSE | re.ASCII,
)
_FIELD_OF_EVENT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|(\S+)')
_ESCAPED: Final = re.compile(r"\\(.)")
_MOST_REGEXES: Final = 2


@dataclass(frozen=True, kw_only=True)
class _Field:
    """A field of a pattern.

    Attributes:
        name: its name; empty for one that only takes a place.
        conditions: tests, of which all in one list must hold for one list at least.
        regex_count: the number of its regular expressions.
    """

    name: str
    conditions: Sequence[Sequence[Test]] = ()
    regex_count: int = 0

    def accepts(self, value: str) -> bool:
        return not self.conditions or any(
            all(holds(value) for holds in each) for each in self.conditions
        )


def parse_delimited(text: str) -> Pattern:
    """Parse a pattern in square brackets.

    Raises:
        PatternError: it isn't valid.
    """
    if not text.endswith("]"):
        raise PatternError("The closing bracket is missing")
    parts = [part.strip() for part in _parts(text[1:-1])]
    if parts.count(_ELLIPSIS) > 1:
        raise PatternError("A pattern can have one ellipsis")
    split = parts.index(_ELLIPSIS) if _ELLIPSIS in parts else None
    first = [_field(part) for part in parts[:split]]
    last = [] if split is None else [_field(part) for part in parts[split + 1 :]]
    regex_count = sum(each.regex_count for each in [*first, *last])
    if regex_count > _MOST_REGEXES:
        raise PatternError(f"A pattern can have at most {_MOST_REGEXES} regular expressions")

    def match(message: str) -> Fields | None:
        values = list(_values(message))
        skipped = len(values) - len(first) - len(last)
        if skipped < 0 or (skipped and split is None):
            return None
        places = {**dict(enumerate(first)), **dict(enumerate(last, len(first) + skipped))}
        if not all(each.accepts(values[index]) for index, each in places.items()):
            return None
        return _extracted(values, places)

    return Pattern(
        match=match,
        selectors=frozenset(f"${each.name}" for each in [*first, *last] if each.name),
        has_fields=True,
        regex_count=regex_count,
    )


def _parts(text: str) -> Iterator[str]:
    """Split the fields at commas outside of quotation marks and regular expressions."""
    part, position = "", 0
    while position < len(text):
        found = _PART.match(text, position)
        if found:
            part, position = part + found[0], found.end()
        elif text[position] == ",":
            yield part
            part, position = "", position + 1
        else:
            raise PatternError(f"Invalid character(s) in '{text[position:]}'")
    yield part


def _field(text: str) -> _Field:
    if not text or _NAME.fullmatch(text):
        return _Field(name=text)
    names: set[str] = set()
    groups: list[list[Test]] = [[]]
    regex_count = position = 0
    while True:
        found = _CONDITION.match(text, position)
        if found is None:
            raise PatternError(f"Invalid character(s) in field '{text}'")
        names.add(found["name"])
        regex_count += found["regex"] is not None
        groups[-1].append(_test(found))
        position = found.end()
        if position == len(text):
            break
        joint = text[position : position + 2]
        if joint not in {"&&", "||"}:
            raise PatternError(f"Invalid character(s) in field '{text}'")
        if joint == "||":
            groups.append([])
        position += len(joint)
    if len(names) > 1:
        raise PatternError(f"The conditions of one field name others: {', '.join(sorted(names))}")
    return _Field(name=names.pop(), conditions=groups, regex_count=regex_count)


def _test(found: re.Match[str]) -> Test:
    operator = found["operator"]
    if found["regex"] is not None:
        return matching_regex(operator, regex(found["regex"]))
    if found["quoted"] is not None:
        return comparison(operator, _ESCAPED.sub(r"\1", found["quoted"]), quoted=True)
    test = comparison(operator, found["word"], quoted=False)
    if number(found["word"]) is None:
        return test

    def test_number(value: str | float) -> bool:
        # Fields of an event have no types.
        as_number = number(as_text(value))
        return test(value if as_number is None else as_number)

    return test_number


def _values(message: str) -> Iterator[str]:
    """Split an event at white space; brackets or quotation marks make one field of many words."""
    for quoted, bracketed, word in _FIELD_OF_EVENT.findall(message):
        yield _ESCAPED.sub(r"\1", quoted) or bracketed or word


def _extracted(values: Sequence[str], places: Mapping[int, _Field]) -> Fields:
    """Name the fields as TestMetricFilter does: those without a name by their place, from 1."""
    names = {index: each.name for index, each in places.items() if each.name}
    return {f"${names.get(index, index + 1)}": value for index, value in enumerate(values)}
