"""Files that are there whole or not at all, and folders that are their owner's alone."""

import os
from pathlib import Path

from localcloud.errors import LocalCloudError


def make_private_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, or close one that others can enter.

    Args:
        path: the folder.

    Raises:
        LocalCloudError: it belongs to another user, who could change what is in it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.geteuid():
        raise LocalCloudError(
            f"{path} belongs to another user. Name a folder of your own with LOCALCLOUD_HOME or"
            " LOCALCLOUD_CACHE."
        )
    path.chmod(0o700)


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file under another name and rename it.

    Args:
        path: the file; its folder is made, for its owner alone, where it is missing.
        text: its content.
        mode: its permissions.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
