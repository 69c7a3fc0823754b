"""Replaces what identifies an account, and every secret, by placeholders. Pure.

Equal values get equal placeholders within one recording, so that a reader still sees that two ids
are the same.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_SHORTEST: Final = 6
"""Shorter known values would replace parts of ordinary words."""
_MINUTE: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d"
_AWS_DOMAINS: Final = "|".join(
    re.escape(each)
    for each in (
        "amazonaws.com.cn",
        "amazonaws.com",
        "amazoncognito.com",
        "awsapprunner.com",
        "cloudfront.net",
        "on.aws",
    )
)
_SHAPES: Final = tuple(
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        # The order matters: an ARN contains an account, and a URL may contain an id.
        ("key", r"-----BEGIN [A-Z ]*-----.*?-----END [A-Z ]*-----"),
        # RFC 7519, whole or cut off.
        ("token", r"\beyJ[\w-]{4,}(?:\.[\w-]*){0,4}"),
        ("token", r"(?<=\bBearer )[^\s\"'<]+|(?<=\bBasic )(?=[\w+/-]*[A-Z\d=])[\w+/=-]{8,}"),
        ("key", r"\b(?:A[A-Z]{3})[A-Z0-9]{12,}\b"),
        ("arn", r"\barn:aws[\w-]*:[^\s\"'<>,;)\]]+"),
        ("digest", r"\bsha256:[0-9a-f]{8,}"),
        ("id", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
        ("host", rf"\b[\w.-]+\.(?:{_AWS_DOMAINS})(?::\d+)?\b|\blocalhost:\d+\b"),
        ("address", r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"),
        # A user pool's id, and those of EC2.
        ("id", r"\b[a-z]{2}(?:-[a-z]+)+-\d_\w+"),
        ("id", r"\b(?:eni|igw|pl|rtb|sg|sgr|subnet|vpc)-[0-9a-f]{6,}\b"),
        ("time", _MINUTE + r"(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"),
        ("time", r"\b\d{8}T\d{6}Z\b"),
        ("account", r"(?<!\d)\d{4}-\d{4}-\d{4}(?!\d)"),
        ("account", r"(?<!\d)\d{12}(?!\d)"),
        ("number", r"\d{9,}"),
        # Whatever is long and mixes letters and digits was made at random.
        ("secret", r"(?<![\w<])(?=[\w+/=]*\d)(?=[\w+/=]*[A-Za-z])[\w+/]{20,}={0,2}"),
    )
)
_PLACEHOLDER: Final = re.compile(r"(<[a-z]+(?::\d+)?>)")


class Placeholders:
    """The placeholders of one recording."""

    def __init__(self) -> None:
        """Start without known values."""
        self._known: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def learn(self, kind: str, values: Iterable[str]) -> None:
        """Add values to replace wherever they occur.

        Args:
            kind: the word in the placeholder, such as `secret`.
        """
        for value in values:
            if len(value) >= _SHORTEST:
                self._add(kind, value)

    def blank(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Return a JSON value without what identifies or authenticates; a date becomes a time."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Mapping):
            return {self._text(str(key)): self.blank(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.blank(each) for each in value]
        if isinstance(value, dt.datetime):
            return self._add("time", value.isoformat())
        text = self._text(str(value))
        # A number stays one, unless it names something.
        return value if text == str(value) else text

    def _text(self, text: str) -> str:
        for value in sorted(self._known, key=len, reverse=True):
            text = self._outside(text, re.compile(re.escape(value)), None)
        for kind, shape in _SHAPES:
            text = self._outside(text, shape, kind)
        return text

    def _outside(self, text: str, shape: re.Pattern[str], kind: str | None) -> str:
        """Replace what has a shape, except within placeholders.

        Args:
            kind: None if everything that has the shape is known.
        """
        parts = _PLACEHOLDER.split(text)
        parts[::2] = [
            shape.sub(
                lambda found: self._known[found[0]] if kind is None else self._add(kind, found[0]),
                part,
            )
            for part in parts[::2]
        ]
        return "".join(parts)

    def _add(self, kind: str, value: str) -> str:
        if value not in self._known:
            if kind == "account":
                self._known[value] = "<account>"
            else:
                self._counts[kind] = self._counts.get(kind, 0) + 1
                self._known[value] = f"<{kind}:{self._counts[kind]}>"
        return self._known[value]
