"""Bolt's messages: their tags, and the responses that the gateway sends itself.

Source: Neo4j's Bolt protocol documentation, "Messages" and "Server-side failures"; GQL status
codes from Neo4j's "Status codes for errors".
"""

from enum import IntEnum
from typing import Final

from localcloud.aura.chunking import to_chunks
from localcloud.aura.handshake import Version
from localcloud.aura.packstream import Structure, Value, pack


class Request(IntEnum):
    """The messages a client sends."""

    HELLO = 0x01
    GOODBYE = 0x02
    RESET = 0x0F
    RUN = 0x10
    BEGIN = 0x11
    COMMIT = 0x12
    ROLLBACK = 0x13
    DISCARD = 0x2F
    PULL = 0x3F
    TELEMETRY = 0x54
    ROUTE = 0x66
    LOGON = 0x6A
    LOGOFF = 0x6B


class Response(IntEnum):
    """The messages a server sends."""

    SUCCESS = 0x70
    RECORD = 0x71
    IGNORED = 0x7E
    FAILURE = 0x7F


class Code:
    """Neo4j's status codes that the gateway sends or reads."""

    ACCESS_MODE: Final = "Neo.ClientError.Statement.AccessMode"
    AUTHORIZATION_EXPIRED: Final = "Neo.ClientError.Security.AuthorizationExpired"
    FORBIDDEN: Final = "Neo.ClientError.Security.Forbidden"
    INVALID_REQUEST: Final = "Neo.ClientError.Request.Invalid"
    PROVIDER_FAILED: Final = "Neo.TransientError.Security.AuthProviderFailed"
    PROVIDER_TIMEOUT: Final = "Neo.TransientError.Security.AuthProviderTimeout"
    TOKEN_EXPIRED: Final = "Neo.ClientError.Security.TokenExpired"  # noqa: S105 - a status code
    UNAUTHORIZED: Final = "Neo.ClientError.Security.Unauthorized"
    UNAVAILABLE: Final = "Neo.TransientError.General.DatabaseUnavailable"


class BoltError(Exception):
    """A failure to send to the client.

    Attributes:
        code: Neo4j's status code.
        message: Neo4j's message; never contains a part of a token.
    """

    def __init__(self, code: str, message: str) -> None:
        """Create a failure with Neo4j's status code and message."""
        super().__init__(message)
        self.code = code
        self.message = message


LOGON_VERSION: Final = Version(5, 1)
"""The first version with LOGON and LOGOFF; before it, HELLO contains the credentials."""

_GQL_VERSION: Final = Version(5, 7)
_ACCESS_DENIED: Final = (
    "42NFF",
    (
        "error: syntax error or access rule violation - permission/access denied. "
        "Access denied, see the security logs for details."
    ),
)
_UNEXPECTED: Final = (
    "50N42",
    (
        "error: general processing exception - unexpected error. "
        "Unexpected error has occurred. See debug log for details."
    ),
)


def success(metadata: dict[str, Value] | None = None) -> bytes:
    """Encode a SUCCESS message."""
    return to_chunks(pack(Structure(Response.SUCCESS, (metadata or {},))))


def ignored() -> bytes:
    """Encode an IGNORED message."""
    return to_chunks(pack(Structure(Response.IGNORED)))


def failure(error: BoltError, version: Version) -> bytes:
    """Encode a FAILURE message.

    Args:
        error: the failure.
        version: the client's version of Bolt; since 5.7 failures contain GQL status objects.
    """
    metadata: dict[str, Value]
    if version < _GQL_VERSION:
        metadata = {"code": error.code, "message": error.message}
    else:
        denied = error.code in {Code.FORBIDDEN, Code.UNAUTHORIZED}
        status, description = _ACCESS_DENIED if denied else _UNEXPECTED
        metadata = {
            "neo4j_code": error.code,
            "message": error.message,
            "gql_status": status,
            "description": description,
            "diagnostic_record": {"OPERATION": "", "OPERATION_CODE": "0", "CURRENT_SCHEMA": "/"},
        }
    return to_chunks(pack(Structure(Response.FAILURE, (metadata,))))


def read_failure(message: Value) -> BoltError:
    """Parse an unpacked FAILURE message of any version."""
    metadata = metadata_of(message)
    code = metadata.get("neo4j_code", metadata.get("code"))
    text = metadata.get("message")
    return BoltError(
        code if isinstance(code, str) else "Neo.DatabaseError.General.UnknownError",
        text if isinstance(text, str) else "The database returned a failure without a message.",
    )


def metadata_of(message: Value) -> dict[str, Value]:
    """Return the map in the first field of an unpacked message; an empty one if it has none."""
    match message:
        case Structure(fields=(dict() as metadata, *_)):
            return metadata
        case _:
            return {}
