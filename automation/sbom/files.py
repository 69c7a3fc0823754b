"""Writes SBOMs to files."""

import datetime as dt
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from automation.sbom.documents import Document, render


@dataclass(frozen=True, kw_only=True)
class Written:
    """An SBOM in a file.

    Attributes:
        components: how many it has, without the subject.
    """

    path: Path
    components: int


def write(document: Document, folder: Path, name: str, time: dt.datetime | None) -> Written:
    """Write an SBOM, replacing an earlier one at once.

    Args:
        folder: created if missing.
        name: the beginning of the file's name.
        time: see `render`.
    """
    # The specification recommends this ending, by which tools recognize the format.
    path = folder / f"{name}.cdx.json"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=folder, prefix=f".{name}-")
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(render(document, time))
    # mkstemp lets only the owner read.
    Path(unfinished).chmod(0o644)
    Path(unfinished).replace(path)
    return Written(path=path, components=len(document.components))
