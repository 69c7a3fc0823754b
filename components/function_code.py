"""Packs a Lambda function's code into the same bytes on every machine, so that its hash is known.

Pulumi compares code with what it last deployed, not with what Lambda runs, so it doesn't notice
code that was changed on Lambda. A check compares Lambda's hash with the one computed here.
"""

import base64
import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent
_FUNCTIONS = _PROJECT / "functions"
_BUILD = _FUNCTIONS / "build"
_UNIX = 3
_REGULAR_FILE = 0o100000
# 1980-01-01, the earliest time that a zip archive can express.
_DATE = (1980, 1, 1, 0, 0, 0)

RUNTIME = "python3.13"
"""What Lambda runs every function with."""
CANARY_HANDLER = "functions.canary.handler.handle"
"""The canary's handler; see `ROTATION_HANDLER`."""
ROTATION_HANDLER = "functions.rotation.handler.handle"
"""The rotation function's handler: its package keeps the repository's paths, so that imports are
the same in Lambda and here."""
LOG_HANDLER = "functions.logs.handler.handle"
"""The log function's handler; see `ROTATION_HANDLER`."""


@dataclass(frozen=True, kw_only=True)
class PackedFile:
    """A file of a package.

    Attributes:
        path: its path in the package.
        mode: permissions, such as 0o644.
    """

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644


def package(sources: Mapping[str, bytes], files: Iterable[PackedFile] = ()) -> bytes:
    """Pack sources, with Unix line endings, and other files, in the order of their paths.

    Args:
        sources: each source's content by its path in the package.
        files: what is packed as it is.
    """
    modules = (
        PackedFile(path=path, content=content.replace(b"\r\n", b"\n"))
        for path, content in sources.items()
    )
    packed = io.BytesIO()
    # Compressed bytes would depend on zlib's version.
    with zipfile.ZipFile(packed, "w", compression=zipfile.ZIP_STORED) as archive:
        for file in sorted((*modules, *files), key=lambda each: each.path):
            entry = zipfile.ZipInfo(file.path, date_time=_DATE)
            # The default is the system Python runs on.
            entry.create_system = _UNIX
            entry.external_attr = (_REGULAR_FILE | file.mode) << 16
            archive.writestr(entry, file.content)
    return packed.getvalue()


def code_sha256(packed: bytes) -> str:
    """Return the hash of a package as Lambda reports it (CodeSha256)."""
    return base64.b64encode(hashlib.sha256(packed).digest()).decode()


def claims_package() -> bytes:
    """Return the claims function's package."""
    return package({"handler.py": (_FUNCTIONS / "claims" / "handler.py").read_bytes()})


def canary_package() -> bytes:
    """Return the canary's package."""
    return package(function_sources("canary"))


def rotation_package() -> bytes:
    """Return the rotation function's package."""
    return package(function_sources("rotation", shared=("access.py",)))


def log_package() -> bytes:
    """Return the log function's package."""
    return package(function_sources("logs", shared=("access.py",)))


def function_sources(function: str, shared: Iterable[str] = ()) -> dict[str, bytes]:
    """Return a function's modules by their paths in the repository, which its package keeps.

    Args:
        function: the function's folder.
        shared: modules that several functions use.
    """
    names = ("__init__.py", *shared)
    files = [*(_FUNCTIONS / each for each in names), *(_FUNCTIONS / function).glob("*.py")]
    return {relative_to_project(path): path.read_bytes() for path in files}


def write_claims_package(build: Path = _BUILD) -> Path:
    """Write the claims function's package to a file named after its content.

    Args:
        build: the folder for it; created if missing. Concurrent runs can share it.
    """
    return write_package("claims", claims_package(), build)


def write_canary_package(build: Path = _BUILD) -> Path:
    """Write the canary's package to a file named after its content.

    Args:
        build: see `write_claims_package`.
    """
    return write_package("canary", canary_package(), build)


def write_rotation_package(build: Path = _BUILD) -> Path:
    """Write the rotation function's package to a file named after its content.

    Args:
        build: see `write_claims_package`.
    """
    return write_package("rotation", rotation_package(), build)


def write_log_package(build: Path = _BUILD) -> Path:
    """Write the log function's package to a file named after its content.

    Args:
        build: see `write_claims_package`.
    """
    return write_package("logs", log_package(), build)


def write_package(name: str, packed: bytes, build: Path = _BUILD) -> Path:
    """Write a package to a file named after its content.

    Args:
        name: the beginning of the file's name.
        build: see `write_claims_package`.
    """
    path = build / f"{name}-{hashlib.sha256(packed).hexdigest()[:12]}.zip"
    build.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=build)
    with os.fdopen(descriptor, "wb") as file:
        file.write(packed)
    Path(temporary).replace(path)
    return path


def relative_to_project(path: Path) -> str:
    """Return a path relative to the project, where the engine runs."""
    return path.relative_to(_PROJECT).as_posix()
