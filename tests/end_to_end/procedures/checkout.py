"""A checkout of the repository with a second version of the program."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tests.repository import ROOT

_TIMEOUT: Final = 300
_AUTHOR: Final = ("-c", "user.name=Test", "-c", "user.email=test@example.com")


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A clone with its own environment.

    Attributes:
        folder: the clone.
        changed: the commit with the changes; its parent is the repository's last one.
    """

    folder: Path
    changed: str

    @classmethod
    def of_repository(cls, folder: Path, changes: Mapping[str, tuple[str, str]]) -> Self:
        """Clone the repository, and commit changes.

        Args:
            folder: the folder to create.
            changes: the text to replace and its replacement, by the file's path.
        """
        _run("git", "clone", "--quiet", str(ROOT), str(folder), folder=ROOT)
        for package in ("functions", "server"):
            # The stand-in's providers look for what is built in the repository.
            (ROOT / package / "build").mkdir(exist_ok=True)
            (folder / package / "build").symlink_to(ROOT / package / "build")
        for path, (old, new) in changes.items():
            text = (folder / path).read_text(encoding="utf-8")
            assert text.count(old) == 1, path
            (folder / path).write_text(text.replace(old, new), encoding="utf-8")
        _run("git", *_AUTHOR, "commit", "--quiet", "--all", "--message", "Change", folder=folder)
        changed = _run("git", "rev-parse", "HEAD", folder=folder).strip()
        _run("./bootstrap.sh", "operate", folder=folder)
        return cls(folder=folder, changed=changed)

    def use(self, version: str) -> None:
        """Check a version out."""
        _run("git", "checkout", "--quiet", version, folder=self.folder)


def _run(*command: str, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, check=False, text=True, timeout=_TIMEOUT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
