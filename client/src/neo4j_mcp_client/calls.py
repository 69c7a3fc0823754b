"""Calls over MCP as decisions without effects: what to send, what an answer means, what to retry.

Both clients, on requests and on httpx2, are thin shells round this module.
"""

import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from neo4j_mcp_client.decoding import from_json
from neo4j_mcp_client.errors import (
    CypherError,
    DatabaseUnavailableError,
    Hop,
    Neo4jMcpError,
    NetworkError,
    ServerError,
    TimeLimitError,
    TlsError,
    TokenExpiredError,
    TokenRejectedError,
    ToolError,
    ToolNotFoundError,
    UnauthorizedError,
)
from neo4j_mcp_client.retries import BackOff, seconds_to_wait
from neo4j_mcp_client.tokens import SERVER_LIMIT
from neo4j_mcp_client.tool_failures import tool_failure
from neo4j_mcp_client.transport import USER_AGENT
from neo4j_mcp_client.values import check_parameters

HOST_LIMIT = 120.0
"""Seconds that App Runner gives a whole request."""

TIMEOUT = HOST_LIMIT + 5.0
"""Seconds that a caller waits: a little longer than the host, whose own answer says more."""

PROTOCOL_VERSION = "2025-11-25"
"""The latest version of MCP that the server speaks; without a session, each request states it."""

HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": PROTOCOL_VERSION,
    "User-Agent": USER_AGENT,
}
CYPHER_TOOLS = frozenset({"read-cypher", "write-cypher"})
"""The server's tools that run a caller's query."""
READ_ONLY_TOOLS = frozenset({"get-schema", "read-cypher", "list-gds-procedures"})
"""The server's tools that change nothing."""

TokenRefusal = TokenExpiredError | TokenRejectedError | UnauthorizedError
TOKEN_REFUSALS = (TokenExpiredError, TokenRejectedError, UnauthorizedError)
"""Failures that another token may mend; in none of them has the call done anything."""

Value = TypeVar("Value")

_OK = 200
_UNAUTHORIZED = 401
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500
_INVALID_PARAMS = -32602
# What comes of taking apart JSON that isn't what MCP says.
_MALFORMED = (AttributeError, KeyError, TypeError)
# The server begins to count a little later than the caller.
_COUNTED_EARLY = 0.5

_BACK_OFF = BackOff(attempts=5, first=0.25, longest=2.0, limit=20.0)
_ids = itertools.count(1)


@dataclass(frozen=True)
class Tool:
    """A tool of the server.

    Attributes:
        name: its name.
        description: what it does, in the server's words.
        input_schema: the JSON schema of its arguments.
        read_only: whether the server says that it changes nothing.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    read_only: bool


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An HTTP answer, whichever library received it.

    Attributes:
        status: the HTTP status.
        body: the body.
        retry_after: the header of that name.
        elapsed: seconds from the request to the end of the answer.
    """

    status: int
    body: bytes
    retry_after: str | None
    elapsed: float


@dataclass(frozen=True, kw_only=True)
class Call(Generic[Value]):
    """A request and how its answer is read.

    Attributes:
        body: the body of the HTTP request.
        read: turns the answer into the caller's value, or raises.
        read_only: whether the call changes nothing, so that it may be sent twice.
    """

    body: bytes
    read: Callable[[Reply], Value]
    read_only: bool


@dataclass(frozen=True, kw_only=True)
class Retry:
    """That a call is to be sent again.

    Attributes:
        pause: seconds to wait before.
        renew: whether with another token.
    """

    pause: float
    renew: bool


class Attempts:
    """The attempts of one call: counts them, and decides whether there is another."""

    def __init__(self, *, read_only: bool) -> None:
        """Begin."""
        self._read_only = read_only
        self._started = time.monotonic()
        self._failed = 0
        self._renewed = False

    def after(self, error: Neo4jMcpError) -> Retry | None:
        """Decide what follows a failure.

        Returns:
            How to send the call again, or None if the failure is the caller's to see.
        """
        self._failed += 1
        if self._read_only:
            # Whatever became of the request, it changed nothing.
            error.may_have_run = False
        retry = next_attempt(
            error,
            attempt=self._failed,
            renewed=self._renewed,
            read_only=self._read_only,
            elapsed=time.monotonic() - self._started,
        )
        self._renewed |= retry is not None and retry.renew
        return retry


