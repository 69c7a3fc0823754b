"""The function's package: the official binary, its files and the handler."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.function_code import (
    PackedFile,
    code_sha256,
    function_sources,
    package,
    write_package,
)
from server.certificates import ca_bundle
from server.releases import Architecture, Release, find_release
from server.time_zones import time_zones
from server.wheel import fetch_binary

_PROJECT = Path(__file__).resolve().parents[3]
HANDLER = "functions.server.handler.handle"
"""The package keeps the repository's paths, so that imports are the same in Lambda and here."""
HEALTH_EVENT: Final = {"check": "health"}
"""The event that fails unless the server answers. No request to the function URL makes it."""


@dataclass(frozen=True, kw_only=True)
class ServerPackage:
    """A written package.

    Attributes:
        path: the zip archive.
        code_sha256: its hash, as Lambda reports it.
    """

    path: Path
    code_sha256: str


def prepare_package(
    version: str,
    architecture: Architecture,
    *,
    trusted_certificates: str,
    wheels: Path = _PROJECT / "server" / "build" / "wheels",
    build: Path = _PROJECT / "functions" / "build",
    fetch: Callable[[Release, Path], bytes] = fetch_binary,
) -> ServerPackage:
    """Write the package, with the same bytes on every machine, to a file named after its content.

    Args:
        version: version of the server, one of `server.releases.RELEASES`.
        architecture: what the function runs on.
        trusted_certificates: certificate authorities (PEM) to trust in addition to the public ones;
            can be empty.
        wheels: folder that keeps wheels between runs.
        build: folder for packages; created if missing. Concurrent runs can share both.
        fetch: returns a release's binary, given a folder for wheels; `fetch_binary` by default.

    Raises:
        ServerImageError: the version is unknown, can't be fetched, or differs from the pinned one.
    """
    binary = fetch(find_release(version, architecture), wheels)
    packed = package(
        function_sources("server"),
        [
            PackedFile(path="neo4j-mcp-server", content=binary, mode=0o755),
            PackedFile(path="ca-certificates.crt", content=ca_bundle(trusted_certificates)),
            PackedFile(path="zoneinfo.zip", content=time_zones()),
        ],
    )
    return ServerPackage(
        path=write_package("server", packed, build), code_sha256=code_sha256(packed)
    )
