"""Compares what a binary says it was built from with the release that it is pinned as.

A checksum proves that the bytes are those that were pinned, not that the right ones were: it can
be pinned next to the wrong version or architecture.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from server.build_information import (
    BuildInformation,
    BuildInformationError,
    read_build_information,
)
from server.errors import ServerImageError
from server.releases import PACKAGE, Architecture, Release

MODULE: Final = "github.com/neo4j/mcp"
"""The server's Go module."""
GO_ARCHITECTURES: Final[Mapping[Architecture, str]] = MappingProxyType(
    {Architecture.X86_64: "amd64", Architecture.ARM64: "arm64"}
)
"""Go's and Docker's names of AWS's architectures."""


def verify_release(binary: bytes, release: Release) -> BuildInformation:
    """Return a binary's build information if it is that of the release.

    Raises:
        ServerImageError: the binary has none, or is another program, version or platform.
    """
    try:
        found = read_build_information(binary)
    except BuildInformationError as error:
        raise ServerImageError(
            f"the binary in {release.wheel_name} isn't the server: {error}\nHas {PACKAGE} changed"
            f" its layout, or is the wrong checksum in server/releases.py?"
        ) from error
    pinned = (MODULE, f"v{release.version}", "linux", GO_ARCHITECTURES[release.architecture])
    system, architecture = (found.settings.get(name, "?") for name in ("GOOS", "GOARCH"))
    # Go appends +dirty, since the recipe of the wheels copies main.go before it builds.
    version, _, _ = found.main.version.partition("+")
    if (found.main.path, version, system, architecture) != pinned:
        built = _describe(found.main.path, found.main.version, system, architecture)
        raise ServerImageError(
            f"server/releases.py pins the binary in {release.wheel_name} as {_describe(*pinned)},"
            f" but it was built from {built}: correct the checksums there"
        )
    return found


def _describe(path: str, version: str, system: str, architecture: str) -> str:
    return f"{path} {version} for {system}/{architecture}"
