"""Where on the way from the caller to the database a call failed, and why."""

import enum
from collections.abc import Iterable
from typing import Final

_LONGEST_CAUSE: Final = 300


class Hop(enum.StrEnum):
    """A part of the way.

    Attributes:
        TOKEN: Cognito's token endpoint.
        HOST: what carries requests to the server: names, network, TLS, the edge and the host.
        SERVER: Neo4j's MCP server.
        DATABASE: Neo4j, and the server's connection to it.
    """

    TOKEN = "token"  # noqa: S105  a hop, no token
    HOST = "host"
    SERVER = "server"
    DATABASE = "database"


class HopError(Exception):
    """A hop failed.

    Attributes:
        hop: which one.
        cause: why, for a person.
        rejects_token: whether another token may help.
    """

    def __init__(self, hop: Hop, cause: str, *, rejects_token: bool = False) -> None:
        """Describe a failure.

        Args:
            cause: for a person; without secrets.
        """
        super().__init__(f"{hop}: {cause}")
        self.hop = hop
        self.cause = cause
        self.rejects_token = rejects_token


def shown(cause: str, secrets: Iterable[str]) -> str:
    """Return a cause as it may be logged: in one line, shortened, and without these secrets."""
    for secret in secrets:
        cause = cause.replace(secret, "***")
    return " ".join(cause.split())[:_LONGEST_CAUSE]
