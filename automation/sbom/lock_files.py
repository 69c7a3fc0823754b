"""Reads the lock files that `make lock` writes: pinned requirements with hashes and origins."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from automation.sbom.errors import SbomError

_PIN: Final = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)(?P<rest>.*)"
)
_HASH: Final = re.compile(r"--hash=(?P<algorithm>[a-z0-9]+):(?P<digest>[0-9a-f]+)")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_REQUIREMENTS: Final = "-r "
_CONSTRAINTS: Final = "-c "
_ORIGIN: Final = re.compile(r"\s+#\s+(?:via\s+)?(?!via$)(?P<origin>\S.*)")
_CONTINUED: Final = " \\"


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A requirement of a lock file.

    Attributes:
        name: normalized, as in ``typing-extensions``.
        marker: the environments that need it, such as ``sys_platform == 'win32'``; empty for all.
        hashes: SHA-256 of each of the release's files, sorted.
        required_by: normalized names of the pins that require it.
        is_direct: whether a requirement file of the repository names it.
    """

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()
    required_by: frozenset[str] = frozenset()
    is_direct: bool = False


def normalize(name: str) -> str:
    """Return a distribution's name in the spelling that PyPI compares."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(path: Path) -> Mapping[str, tuple[Pin, ...]]:
    """Return a lock file's pins by name. A name with several pins has another marker in each.

    Raises:
        SbomError: the file is missing or isn't as `make lock` writes it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SbomError(f"{path} can't be read ({error}): run make lock") from error
    found: dict[str, tuple[Pin, ...]] = {}
    for lines in _entries(text):
        pin = _pin(lines, path)
        found[pin.name] = (*found.get(pin.name, ()), pin)
    if not found:
        raise SbomError(f"{path} has no pinned requirement: run make lock")
    return found


def _entries(text: str) -> Iterator[list[str]]:
    """Yield the lines of each pin: the pin itself, its hashes, and the comments below it."""
    entry: list[str] = []
    for line in text.splitlines():
        if not line.startswith((" ", "#")) and line.strip():
            if entry:
                yield entry
            entry = []
        if entry or not line.startswith("#"):
            entry.append(line)
    if entry:
        yield entry


def _pin(lines: list[str], path: Path) -> Pin:
    match = _PIN.match(lines[0])
    hashes = tuple(found for line in lines for found in _HASH.finditer(line))
    if match is None or not hashes or any(each["algorithm"] != "sha256" for each in hashes):
        line = lines[0].rstrip(_CONTINUED)
        raise SbomError(f"{path} has no version and SHA-256 for {line!r}: run make lock")
    origins = tuple(_origins(lines))
    return Pin(
        name=normalize(match["name"]),
        version=match["version"],
        marker=match["rest"].strip(_CONTINUED).lstrip("; "),
        hashes=tuple(sorted(each["digest"] for each in hashes)),
        required_by=frozenset(
            normalize(name[0])
            for each in origins
            if not each.startswith((_REQUIREMENTS, _CONSTRAINTS)) and (name := _NAME.match(each))
        ),
        is_direct=any(each.startswith(_REQUIREMENTS) for each in origins),
    )


def _origins(lines: list[str]) -> Iterator[str]:
    """Yield what uv names below a pin after "via", in one line or one per line."""
    for line in lines:
        if match := _ORIGIN.fullmatch(line):
            yield match["origin"]
