"""Reads the arguments of queries and tools: text, files and parameters."""

import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer

from neo4j_mcp_client.decoding import from_json
from neo4j_mcp_client.errors import as_sentence

STANDARD_INPUT = "-"


def read_text(source: str) -> str:
    """Read a file or standard input.

    Args:
        source: a path, or ``-`` for standard input.

    Raises:
        typer.BadParameter: it can't be read.
    """
    try:
        standard = source == STANDARD_INPUT
        content = sys.stdin.buffer.read() if standard else Path(source).read_bytes()
        # Programs write UTF-8, whatever the shell's encoding; on Windows with a byte order mark.
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it isn't UTF-8"
        raise typer.BadParameter(as_sentence(f"{source} can't be read: {reason}")) from error


def json_object(text: str, name: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        typer.BadParameter: the text isn't a JSON object.
    """
    try:
        document = _json(text)
    except ValueError as error:
        raise typer.BadParameter(as_sentence(f"{name} isn't JSON: {error}")) from error
    if not isinstance(document, dict):
        raise typer.BadParameter(f'{name} must be a JSON object, such as {{"name": "value"}}.')
    return document


def json_argument(text: str, name: str) -> dict[str, Any]:
    """Parse a JSON object from the command line or from a file.

    Args:
        text: the JSON, or ``@FILE``.

    Raises:
        typer.BadParameter: it isn't a JSON object, or the file can't be read.
    """
    return json_object(read_text(text[1:]) if text.startswith("@") else text, name)


def parameters(document: str | None, pairs: Sequence[str]) -> dict[str, Any]:
    """Merge the parameters of a query.

    Args:
        document: ``--params``: a JSON object, or ``@FILE`` with one.
        pairs: each ``--param``: ``name=value`` with a value in JSON, else text. They take
            precedence over the document.

    Raises:
        typer.BadParameter: one of them is malformed.
    """
    found = {} if document is None else json_argument(document, "--params")
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not (name and separator):
            raise typer.BadParameter(
                f"--param {pair} must have the form name=value, such as limit=10."
            )
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return _json(text)
    except ValueError:
        return text


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON
    return from_json(text, parse_constant=_refuse, parse_float=_float)


def _float(text: str) -> float:
    number = float(text)
    # Compared in decimal, since few decimals are exact in binary.
    if Decimal(repr(number)) != Decimal(text):
        raise typer.BadParameter(
            f"{text} has more digits than a float, and would become {number!r}. Pass it as a"
            " string, and convert it in the query: toFloat($value)."
        )
    return number


def _refuse(constant: str) -> None:
    # Python reads and writes NaN and the infinities, which JSON doesn't have.
    raise ValueError(f"{constant} isn't JSON")
