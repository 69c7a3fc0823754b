"""The releases of Neo4j's MCP server that can be deployed, with their checksums."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from server.errors import ServerImageError

PACKAGE = "neo4j-mcp-server"
# App Runner runs linux/amd64 only.
PLATFORM_TAG = "manylinux_2_17_x86_64"


@dataclass(frozen=True, kw_only=True)
class Release:
    """One official release, pinned.

    Attributes:
        version: Neo4j's version of the server.
        wheel_sha256: SHA-256 of the PyPI wheel for linux x86_64, as PyPI lists it.
        binary_sha256: SHA-256 of the static binary inside the wheel, as its RECORD lists it.
    """

    version: str
    wheel_sha256: str
    binary_sha256: str

    @property
    def wheel_name(self) -> str:
        """The wheel's file name on PyPI."""
        return f"{PACKAGE.replace('-', '_')}-{self.version}-py3-none-{PLATFORM_TAG}.whl"


RELEASES: Mapping[str, Release] = MappingProxyType(
    {
        release.version: release
        for release in (
            Release(
                version="1.6.1",
                wheel_sha256="3dec8bb271eb8fe58b525b123d4e7f6c672bfcc99cfc55fbbc6ab970c408521b",
                binary_sha256="b4b4983011dd832e22115ef1627abd13f30028f2b200b73ee92c51af67c6404e",
            ),
        )
    }
)


def find_release(version: str) -> Release:
    """Return the pinned release of a version such as ``1.6.1``.

    Raises:
        ServerImageError: the version has no pinned checksums.
    """
    try:
        return RELEASES[version]
    except KeyError:
        raise ServerImageError(unknown_release(version)) from None


def unknown_release(version: str) -> str:
    """Return why a version can't be deployed, and how to add it."""
    return (
        f"version {version} has no pinned checksums (known: {', '.join(sorted(RELEASES))}); to "
        f"deploy it, add the SHA-256 of its {PLATFORM_TAG} wheel and of the binary inside to "
        f"server/releases.py"
    )
