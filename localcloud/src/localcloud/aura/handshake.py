"""Bolt's handshake: the two sides agree on a version of the protocol.

Source: Neo4j's Bolt protocol documentation, "Handshake" (version ranges since 4.3, manifest v1
since 5.7).
"""

from typing import Final, NamedTuple

MAGIC: Final = bytes.fromhex("6060b017")
REQUEST_SIZE: Final = 20
"""Bytes of a client's request: the magic number and four proposals of four bytes."""

NO_VERSION: Final = bytes(4)
_MANIFEST_PROPOSAL: Final = bytes.fromhex("000001ff")
_VERSION_SIZE: Final = 4


class Version(NamedTuple):
    """A version of Bolt."""

    major: int
    minor: int


SUPPORTED: Final = (
    *(Version(5, minor) for minor in (8, 7, 6, 4, 3, 2, 1, 0)),
    Version(4, 4),
)
"""The versions of the gateway, best first: those of Neo4j 5.26, which leaves out 5.5."""

NO_CAPABILITIES: Final = b"\x00"
# Three ranges cover SUPPORTED: 5.8 and two minors below, 5.4 and four below, 4.4.
MANIFEST: Final = (
    _MANIFEST_PROPOSAL
    + b"\x03"
    + bytes((0, 2, 8, 5))
    + bytes((0, 4, 4, 5))
    + bytes((0, 0, 4, 4))
    + NO_CAPABILITIES
)
"""The response to a client that requests the manifest: all supported versions."""


class HandshakeError(ValueError):
    """The bytes are not a Bolt handshake."""


def wants_manifest(request: bytes) -> bool:
    """Return whether a client's 20 bytes propose manifest v1, the list of versions.

    Raises:
        HandshakeError: they don't begin with Bolt's magic number.
    """
    return _MANIFEST_PROPOSAL in _proposals(request)


def choose_version(request: bytes) -> Version | None:
    """Choose the version for a client that doesn't use the manifest.

    Args:
        request: the client's 20 bytes.

    Returns:
        The first supported version in the client's list, the highest of a range; None if there is
        none.

    Raises:
        HandshakeError: the request doesn't begin with Bolt's magic number.
    """
    for proposal in _proposals(request):
        _, minors_below, minor, major = proposal
        for version in SUPPORTED:
            if version.major == major and minor - minors_below <= version.minor <= minor:
                return version
    return None


def read_choice(choice: bytes) -> Version:
    """Decode the version that a client chose from the manifest with four bytes.

    Raises:
        HandshakeError: the manifest doesn't contain it.
    """
    version = Version(choice[3], choice[2])
    if choice[:2] != bytes(2) or version not in SUPPORTED:
        raise HandshakeError("the client chose a version that the manifest doesn't contain")
    return version


def encode(version: Version) -> bytes:
    """Encode a version as the handshake's four bytes."""
    return bytes((0, 0, version.minor, version.major))


def request(version: Version) -> bytes:
    """Encode a client's request of 20 bytes for exactly one version."""
    return MAGIC + encode(version) + bytes(3 * _VERSION_SIZE)


def _proposals(handshake: bytes) -> list[bytes]:
    if len(handshake) != REQUEST_SIZE or not handshake.startswith(MAGIC):
        raise HandshakeError("the connection doesn't begin with Bolt's handshake")
    return [
        handshake[start : start + _VERSION_SIZE]
        for start in range(len(MAGIC), REQUEST_SIZE, _VERSION_SIZE)
    ]
