"""What the stand-in's commands print. Text from outside is shown as it is, never as markup."""

import sys
import unicodedata
from typing import Any, Final, TextIO

from rich.console import Console
from rich.text import Text

# Unicode's categories of control, format and surrogate characters.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs"})


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
    """Make a console that prints every string literally; styles are given as `styled` text.

    Args:
        stderr: whether it writes to standard error.
        soft_wrap: whether long lines are left for the terminal to wrap.
        file: where else it writes.
        width: its width; the terminal's where None.

    Returns:
        The console.
    """
    return _PlainConsole(
        stderr=stderr,
        soft_wrap=soft_wrap,
        file=file,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
    )


def styled(text: str, style: str) -> Text:
    """Style a text.

    Args:
        text: the text; no markup in it counts.
        style: a style of rich, as in "red" or "dim".

    Returns:
        The text for a console or a table.
    """
    return Text(visible(text), style)


def visible(text: str) -> str:
    """Replace control characters, with which a text could take over the terminal.

    Args:
        text: the text.

    Returns:
        The text with line breaks and tabs, and every other control character escaped.
    """
    return "".join(
        ascii(each)[1:-1]
        if unicodedata.category(each) in _INVISIBLE and each not in "\n\t"
        else each
        for each in text.replace("\r\n", "\n")
    )


def print_error(message: str, kind: str = "error") -> None:
    """Print on standard error why a command ends.

    Args:
        message: the cause, and the command that fixes it.
        kind: what the message begins with.
    """
    console(stderr=True, soft_wrap=True).print(styled(f"{kind}:", "red"), message)


def accept_any_encoding() -> None:
    """Escape what the encoding of the standard streams lacks, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
