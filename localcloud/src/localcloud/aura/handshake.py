"""Bolt's handshake: which version of the protocol the two sides speak.

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
"""What the gateway speaks, best first: what Neo4j 5.26 does, which leaves 5.5 out."""

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
"""The answer to a client that asks for the manifest: all versions on offer."""


class HandshakeError(ValueError):
    """The bytes are no Bolt handshake."""


def wants_manifest(request: bytes) -> bool:
    """Tell whether a client asks for the list of versions.

    Args:
        request: the client's 20 bytes.

    Returns:
        True where one of its proposals is manifest v1.

    Raises:
        HandshakeError: the request does not begin with Bolt's magic number.
    """
    return _MANIFEST_PROPOSAL in _proposals(request)


def choose_version(request: bytes) -> Version | None:
    """Choose the version for a client without the manifest.

    Args:
        request: the client's 20 bytes.

    Returns:
        The first version of the client's list that the gateway speaks, the highest of a range;
        None where there is none.

    Raises:
        HandshakeError: the request does not begin with Bolt's magic number.
    """
    for proposal in _proposals(request):
        _, minors_below, minor, major = proposal
        for version in SUPPORTED:
            if version.major == major and minor - minors_below <= version.minor <= minor:
                return version
    return None


def read_choice(answer: bytes) -> Version:
    """Read the version that a client chose from the manifest.

    Args:
        answer: the client's four bytes.

    Returns:
        The version.

    Raises:
        HandshakeError: it was not on offer.
    """
    version = Version(answer[3], answer[2])
    if answer[:2] != bytes(2) or version not in SUPPORTED:
        raise HandshakeError("the client chose a version that was not on offer")
    return version


def encode(version: Version) -> bytes:
    """Write a version as the handshake does.

    Args:
        version: the version.

    Returns:
        Four bytes.
    """
    return bytes((0, 0, version.minor, version.major))


def request(version: Version) -> bytes:
    """Make a client's request for exactly one version.

    Args:
        version: the version.

    Returns:
        20 bytes.
    """
    return MAGIC + encode(version) + bytes(3 * _VERSION_SIZE)


def _proposals(handshake: bytes) -> list[bytes]:
    if len(handshake) != REQUEST_SIZE or not handshake.startswith(MAGIC):
        raise HandshakeError("the connection does not begin with Bolt's handshake")
    return [
        handshake[start : start + _VERSION_SIZE]
        for start in range(len(MAGIC), REQUEST_SIZE, _VERSION_SIZE)
    ]
