"""The releases of Neo4j's MCP server that can be deployed, with their checksums."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from server.errors import ServerImageError

PACKAGE = "neo4j-mcp-server"


class Architecture(enum.StrEnum):
    """A processor architecture, by AWS's name for it."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


_PLATFORM_TAGS: Mapping[Architecture, str] = MappingProxyType(
    {
        Architecture.X86_64: "manylinux_2_17_x86_64",
        Architecture.ARM64: "manylinux_2_17_aarch64",
    }
)


@dataclass(frozen=True, kw_only=True)
class Release:
    """One official release for one architecture, pinned.

    Attributes:
        version: Neo4j's version of the server.
        architecture: what the binary runs on.
        wheel_sha256: SHA-256 of the PyPI wheel, as PyPI lists it.
        binary_sha256: SHA-256 of the static binary inside the wheel, as its RECORD lists it.
    """

    version: str
    architecture: Architecture = Architecture.X86_64
    wheel_sha256: str
    binary_sha256: str

    @property
    def platform_tag(self) -> str:
        """The wheel's platform, in pip's spelling."""
        return _PLATFORM_TAGS[self.architecture]

    @property
    def wheel_name(self) -> str:
        """The wheel's file name on PyPI."""
        return f"{PACKAGE.replace('-', '_')}-{self.version}-py3-none-{self.platform_tag}.whl"


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


ARM64_RELEASES: Mapping[str, Release] = MappingProxyType(
    {
        release.version: release
        for release in (
            Release(
                version="1.6.1",
                architecture=Architecture.ARM64,
                wheel_sha256="8c95ad70558e19082112f898d92d4e2c5e40a3d75b829447ab7a3127af112ba9",
                binary_sha256="8564c5725292cea5898201c8297b770b61468c6f88bdf574f6bd2acf32ff89cc",
            ),
        )
    }
)
"""The same releases for arm64."""


def find_release(version: str, architecture: Architecture = Architecture.X86_64) -> Release:
    """Return the pinned release of a version such as ``1.6.1``.

    Raises:
        ServerImageError: the version has no pinned checksums.
    """
    releases = {Architecture.X86_64: RELEASES, Architecture.ARM64: ARM64_RELEASES}[architecture]
    try:
        return releases[version]
    except KeyError:
        raise ServerImageError(unknown_release(version)) from None


def unknown_release(version: str) -> str:
    """Return why a version can't be deployed, and how to add it."""
    return (
        f"version {version} has no pinned checksums (known: {', '.join(sorted(RELEASES))}); to "
        f"deploy it, add the SHA-256 of its {' and '.join(_PLATFORM_TAGS.values())} wheels and of "
        f"the binaries inside to server/releases.py"
    )
