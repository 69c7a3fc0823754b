"""The sections of the runbook and of the procedures, their parts and the commands in them."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from components.monitoring.alarm import RUNBOOK
from tests.repository import ROOT

PARTS: Final = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Over")
_SECTION: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_PART: Final = re.compile(r"^\*\*(\w+)\.\*\*", re.MULTILINE)
_COMMANDS: Final = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"^[a-z]+=[^\s(]*\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class RunbookPage:
    """The runbook.

    Attributes:
        introduction: the text before the first section.
        sections: each section's text by its alarm's key.
    """

    introduction: str
    sections: Mapping[str, str]

    @classmethod
    def read(cls) -> Self:
        """Read the repository's runbook."""
        return cls.parse((ROOT / RUNBOOK).read_text(encoding="utf-8"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Split the text of a runbook into its sections."""
        introduction, *found = _SECTION.split(text)
        return cls(
            introduction=introduction,
            sections=dict(zip(found[::2], found[1::2], strict=True)),
        )

    def parts(self, key: str) -> dict[str, str]:
        """Return a section's parts by their titles, in the page's order."""
        _, *found = _PART.split(self.sections[key])
        return dict(zip(found[::2], found[1::2], strict=True))

    def commands(self, key: str, part: str) -> str:
        """Return the commands of a part of a section; empty if it has none."""
        return commands_in(self.parts(key)[part])

    def blocks(self, key: str, part: str) -> list[str]:
        """Return the commands of a part of a section, block by block."""
        return _COMMANDS.findall(self.parts(key)[part])

    def script(
        self, key: str, part: str, values: Mapping[str, str], block: int | None = None
    ) -> str:
        """Return a part's commands after the introduction's, with a reader's values.

        Args:
            values: what replaces the value of each line ``name=value``.
            block: a block's number, from 0, for that block and the assignments before it; None
                for all blocks.

        Raises:
            LookupError: the part has no commands, or no line assigns one of the names.
        """
        blocks = self.blocks(key, part)
        if not blocks:
            raise LookupError(f"{key} has no commands in {part}")
        if block is None:
            own = "".join(blocks)
        else:
            # A person's shell still has what was assigned before.
            assigned = _ASSIGNMENT.findall("".join(blocks[:block]))
            own = "".join([*assigned, blocks[block]])
        script = commands_in(self.introduction) + own
        for name, value in values.items():
            line = f"{name}={shlex.quote(value)}"
            script, count = re.subn(
                rf"^{re.escape(name)}=.*$",
                lambda _, line=line: line,  # type: ignore[misc]  # mypy infers no type for it
                script,
                flags=re.MULTILINE,
            )
            if not count:
                raise LookupError(f"no line assigns {name} in {part} of {key}")
        return script


def commands_in(text: str) -> str:
    """Return the lines of a text's blocks of commands."""
    return "".join(_COMMANDS.findall(text))
