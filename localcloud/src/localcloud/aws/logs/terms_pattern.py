"""Filter patterns of terms, for unstructured log events. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from localcloud.aws.logs.matching import Fields, Pattern, PatternError, regex

_TERM: Final = re.compile(r'([-?]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]*)%|([^\s"%]+))(?=\s|$)')
_WORD: Final = re.compile(r"\w+", re.ASCII)
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, kw_only=True)
class _Term:
    """A term, and how it counts: "" if events must have it, "-" if not, "?" if any is enough."""

    kind: str
    text: str


def parse_terms(text: str) -> Pattern:
    """Parse a pattern of terms, or of one regular expression.

    Raises:
        PatternError: it isn't valid, or it mixes what the stand-in doesn't mix.
    """
    if text.startswith("%"):
        return _of_regex(text)
    terms = list(_terms(text))
    kinds = {term.kind for term in terms}
    if "?" in kinds and kinds != {"?"}:
        # AWS ignores the question marks then.
        raise PatternError("The stand-in doesn't combine ?terms with other terms")

    def texts(kind: str) -> Sequence[str]:
        return [term.text for term in terms if term.kind == kind]

    required, excluded, optional = texts(""), texts("-"), texts("?")

    def match(message: str) -> Fields | None:
        found = (
            all(each in message for each in required)
            and not any(each in message for each in excluded)
            and (not optional or any(each in message for each in optional))
        )
        return {} if found else None

    return Pattern(match=match)


def _of_regex(text: str) -> Pattern:
    found = _TERM.fullmatch(text)
    if found is None or found[3] is None:
        raise PatternError("The stand-in doesn't combine a regular expression with terms")
    expression = regex(found[3])
    return Pattern(match=lambda message: {} if expression.search(message) else None, regex_count=1)


def _terms(text: str) -> Iterator[_Term]:
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None or found[3] is not None:
            raise PatternError(f"Invalid character(s) in term '{text[position:]}'")
        kind, quoted, word = found[1], found[2], found[4]
        if quoted is None and not _WORD.fullmatch(word):
            raise PatternError(f"Invalid character(s) in term '{word}'")
        yield _Term(kind=kind, text=word if quoted is None else _ESCAPED.sub(r"\1", quoted))
        position = found.end()
        position += len(text[position:]) - len(text[position:].lstrip())