def request(
    method: str, params: Mapping[str, Any], *, read: Callable[[Reply], Value], read_only: bool
) -> Call[Value]:
    """Describe any request of MCP."""
    return Call(body=_request(method, params), read=read, read_only=read_only)


def list_tools() -> Call[list[Tool]]:
    """Describe the call that lists the tools."""
    return Call(body=_request("tools/list", {}), read=tools_of, read_only=True)


def call_tool(
    name: str, arguments: Mapping[str, Any] | None, *, read: Callable[[Reply], Any] | None = None
) -> Call[Any]:
    """Describe a tool call.

    Args:
        read: reads the answer; defaults to `value_of`.

    Raises:
        ParameterError: a parameter of a query wouldn't arrive as it is.
        TypeError: an argument has no JSON form.
    """
    return Call(
        body=_tool_request(name, arguments or {}),
        read=read or value_of,
        read_only=name in READ_ONLY_TOOLS,
    )


def get_schema() -> Call[list[dict[str, Any]]]:
    """Describe the call for the graph's schema."""
    return Call(body=_tool_request("get-schema", {}), read=schema_of, read_only=True)


def run_cypher(
    query: str, params: Mapping[str, Any] | None, *, read_only: bool
) -> Call[list[dict[str, Any]]]:
    """Describe the call that runs a query.

    Raises:
        ParameterError: a parameter wouldn't arrive as it is.
        TypeError: a parameter has no JSON form.
    """
    arguments = {"query": query} | ({"params": params} if params else {})
    tool = "read-cypher" if read_only else "write-cypher"
    return Call(body=_tool_request(tool, arguments), read=rows_of, read_only=read_only)


def text_of(reply: Reply, result: Mapping[str, Any]) -> str:
    """Extract the text of a tool's result.

    Raises:
        ServerError: it is no result of a tool.
    """
    try:
        return "".join(block["text"] for block in result["content"] if block.get("type") == "text")
    except _MALFORMED:
        raise _no_mcp(reply) from None


def tools_of(reply: Reply) -> list[Tool]:
    """Read the list of tools.

    Raises:
        Neo4jMcpError: it is no list of tools.
    """
    result = result_of(reply)
    try:
        return [
            Tool(
                name=tool["name"],
                description=tool.get("description", "").strip(),
                input_schema=tool.get("inputSchema", {}),
                read_only=bool(tool.get("annotations", {}).get("readOnlyHint")),
            )
            for tool in result["tools"]
        ]
    except _MALFORMED:
        raise _no_mcp(reply) from None


def value_of(reply: Reply) -> Any:  # noqa: ANN401 - a tool answers any JSON
    """Read a tool's answer.

    Raises:
        Neo4jMcpError: the call failed; its subclasses say where and why.
    """
    result = result_of(reply)
    text = text_of(reply, result)
    if result.get("isError"):
        raise tool_failure(text)
    try:
        return from_json(text)
    except ValueError:
        return text


def rows_of(reply: Reply) -> list[dict[str, Any]]:
    """Read the answer of a query.

    Raises:
        Neo4jMcpError: the call failed; its subclasses say where and why.
    """
    value = value_of(reply)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise _no_mcp(reply)
    return value


def schema_of(reply: Reply) -> list[dict[str, Any]]:
    """Read the answer of get-schema.

    Returns:
        A dictionary for each label and relationship type; empty for an empty graph, of which the
        server says so in words.

    Raises:
        Neo4jMcpError: the call failed; its subclasses say where and why.
    """
    value = value_of(reply)
    return value if isinstance(value, list) else []


