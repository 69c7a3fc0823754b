"""The page of the procedures, and which of its blocks a rehearsal has run."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from tests.end_to_end.alarms.runbook import Runbook
from tests.repository import ROOT
from tests.runbook_page import RunbookPage

PAGE: Final = "docs/procedures.md"
PARTS: Final = ("When", "Affected", "Before", "Steps", "Verify", "Undo")


def read_page() -> RunbookPage:
    """Read the repository's procedures."""
    return RunbookPage.parse((ROOT / PAGE).read_text(encoding="utf-8"))


@dataclass(kw_only=True)
class Commands:
    """The commands of one procedure, which a rehearsal runs one part after the other.

    Attributes:
        key: the procedure's heading.
        book: runs them.
    """

    key: str
    book: Runbook
    _run: set[tuple[str, int]] = field(default_factory=set)

    def in_checkout(self, folder: Path) -> Self:
        """Return the same commands for another checkout; what they run counts here too."""
        return replace(self, book=replace(self.book, checkout=folder))

    def for_stack(self, stack: str) -> Self:
        """Return the same commands for another stack; what they run counts here too."""
        return replace(self, book=replace(self.book, stack=stack))

    def run(self, part: str, **variables: str) -> str:
        """Run the commands of a part, and return what they print; see `Runbook.run`."""
        output = self.book.run(self.key, part, **variables)
        blocks = self.book.page.blocks(self.key, part)
        self._run.update((part, number) for number, _ in enumerate(blocks))
        return output

    def run_block(self, part: str, block: int, **variables: str) -> str:
        """Run one block of a part; see `Runbook.run_block`."""
        output = self.book.run_block(self.key, part, block, **variables)
        self._run.add((part, block))
        return output

    def require_all_run(self) -> None:
        """Require that every block of the procedure has been run."""
        blocks = {
            (part, number)
            for part in PARTS
            for number, _ in enumerate(self.book.page.blocks(self.key, part))
        }
        assert not blocks - self._run, f"{self.key} has blocks that nothing runs"
