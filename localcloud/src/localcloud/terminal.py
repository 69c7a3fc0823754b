"""Console output. Text from outside is printed literally, never as markup."""

import os
import sys
import unicodedata
from typing import Any, Final, TextIO

from rich.console import Console
from rich.text import Text

# Unicode's categories of control, format and surrogate characters.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs"})
# A file or a pipe has no edge, and at 80 characters tables cut what they are printed for.
_WIDTH_WITHOUT_TERMINAL: Final = 200


class _PlainConsole(Console):
    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - rich's own
        return super().render_str(visible(text), **options)


def console(
    *,
    stderr: bool = False,
    soft_wrap: bool = False,
    file: TextIO | None = None,
    width: int | None = None,
) -> Console:
    """Return a console that prints every string literally; only `styled` text has styles.

    Args:
        stderr: whether it writes to standard error.
        soft_wrap: whether the terminal wraps long lines.
        file: where else it writes.
        width: in characters; by default the terminal's, or 200 without a terminal.
    """
    made = _PlainConsole(
        stderr=stderr,
        soft_wrap=soft_wrap,
        file=file,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
    )
    if width is None and not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _WIDTH_WITHOUT_TERMINAL
    return made


def styled(text: str, style: str) -> Text:
    """Style a text; markup in it is printed literally.

    Args:
        text: the text.
        style: one of rich's styles, such as "red" or "dim".
    """
    return Text(visible(text), style)


def visible(text: str) -> str:
    """Escape control characters, except line breaks and tabs: they could control the terminal."""
    return "".join(
        ascii(each)[1:-1]
        if unicodedata.category(each) in _INVISIBLE and each not in "\n\t"
        else each
        for each in text.replace("\r\n", "\n")
    )


def print_error(message: str, kind: str = "error") -> None:
    """Print to standard error why a command ends.

    Args:
        message: the cause, and the command that fixes it.
        kind: the word before the message.
    """
    console(stderr=True, soft_wrap=True).print(styled(f"{kind}:", "red"), message)


def accept_any_encoding() -> None:
    """Make the standard streams escape characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
