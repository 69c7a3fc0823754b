"""Lays the image's build context out: the same bytes, modes and times on every machine."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import certifi

from server.errors import ServerImageError
from server.releases import find_release
from server.time_zones import time_zones
from server.wheel import fetch_binary

_DOCKERFILE = Path(__file__).with_name("Dockerfile")
_BINARY = "neo4j-mcp-server"
_CERTIFICATES = "ca-certificates.crt"
_TIME_ZONES = "zoneinfo.zip"
# 1980-01-01, the earliest time that zip archives know too.
_TIMESTAMP = 315_532_800
_TAG_DIGITS = 16
# Each may be lost to a run beside this one, and there are never many.
_ATTEMPTS = 10


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """A folder that docker builds the server's image from.

    Attributes:
        directory: the folder.
        tag: tag of the image, made from the version and the content: other content, other tag.
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


def prepare_context(version: str, *, trusted_certificates: str, build: Path) -> BuildContext:
    """Put together what the image is built from.

    Args:
        version: version of the server, one of `server.releases.RELEASES`.
        trusted_certificates: further certificate authorities that the server trusts (PEM); empty
            for the public ones alone.
        build: folder for wheels and contexts; made where it is missing. Two runs may share it at
            the same time.

    Returns:
        The build context, complete.

    Raises:
        ServerImageError: the version is unknown, can't be fetched, or is not what was pinned.
    """
    binary = fetch_binary(find_release(version), build / "wheels")
    files = (
        _File(name=_CERTIFICATES, mode=0o644, content=_ca_bundle(trusted_certificates)),
        _File(name=_DOCKERFILE.name, mode=0o644, content=_unix_lines(_DOCKERFILE.read_bytes())),
        _File(name=_BINARY, mode=0o755, content=binary),
        _File(name=_TIME_ZONES, mode=0o644, content=time_zones()),
    )
    # With the same time in it, the same content makes the same layers. Source: "SOURCE_DATE_EPOCH"
    # in BuildKit's documentation of reproducible builds.
    arguments = {"VERSION": version, "SOURCE_DATE_EPOCH": str(_TIMESTAMP)}
    tag = f"{version}-{_digest(files, arguments)[:_TAG_DIGITS]}"
    directory = build / "contexts" / tag
    if not _holds(directory, files):
        _lay_out(directory, files)
    return BuildContext(directory=directory, tag=tag, arguments=arguments)


def _ca_bundle(trusted_certificates: str) -> bytes:
    public = Path(certifi.where()).read_bytes()
    further = _unix_lines(trusted_certificates.strip().encode())
    return public + b"\n" + further + b"\n" if further else public


def _unix_lines(content: bytes) -> bytes:
    # A checkout, or a file of certificates, may come with Windows line endings.
    return content.replace(b"\r\n", b"\n")


def _digest(files: tuple[_File, ...], arguments: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(arguments.items()):
        digest.update(f"argument {key}={value}\n".encode())
    for file in files:
        content = hashlib.sha256(file.content).hexdigest()
        digest.update(f"file {file.name} {file.mode:o} {content}\n".encode())
    return digest.hexdigest()


def _holds(directory: Path, files: tuple[_File, ...]) -> bool:
    try:
        found = {path.name: path.read_bytes() for path in directory.iterdir()}
    except OSError:
        # Not there, or being put right by a run beside this one.
        return False
    return found == {file.name: file.content for file in files}


def _lay_out(directory: Path, files: tuple[_File, ...]) -> None:
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
                if _holds(directory, files):
                    # A run beside this one was first.
                    return
                # A damaged context is in the way, or was until a moment ago.
                with contextlib.suppress(OSError):
                    directory.rename(Path(temporary) / f"damaged-{attempt}")
            else:
                return
    raise ServerImageError(f"{directory} is in the way: delete it")
