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
from collections.abc import Mapping
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent
_FUNCTIONS = _PROJECT / "functions"
_BUILD = _FUNCTIONS / "build"
_UNIX = 3
_REGULAR_FILE = 0o100644
# 1980-01-01, the earliest time that a zip archive can express.
_DATE = (1980, 1, 1, 0, 0, 0)

ROTATION_HANDLER = "functions.rotation.handler.handle"
"""The rotation function's handler: its package keeps the repository's paths, so that imports are
the same in Lambda and here."""


def package(sources: Mapping[str, bytes]) -> bytes:
    """Pack sources, with Unix line endings and in the order of their paths.

    Args:
        sources: each file's content by its path in the package.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression=zipfile.ZIP_STORED) as archive:
        for path in sorted(sources):
            entry = zipfile.ZipInfo(path, date_time=_DATE)
            # The default is the system Python runs on. Compressed bytes would depend on zlib's
            # version.
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE << 16
            archive.writestr(entry, sources[path].replace(b"\r\n", b"\n"))
    return packed.getvalue()


def code_sha256(packed: bytes) -> str:
    """Return the hash of a package as Lambda reports it (CodeSha256)."""
    return base64.b64encode(hashlib.sha256(packed).digest()).decode()


def claims_package() -> bytes:
    """Return the claims function's package."""
    return package({"handler.py": (_FUNCTIONS / "claims" / "handler.py").read_bytes()})


def rotation_package() -> bytes:
    """Return the rotation function's package."""
    files = [_FUNCTIONS / "__init__.py", *(_FUNCTIONS / "rotation").glob("*.py")]
    return package({relative_to_project(path): path.read_bytes() for path in files})


def write_claims_package(build: Path = _BUILD) -> Path:
    """Write the claims function's package to a file named after its content.

    Args:
        build: the folder for it; created if missing. Concurrent runs can share it.
    """
    return _write("claims", claims_package(), build)


def write_rotation_package(build: Path = _BUILD) -> Path:
    """Write the rotation function's package to a file named after its content.

    Args:
        build: see `write_claims_package`.
    """
    return _write("rotation", rotation_package(), build)


def _write(name: str, packed: bytes, build: Path) -> Path:
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
