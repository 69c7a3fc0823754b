"""Files that only their owner can read, in folders that only their owner can enter."""

import errno
import os
import secrets
import stat
from pathlib import Path

from neo4j_mcp_client.errors import ConfigurationError

FILE_MODE = 0o600
"""Mode of the files: their owner's alone."""

_FOLDER_MODE = 0o700
_REMEDIES = {
    errno.EISDIR: "Move the directory away: a file belongs there.",
    errno.ENOTDIR: "Move the file away: a directory belongs there.",
    errno.EEXIST: "Move the file away: a directory belongs there.",
    errno.ELOOP: "Put a file in the place of the link.",
    errno.ENOSPC: "Free some space on this disk.",
    errno.EDQUOT: "Free some space of your quota on this disk.",
    errno.EROFS: "Name a file on a disk that can be written to: XDG_CONFIG_HOME and XDG_CACHE_HOME"
    " move the command line's.",
}
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(path: Path) -> str | None:
    """Read a private file.

    Returns:
        Its text, or None if there is no such file.

    Raises:
        ConfigurationError: it is a link or another person's, others can read it, or it can't be
            read.
    """
    try:
        # Not through a link: it could lead to a file that somebody else prepared.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, error) from error
    try:
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
            _refuse_unless_private(path, os.fstat(descriptor), f"chmod 600 {path}")
            return file.read()
    except OSError as error:
        if isinstance(error, IsADirectoryError):
            os.close(descriptor)
        raise unusable(path, error) from error


def replace(path: Path, text: str) -> None:
    """Write a private file, in the place of the one before: a reader sees the one or the other.

    Raises:
        ConfigurationError: it can't be written, or others can enter the folder.
    """
    prepare_folder(path.parent)
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise unusable(path, error) from error


def remove(path: Path) -> bool:
    """Remove a file.

    Raises:
        ConfigurationError: it can't be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unusable(path, error) from error
    return True


def prepare_folder(folder: Path) -> None:
    """Make a private folder, or see that the one that is there is private.

    Raises:
        ConfigurationError: it can't be made, or others can enter it.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise unusable(folder, error) from error
    _refuse_unless_private(folder, found, f"chmod 700 {folder}")


def unusable(path: Path, error: OSError) -> ConfigurationError:
    """Describe a file that can't be used."""
    return ConfigurationError(
        f"{path} can't be used: {error.strerror or error}.",
        remedy=_REMEDIES.get(error.errno or 0, f"See whose it is: ls -ld {path}"),
    )


def _refuse_unless_private(path: Path, found: os.stat_result, remedy: str) -> None:
    # Elsewhere a person's own folders are guarded by access lists, which modes don't show.
    if os.name != "posix":
        return
    if found.st_uid != os.getuid():
        raise ConfigurationError(f"{path} belongs to another user.")
    if found.st_mode & _OTHERS:
        raise ConfigurationError(
            f"Others can read {path} (mode {stat.S_IMODE(found.st_mode):04o}).",
            remedy=f"If that was never so on purpose, take it away: {remedy}",
        )
