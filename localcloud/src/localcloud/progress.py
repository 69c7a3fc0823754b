"""Shows the steps of a long task, one line each with its duration."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as LiveDisplay
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from localcloud.terminal import console as plain_console
from localcloud.terminal import styled


class Progress:
    """Writes the steps of a long task to standard error; steps may run in parallel.

    On a terminal each running step shows a spinner and its time so far. Elsewhere a long step also
    prints a line when it begins, so that a build log shows what is running.
    """

    def __init__(self, console: Console | None = None) -> None:
        """Write to a console; by default to standard error."""
        self._console = console or plain_console(stderr=True)
        self._running = 0
        self._lock = threading.Lock()
        self._display = LiveDisplay(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[expect]}", style="dim", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

    @contextmanager
    def step(self, what: str, *, expect: str = "") -> Iterator[None]:
        """Show a step while the block runs, and how long it took; as failed if the block raises.

        Args:
            what: what is being done, as a phrase: "Building the Pulumi engine".
            expect: how long it is likely to take, for long steps: "about 4 minutes, once".
        """
        started = time.monotonic()
        likely = f"({expect})" if expect else ""
        if expect and not self._console.is_terminal:
            self._print(f"… {what} ", styled(likely, "dim"))
        with self._lock:
            self._running += 1
            task = self._display.add_task(what, total=None, expect=likely)
            self._display.start()
        mark = styled("✗", "red")
        try:
            yield
            mark = styled("✓", "green")
        finally:
            with self._lock:
                self._running -= 1
                self._display.remove_task(task)
                if not self._running:
                    self._display.stop()
            elapsed = time.monotonic() - started
            self._print(mark, f" {what} ", styled(f"{elapsed:.1f} s", "dim"))

    def note(self, text: str) -> None:
        """Print a line that isn't a step."""
        self._print(text)

    def _print(self, *parts: str | Text) -> None:
        texts = (styled(part, "") if isinstance(part, str) else part for part in parts)
        self._console.print(Text.assemble(*texts), soft_wrap=True)
