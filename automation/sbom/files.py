"""Writes SBOMs to files."""

import datetime as dt
import tempfile
from dataclasses import dataclass
from pathlib import Path

from automation.sbom.documents import Document, render
from automation.sbom.subjects import SpecVersion


@dataclass(frozen=True, kw_only=True)
class Written:
    """An SBOM in a file.

    Attributes:
        components: how many it has, without the subject.
    """

    path: Path
    components: int


def write(
    document: Document,
    folder: Path,
    name: str,
    time: dt.datetime | None,
    version: SpecVersion = SpecVersion.V1_6,
) -> Written:
    """Write an SBOM, replacing an earlier one at once.

    Args:
        folder: created if missing.
        name: the beginning of the file's name.
        time: see `render`.
        version: see `render`.
    """
    # The specification recommends this ending, by which tools recognize the format.
    path = folder / f"{name}.cdx.json"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as temporary:
        unfinished = Path(temporary) / path.name
        unfinished.write_text(render(document, time, version), encoding="utf-8", newline="\n")
        unfinished.replace(path)
    return Written(path=path, components=len(document.components))
