"""Standard output whose reader may go, as in `neo4j-mcp read … | head`."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from neo4j_mcp_client.cli.exit_codes import ExitCode


class _Output(io.TextIOWrapper):
    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            self._end()
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            self._end()

    def _end(self) -> None:
        # What is still buffered has to go somewhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        raise SystemExit(ExitCode.OUTPUT_CLOSED)


@contextmanager
def ending_with_its_reader() -> Iterator[None]:
    """End the program quietly once nobody reads its standard output.

    Raises:
        SystemExit: nobody does.
    """
    before: Any = sys.stdout
    sys.stdout = _Output(
        io.BufferedWriter(io.FileIO(before.fileno(), "w", closefd=False)),
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=before.line_buffering,
    )
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = before
