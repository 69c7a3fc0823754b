"""Files that hold secrets: whole or absent, and readable by their owner only."""

import os
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write a file that only its owner can read; a reader never sees half of it.

    Args:
        path: the file; its folder is made, for the owner alone, where it is missing.
        text: its content.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        # An earlier file of this name may have had a wider mode.
        os.fchmod(descriptor, 0o600)
        file.write(text)
    unfinished.replace(path)
