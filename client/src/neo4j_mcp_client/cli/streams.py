"""Standard output and standard error, whatever their encoding and whoever reads them."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from neo4j_mcp_client.cli.exit_codes import ExitCode


def prepare() -> None:
    r"""Make the standard streams take any text.

    What an encoding lacks is escaped, as in ``\u2713``. A stream that was closed leads nowhere.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # It stays open as long as the process runs.
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def can_show(text: str, stream: IO[str]) -> bool:
    """Return whether a stream's encoding has every character of a text."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def written_to_the_end() -> Iterator[None]:
    """Make sure that all output was written before the process ends.

    Raises:
        SystemExit: it was not: with a message, unless the reader just went away.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except SystemExit as ended:
        # Both click and rich end with status 1, which says that the doctor found a fault.
        if isinstance(ended.__context__, BrokenPipeError):
            raise SystemExit(ExitCode.OUTPUT_CLOSED) from None
        raise
    except BrokenPipeError:
        _discard_the_rest()
        raise SystemExit(ExitCode.OUTPUT_CLOSED) from None
    except OSError as error:
        _discard_the_rest()
        what = error.filename or "standard output"
        sys.stderr.write(f"error: {what} can't be used: {error.strerror or error}.\n")
        raise SystemExit(ExitCode.FILE) from None


def _discard_the_rest() -> None:
    # Python flushes once more at its end, and would complain again.
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
