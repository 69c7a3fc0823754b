"""Tells a person what goes on while they wait: one line a step, with how long it took."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as LiveDisplay
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


class Progress:
    """Writes the steps of a long piece of work on standard error; steps may run side by side.

    On a terminal each running step shows a spinner and its time so far; elsewhere a long step
    writes a line when it begins, so that a build log tells what it waits for.
    """

    def __init__(self, console: Console | None = None) -> None:
        """Write to a console.

        Args:
            console: where to write; standard error where none is given.
        """
        self._console = console or Console(stderr=True, highlight=False)
        self._running = 0
        self._lock = threading.Lock()
        self._display = LiveDisplay(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

    @contextmanager
    def step(self, what: str, *, expect: str = "") -> Iterator[None]:
        """Show one step while it runs.

        Args:
            what: what is being done, as a phrase: "Building the Pulumi engine".
            expect: how long it is likely to take, for the long ones: "about 4 minutes, once".

        Yields:
            Nothing; the step ends with the block, failed where the block raises.
        """
        started = time.monotonic()
        label = f"{what} [dim]({expect})[/dim]" if expect else what
        if expect and not self._console.is_terminal:
            self._console.print(f"… {label}")
        with self._lock:
            self._running += 1
            task = self._display.add_task(label, total=None)
            self._display.start()
        mark = "[red]✗[/red]"
        try:
            yield
            mark = "[green]✓[/green]"
        finally:
            with self._lock:
                self._running -= 1
                self._display.remove_task(task)
                if not self._running:
                    self._display.stop()
            elapsed = time.monotonic() - started
            self._console.print(f"{mark} {what} [dim]{elapsed:.1f} s[/dim]")

    def note(self, text: str) -> None:
        """Show a line that is no step.

        Args:
            text: the line.
        """
        self._console.print(text, markup=False)
