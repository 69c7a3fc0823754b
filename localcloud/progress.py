"""Tells a person what goes on while they wait: one line a step, with how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Writes the steps of a long piece of work on standard error.

    On a terminal a running step shows a spinner; elsewhere it shows when it begins and when it
    ends, so that a build log tells where the time went.
    """

    def __init__(self, console: Console | None = None) -> None:
        """Write to a console.

        Args:
            console: where to write; standard error where none is given.
        """
        self._console = console or Console(stderr=True, highlight=False)
        self._depth = 0

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
        indent = "  " * self._depth
        self._depth += 1
        label = f"{what} ({expect})" if expect else what
        try:
            # Rich shows one live display at a time: an inner step writes lines only.
            if self._console.is_terminal and self._depth == 1:
                with self._console.status(label):
                    yield
            else:
                if expect:
                    self._console.print(f"{indent}… {label}", markup=False)
                yield
        except BaseException:
            self._finish(indent, "✗", what, started, style="red")
            raise
        finally:
            self._depth -= 1
        self._finish(indent, "✓", what, started, style="green")

    def note(self, text: str) -> None:
        """Show a line that is no step.

        Args:
            text: the line.
        """
        self._console.print("  " * self._depth + text, markup=False)

    def _finish(self, indent: str, mark: str, what: str, started: float, *, style: str) -> None:
        elapsed = time.monotonic() - started
        self._console.print(f"{indent}[{style}]{mark}[/{style}] {what} [dim]{elapsed:.1f} s[/dim]")
