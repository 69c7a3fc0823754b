"""Writes the parts that were collected to one file, without secrets."""

import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from automation.errors import AutomationError

PROBLEMS: Final = "problems.txt"
"""Where the archive lists the parts that couldn't be read."""
_OWNER_ONLY: Final = 0o600


class ArchiveError(AutomationError):
    """The archive can't be written."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of the archive.

    Attributes:
        name: the file's name.
        read: returns its content.
    """

    name: str
    read: Callable[[], str]


def collect(parts: Iterable[Part], blank: Callable[[str], str]) -> dict[str, str]:
    """Read all parts, and list those that can't be read in a part of their own.

    Args:
        blank: removes secrets from a text.

    Returns:
        The content by name, without secrets.
    """
    found, problems = {}, []
    for part in parts:
        try:
            found[part.name] = blank(part.read())
        except (AutomationError, BotoCoreError, ClientError, OSError) as error:
            problems.append(blank(f"{part.name}: {type(error).__name__}: {error}"))
    found[PROBLEMS] = "".join(f"{each}\n" for each in problems)
    return found


def write(path: Path, files: Mapping[str, str]) -> None:
    """Write an archive that only its owner can read.

    Raises:
        ArchiveError: there is such a file already, or it can't be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError:
        raise ArchiveError(
            f"{path} exists already. Name another file with --output, or delete it: rm {path}"
        ) from None
    except OSError as error:
        raise ArchiveError(f"{path} can't be written: {error.strerror}") from error
    with (
        os.fdopen(descriptor, "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, content in files.items():
            archive.writestr(name, content)
