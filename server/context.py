"""Writes the image's build context, with the same bytes, modes and times on every machine."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.certificates import ca_bundle
from server.errors import ServerImageError
from server.releases import Release, find_release
from server.time_zones import time_zones
from server.wheel import fetch_binary

_DOCKERFILE = Path(__file__).with_name("Dockerfile")
_BINARY = "neo4j-mcp-server"
_CERTIFICATES = "ca-certificates.crt"
_TIME_ZONES = "zoneinfo.zip"
# 1980-01-01, the earliest time that a zip archive can express.
_TIMESTAMP = 315_532_800
_TAG_DIGITS = 16
# A concurrent run can win each attempt, and there are never many runs.
_ATTEMPTS = 10


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """A folder that Docker builds the server's image from.

    Attributes:
        directory: the folder.
        tag: the version and a hash of the content.
        arguments: Docker build arguments.
    """

    directory: Path
    tag: str
    arguments: Mapping[str, str]

    @property
    def dockerfile(self) -> Path:
        """The Dockerfile, inside the folder."""
        return self.directory / _DOCKERFILE.name


@dataclass(frozen=True, kw_only=True)
class _File:
    name: str
    mode: int
    content: bytes


def prepare_context(
    version: str,
    *,
    trusted_certificates: str,
    build: Path,
    dockerfile: Path = _DOCKERFILE,
    fetch: Callable[[Release, Path], bytes] = fetch_binary,
) -> BuildContext:
    """Prepare the folder that the image is built from.

    Args:
        version: version of the server, one of `server.releases.RELEASES`.
        trusted_certificates: certificate authorities (PEM) to trust in addition to the public ones;
            can be empty.
        build: folder for wheels and contexts; created if missing. Concurrent runs can share it.
        dockerfile: the Dockerfile to copy; server/Dockerfile by default.
        fetch: returns a release's binary, given a folder for wheels; `fetch_binary` by default.

    Raises:
        ServerImageError: the version is unknown, can't be fetched, or differs from the pinned one.
    """
    binary = fetch(find_release(version), build / "wheels")
    files = (
        _File(name=_CERTIFICATES, mode=0o644, content=ca_bundle(trusted_certificates)),
        _File(name=_DOCKERFILE.name, mode=0o644, content=_unix_lines(dockerfile.read_bytes())),
        _File(name=_BINARY, mode=0o755, content=binary),
        _File(name=_TIME_ZONES, mode=0o644, content=time_zones()),
    )
    # With a fixed time, the same content makes the same layers. Source: "SOURCE_DATE_EPOCH" in
    # BuildKit's documentation of reproducible builds.
    arguments = {"VERSION": version, "SOURCE_DATE_EPOCH": str(_TIMESTAMP)}
    tag = f"{version}-{_digest(files, arguments)[:_TAG_DIGITS]}"
    directory = build / "contexts" / tag
    if not _contains(directory, files):
        _write(directory, files)
    return BuildContext(directory=directory, tag=tag, arguments=arguments)


def _unix_lines(content: bytes) -> bytes:
    # A checkout or a certificate file can have Windows line endings.
    return content.replace(b"\r\n", b"\n")


def _digest(files: tuple[_File, ...], arguments: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(arguments.items()):
        digest.update(f"argument {key}={value}\n".encode())
    for file in files:
        content = hashlib.sha256(file.content).hexdigest()
        digest.update(f"file {file.name} {file.mode:o} {content}\n".encode())
    return digest.hexdigest()


def _contains(directory: Path, files: tuple[_File, ...]) -> bool:
    try:
        found = {path.name: path.read_bytes() for path in directory.iterdir()}
    except OSError:
        # It doesn't exist, or a concurrent run is replacing it.
        return False
    return found == {file.name: file.content for file in files}


def _write(directory: Path, files: tuple[_File, ...]) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".new-") as temporary:
        fresh = Path(temporary) / "context"
        fresh.mkdir()
        for file in files:
            path = fresh / file.name
            path.write_bytes(file.content)
            path.chmod(file.mode)
            os.utime(path, (_TIMESTAMP, _TIMESTAMP))
        fresh.chmod(0o755)
        for attempt in range(_ATTEMPTS):
            try:
                fresh.rename(directory)
            except OSError:
                if _contains(directory, files):
                    # A concurrent run was first.
                    return
                # A damaged context is in the way, or was until just now.
                with contextlib.suppress(OSError):
                    directory.rename(Path(temporary) / f"damaged-{attempt}")
            else:
                return
    raise ServerImageError(f"{directory} is damaged and can't be replaced: delete it")