def result_of(reply: Reply) -> dict[str, Any]:
    """Extract the result of an answer.

    Raises:
        Neo4jMcpError: the host, the server or MCP refuses.
    """
    if reply.status != _OK:
        raise _status_failure(reply)
    try:
        document = from_json(reply.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _no_mcp(reply)
    error = document.get("error")
    if isinstance(error, dict):
        raise _protocol_failure(error)
    result = document.get("result")
    if not isinstance(result, dict):
        raise _no_mcp(reply)
    return result


def refusal_of(status: int, body: bytes) -> TokenRefusal | None:
    """Return whether an answer means that the token is refused.

    Returns:
        The refusal, or None if it is none.
    """
    # Parsing is for the few that may be one: answers can be large.
    if status != _UNAUTHORIZED and b"Neo.ClientError.Security." not in body:
        return None
    try:
        value_of(Reply(status=status, body=body, retry_after=None, elapsed=0.0))
    except TOKEN_REFUSALS as refusal:
        return refusal
    except Neo4jMcpError:
        return None
    return None


def no_answer(error: NetworkError | TlsError, *, timeout: float, elapsed: float) -> Neo4jMcpError:
    """Tell a time limit from a broken connection.

    Args:
        timeout: seconds that the caller waits.
        elapsed: seconds since the request.
    """
    if not error.may_have_run or isinstance(error, TlsError):
        return error
    return _time_limit(elapsed) or (
        TimeLimitError(
            f"no answer within {timeout:g} s, this caller's own limit.",
            limit=timeout,
            hop=Hop.HOST,
        )
        if elapsed >= timeout
        else error
    )


def next_attempt(
    error: Neo4jMcpError, *, attempt: int, renewed: bool, read_only: bool, elapsed: float
) -> Retry | None:
    """Return whether a failed call is sent again.

    Args:
        attempt: which attempt has failed, from 1.
        elapsed: seconds since the first attempt began.

    Returns:
        How, or None if the failure is the caller's to see. A call that may write is sent again
        only if the database refused its token, or it never left.
    """
    if isinstance(error, TOKEN_REFUSALS):
        return None if renewed else Retry(pause=0.0, renew=True)
    if not (_passes(error) and (read_only or _left_nothing(error))):
        return None
    pause = _BACK_OFF.pause(
        attempt, elapsed=elapsed, retry_after=getattr(error, "retry_after", None)
    )
    return None if pause is None else Retry(pause=pause, renew=False)


def _passes(error: Neo4jMcpError) -> bool:
    if isinstance(error, ServerError):
        return error.status == _TOO_MANY_REQUESTS or error.status >= _SERVER_ERRORS
    if isinstance(error, CypherError):
        return error.code.startswith("Neo.TransientError.")
    return isinstance(error, (NetworkError, DatabaseUnavailableError))


def _left_nothing(error: Neo4jMcpError) -> bool:
    return isinstance(error, (NetworkError, DatabaseUnavailableError)) and not error.may_have_run


def _status_failure(reply: Reply) -> Neo4jMcpError:
    said = reply.body[:200].decode(errors="replace").strip()
    if reply.status == _UNAUTHORIZED:
        return UnauthorizedError(f"answers HTTP 401: {said}.")
    if reply.status >= _SERVER_ERRORS:
        limit = _time_limit(reply.elapsed)
        if limit is not None:
            return limit
    return ServerError(
        f"answers HTTP {reply.status}: {said}" if said else f"answers HTTP {reply.status}.",
        status=reply.status,
        retry_after=seconds_to_wait(reply.retry_after),
        may_have_run=reply.status >= _SERVER_ERRORS,
    )


def _time_limit(elapsed: float) -> TimeLimitError | None:
    if elapsed >= HOST_LIMIT - _COUNTED_EARLY:
        return TimeLimitError(
            "no answer within 120 s: the host ended the request.", limit=HOST_LIMIT, hop=Hop.HOST
        )
    if elapsed >= SERVER_LIMIT - _COUNTED_EARLY:
        return TimeLimitError(
            "the answer took longer than 60 s, and the server dropped it.",
            limit=SERVER_LIMIT,
            hop=Hop.SERVER,
        )
    return None


def _protocol_failure(error: Mapping[str, Any]) -> ToolError:
    code, message = error.get("code"), str(error.get("message", ""))
    # The end, because the message begins with the name that the caller asked for.
    failure = (
        ToolNotFoundError(f"{message}.")
        if code == _INVALID_PARAMS and message.endswith("tool not found")
        else ToolError(f"JSON-RPC error {code}: {message}.")
    )
    failure.json_rpc_code = code if isinstance(code, int) else None
    return failure


def _no_mcp(reply: Reply) -> ServerError:
    return ServerError(
        "answers something that is no MCP result.",
        status=reply.status,
        remedy="Check the URL against the stack's output `mcpUrl`.",
        may_have_run=True,
    )


def _tool_request(name: str, arguments: Mapping[str, Any]) -> bytes:
    for argument, value in arguments.items():
        check_parameters(value, argument)
    return _request("tools/call", {"name": name, "arguments": arguments})


def _request(method: str, params: Mapping[str, Any]) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": params}
    ).encode()
