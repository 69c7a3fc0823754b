"""Makes the standard streams robust against encodings and readers that go away."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from neo4j_mcp_client.cli.exit_codes import ExitCode
from neo4j_mcp_client.errors import as_sentence


def prepare() -> None:
    r"""Make the standard streams accept any text.

    Characters that an encoding lacks are escaped, as in ``\u2713``. A closed stream is replaced by
    the null device.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # It stays open as long as the process runs.
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def can_encode(text: str, stream: IO[str]) -> bool:
    """Return whether a stream's encoding has every character of a text."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def flushing_output() -> Iterator[None]:
    """Flush the output before the process ends, and report if that fails.

    Raises:
        SystemExit: the output couldn't be written. There is no message if its reader exited.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except SystemExit as ended:
        # click and rich exit with status 1, which would mean that the doctor found a fault.
        if isinstance(ended.__context__, BrokenPipeError):
            raise SystemExit(ExitCode.OUTPUT_CLOSED) from None
        raise
    except BrokenPipeError:
        _discard_output()
        raise SystemExit(ExitCode.OUTPUT_CLOSED) from None
    except OSError as error:
        _discard_output()
        what = error.filename or "standard output"
        said = as_sentence(f"{what} can't be used: {error.strerror or error}")
        sys.stderr.write(f"error: {said}\n")
        raise SystemExit(ExitCode.FILE) from None


def _discard_output() -> None:
    # Python flushes again at exit, and would report the error a second time.
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
