"""What became of a call: success, or the kind of its failure."""

from dataclasses import dataclass
from typing import Final

from automation.load.engine import Recorded
from neo4j_mcp_client import Neo4jMcpError, ServerError
from neo4j_mcp_client.calls import Reply

_TIMED_OUT: Final = ("deadline exceeded", "Client.Timeout")
# Source: net/http's and net's error texts.
_CONNECTION: Final = {
    "connection refused": "connection refused",
    "connection reset": "connection reset",
    "no such host": "unknown host",
    "EOF": "connection closed",
    "x509:": "TLS",
    "tls:": "TLS",
}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a call failed.

    Attributes:
        kind: a short name, for counting.
        message: the details.
    """

    kind: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A call without its response. Times are in seconds since the start of the run.

    Attributes:
        entry: the name of the kind of call.
        late: how much later than due this machine sent it.
        client: the client that made it; empty if it wasn't made at an MCP server.
        computing: how long the caller itself computed, in seconds; 0 if it isn't known.
    """

    entry: str
    due: float
    ended: float
    late: float
    failure: Failure | None
    client: str = ""
    computing: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it took from when it was due."""
        return self.ended - self.due


def judge(recorded: Recorded) -> Outcome:
    """Read a call's response as the client library does: a failed tool comes with status 200."""
    return Outcome(
        entry=recorded.entry.name,
        due=recorded.due,
        ended=recorded.ended,
        late=max(0.0, recorded.sent - recorded.due),
        failure=_failure(recorded),
        client=recorded.client,
    )


def _failure(recorded: Recorded) -> Failure | None:
    if not recorded.status or (recorded.error and _is_success(recorded.status)):
        # There is no response, or it broke off.
        return Failure(kind=_transport_kind(recorded.error), message=recorded.error)
    reply = Reply(
        status=recorded.status, body=recorded.body, elapsed=recorded.ended - recorded.sent
    )
    try:
        recorded.entry.call(recorded.identity).read(reply)
    except ServerError as error:
        kind = type(error).__name__ if _is_success(error.status) else f"HTTP {error.status}"
        return Failure(kind=kind, message=str(error))
    except Neo4jMcpError as error:
        return Failure(kind=type(error).__name__, message=str(error))
    return None


def _is_success(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - RFC 9110, section 15.3


def _transport_kind(message: str) -> str:
    if any(text in message for text in _TIMED_OUT):
        return "timeout"
    kinds = (kind for text, kind in _CONNECTION.items() if text in message)
    return next(kinds, "network")
