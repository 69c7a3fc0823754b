"""Reads and writes files that only their owner can access."""

import errno
import os
import secrets
import stat
from pathlib import Path

from neo4j_mcp_client.errors import ConfigurationError, as_sentence

FILE_MODE = 0o600
"""The mode of private files: only their owner can read and write them."""

_FOLDER_MODE = 0o700
_REMEDIES = {
    errno.EISDIR: "Move the directory away: a file belongs there.",
    errno.ENOTDIR: "Move the file away: a directory belongs there.",
    errno.EEXIST: "Move the file away: a directory belongs there.",
    errno.ELOOP: "Replace the link with a file.",
    errno.ENOSPC: "Free some space on this disk.",
    errno.EDQUOT: "Free some of your quota on this disk.",
    errno.EROFS: "Use a writable disk: XDG_CONFIG_HOME and XDG_CACHE_HOME set the folders of the"
    " command line.",
}
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(path: Path) -> str | None:
    """Read a private file.

    Returns:
        Its text, or None if there is no such file.

    Raises:
        ConfigurationError: it is a link, it belongs to another user, others can read it, or it
            can't be read.
    """
    try:
        # Not through a link, which could point to a file prepared by somebody else.
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
    """Replace a private file atomically.

    Raises:
        ConfigurationError: it can't be written, or others can access the folder.
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
    """Delete a file, and return whether it existed.

    Raises:
        ConfigurationError: it can't be deleted.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unusable(path, error) from error
    return True


def prepare_folder(folder: Path) -> None:
    """Create a private folder, or check that an existing one is private.

    Raises:
        ConfigurationError: it can't be created, or others can access it.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise unusable(folder, error) from error
    _refuse_unless_private(folder, found, f"chmod 700 {folder}")


def unusable(path: Path, error: OSError) -> ConfigurationError:
    """Create the exception for a file that can't be used."""
    return ConfigurationError(
        as_sentence(f"{path} can't be used: {error.strerror or error}"),
        remedy=_REMEDIES.get(error.errno or 0, f"Check its owner and mode: ls -ld {path}"),
    )


def _refuse_unless_private(path: Path, found: os.stat_result, remedy: str) -> None:
    # On Windows, access lists protect a user's folders; modes don't show them.
    if os.name != "posix":
        return
    if found.st_uid != os.getuid():
        raise ConfigurationError(f"{path} belongs to another user.")
    if found.st_mode & _OTHERS:
        raise ConfigurationError(
            f"Others can read {path} (mode {stat.S_IMODE(found.st_mode):04o}).",
            remedy=f"Unless that is intended, restrict it: {remedy}",
        )
