"""MCP calls without I/O: which bytes to send, what an answer means, and when to retry.

Both clients, on requests and on httpx2, are thin layers over this module.
"""

import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

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
    as_sentence,
)
from neo4j_mcp_client.retries import BackOff, parse_retry_after
from neo4j_mcp_client.tokens import SERVER_LIMIT
from neo4j_mcp_client.tool_failures import tool_failure
from neo4j_mcp_client.transport import USER_AGENT
from neo4j_mcp_client.values import check_parameters

HOST_LIMIT = 120.0
"""App Runner's time limit for a request, in seconds."""

TIMEOUT = HOST_LIMIT + 5.0
"""The client's time limit in seconds: longer than the host's, whose answer is more helpful."""

PROTOCOL_VERSION = "2025-11-25"
"""The latest MCP version of the server. Without a session, each request has to state it."""

HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": PROTOCOL_VERSION,
    "User-Agent": USER_AGENT,
}
CYPHER_TOOLS = frozenset({"read-cypher", "write-cypher"})
"""The tools that run a query."""
READ_ONLY_TOOLS = frozenset({"get-schema", "read-cypher", "list-gds-procedures"})
"""The tools that never change the graph."""

TokenRefusal = TokenExpiredError | TokenRejectedError | UnauthorizedError
TOKEN_REFUSALS = (TokenExpiredError, TokenRejectedError, UnauthorizedError)
"""Failures that another token may fix. In all of them, the call wasn't executed."""

Value = TypeVar("Value")

_OK = 200
_UNAUTHORIZED = 401
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500
_INVALID_PARAMS = -32602
_REMEDY_BY_STATUS = {
    403: (
        "The host refuses the request before it reaches the server: on Lambda because the function"
        " URL's permissions are missing. Run `neo4j-mcp doctor`."
    ),
    413: (
        "The request is larger than the host accepts, which is 6 MB on Lambda. Send less, for"
        " example the rows of a parameter in several calls."
    ),
    _TOO_MANY_REQUESTS: (
        "All instances are busy. Make fewer calls at the same time, or allow more: pulumi config"
        " set neo4j-mcp:maxInstances <more>, then pulumi up. At the edge it may be the limit for"
        " each address: neo4j-mcp:edgeRequestsPerIp."
    ),
}
# What indexing raises if the JSON doesn't have MCP's structure.
_MALFORMED = (AttributeError, KeyError, TypeError)
# The server's clock starts a little later than the caller's.
_CLOCK_SLACK = 0.5

BACK_OFF = BackOff(attempts=5, first=0.25, longest=2.0, limit=20.0)
"""The pauses between the attempts of a call."""

_ids = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The time limits for a call on its way, in seconds.

    Attributes:
        server: after this time, the server drops its response.
        host: after this time, the host ends the request.
    """

    server: float = SERVER_LIMIT
    host: float = HOST_LIMIT


LIMITS = Limits()
"""The limits of the deployed server."""


class Response(Protocol):
    """The response of any HTTP library."""

    @property
    def status_code(self) -> int: ...  # noqa: D102 - the libraries' own
    @property
    def content(self) -> bytes: ...  # noqa: D102 - the libraries' own
    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102 - the libraries' own


@dataclass(frozen=True)
class Tool:
    """A tool that the server offers.

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
    """An HTTP response, independent of the library that received it.

    Attributes:
        status: the HTTP status.
        body: the body.
        retry_after: the header of that name.
        elapsed: seconds from the request to the end of the response.
        limits: the time limits that applied to the request.
    """

    status: int
    body: bytes
    retry_after: str | None = None
    elapsed: float = 0.0
    limits: Limits = LIMITS

    @classmethod
    def of(cls, response: Response, *, elapsed: float, limits: Limits = LIMITS) -> Self:
        """Convert a library's response."""
        return cls(
            status=response.status_code,
            body=response.content,
            retry_after=response.headers.get("Retry-After"),
            elapsed=elapsed,
            limits=limits,
        )


@dataclass(frozen=True, kw_only=True)
class Call(Generic[Value]):
    """A request, and how to parse its response.

    Attributes:
        body: the body of the HTTP request.
        read: parses the response, or raises a `Neo4jMcpError`.
        read_only: whether the call changes nothing, so that it may be repeated.
    """

    body: bytes
    read: Callable[[Reply], Value]
    read_only: bool


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How to retry a call.

    Attributes:
        pause: seconds to wait before the retry.
        renew: whether the retry needs another token.
    """

    pause: float
    renew: bool


class Attempts:
    """Counts the attempts of one call, and decides whether to retry."""

    def __init__(self, *, read_only: bool, back_off: BackOff = BACK_OFF) -> None:
        """Start the clock."""
        self._read_only = read_only
        self._back_off = back_off
        self._started = time.monotonic()
        self._failed = 0
        self._renewed = False

    def after(self, error: Neo4jMcpError) -> Retry | None:
        """Decide whether to retry after a failure.

        Returns:
            How to retry, or None to raise the failure.
        """
        self._failed += 1
        if self._read_only:
            # A read changes nothing, executed or not.
            error.may_have_run = False
        retry = next_attempt(
            error,
            attempt=self._failed,
            renewed=self._renewed,
            read_only=self._read_only,
            elapsed=time.monotonic() - self._started,
            back_off=self._back_off,
        )
        self._renewed |= retry is not None and retry.renew
        return retry


def request(
    method: str, params: Mapping[str, Any], *, read: Callable[[Reply], Value], read_only: bool
) -> Call[Value]:
    """Create a call of any MCP method."""
    return Call(body=_request(method, params), read=read, read_only=read_only)


def list_tools() -> Call[list[Tool]]:
    """Create the call that lists the tools."""
    return Call(body=_request("tools/list", {}), read=parse_tools, read_only=True)


def call_tool(
    name: str, arguments: Mapping[str, Any] | None, *, read: Callable[[Reply], Any] | None = None
) -> Call[Any]:
    """Create the call of a tool.

    Args:
        read: reads the answer; defaults to `parse_value`.

    Raises:
        ParameterError: a query parameter would arrive changed.
        TypeError: an argument can't be written as JSON.
    """
    return Call(
        body=_tool_request(name, arguments or {}),
        read=read or parse_value,
        read_only=name in READ_ONLY_TOOLS,
    )


def get_schema() -> Call[list[dict[str, Any]]]:
    """Create the call that reads the graph's schema."""
    return Call(body=_tool_request("get-schema", {}), read=parse_schema, read_only=True)


def run_cypher(
    query: str, params: Mapping[str, Any] | None, *, read_only: bool
) -> Call[list[dict[str, Any]]]:
    """Create the call that runs a query.

    Raises:
        ParameterError: a parameter would arrive changed.
        TypeError: a parameter can't be written as JSON.
    """
    arguments = {"query": query} | ({"params": params} if params else {})
    tool = "read-cypher" if read_only else "write-cypher"
    return Call(body=_tool_request(tool, arguments), read=parse_rows, read_only=read_only)


def result_text(reply: Reply, result: Mapping[str, Any]) -> str:
    """Extract the text of a tool's result.

    Raises:
        ServerError: it isn't a tool's result.
    """
    try:
        return "".join(block["text"] for block in result["content"] if block.get("type") == "text")
    except _MALFORMED:
        raise _not_an_mcp_result(reply) from None


def parse_tools(reply: Reply) -> list[Tool]:
    """Parse the list of tools.

    Raises:
        Neo4jMcpError: the call failed, or the response isn't a list of tools.
    """
    result = parse_result(reply)
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
        raise _not_an_mcp_result(reply) from None


def parse_value(reply: Reply) -> Any:  # noqa: ANN401 - a tool answers any JSON
    """Parse a tool's result: its JSON, or its text if it isn't JSON.

    Raises:
        Neo4jMcpError: the call failed; its subclasses say where and why.
    """
    result = parse_result(reply)
    text = result_text(reply, result)
    if result.get("isError"):
        raise tool_failure(text)
    try:
        return from_json(text)
    except ValueError:
        return text


def parse_rows(reply: Reply) -> list[dict[str, Any]]:
    """Parse the rows of a query.

    Raises:
        Neo4jMcpError: the call failed; its subclasses say where and why.
    """
    value = parse_value(reply)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise _not_an_mcp_result(reply)
    return value


def parse_schema(reply: Reply) -> list[dict[str, Any]]:
    """Parse the result of get-schema.

    Returns:
        A dictionary for each label and relationship type; empty for an empty graph, of which the
        server says so in words.

    Raises:
        Neo4jMcpError: the call failed; its subclasses say where and why.
    """
    value = parse_value(reply)
    return value if isinstance(value, list) else []


def parse_result(reply: Reply) -> dict[str, Any]:
    """Parse a JSON-RPC response, and return its result.

    Raises:
        Neo4jMcpError: the response is an HTTP error, a JSON-RPC error, or not MCP.
    """
    if reply.status != _OK:
        raise _http_error(reply)
    try:
        document = from_json(reply.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _not_an_mcp_result(reply)
    error = document.get("error")
    if isinstance(error, dict):
        raise _json_rpc_error(error)
    result = document.get("result")
    if not isinstance(result, dict):
        raise _not_an_mcp_result(reply)
    return result


def token_refusal(status: int, body: bytes) -> TokenRefusal | None:
    """Return the error if a response rejects the token.

    Returns:
        The error, or None if the token wasn't rejected.
    """
    # Responses can be large, so only parse those that may be a rejection.
    if status != _UNAUTHORIZED and b"Neo.ClientError.Security." not in body:
        return None
    try:
        parse_value(Reply(status=status, body=body))
    except TOKEN_REFUSALS as refusal:
        return refusal
    except Neo4jMcpError:
        return None
    return None


def timeout_or_network_error(
    error: NetworkError | TlsError, *, timeout: float, elapsed: float, limits: Limits = LIMITS
) -> Neo4jMcpError:
    """Distinguish a time limit from a broken connection.

    Args:
        timeout: seconds that the caller waits.
        elapsed: seconds since the request.
    """
    if not error.may_have_run or isinstance(error, TlsError):
        return error
    return _time_limit(elapsed, limits) or (
        TimeLimitError(
            f"no answer within {timeout:g} s, the client's own time limit.",
            limit=timeout,
            hop=Hop.HOST,
        )
        if elapsed >= timeout
        else error
    )


def next_attempt(
    error: Neo4jMcpError,
    *,
    attempt: int,
    renewed: bool,
    read_only: bool,
    elapsed: float,
    back_off: BackOff = BACK_OFF,
) -> Retry | None:
    """Decide whether to retry a failed call.

    Args:
        attempt: which attempt has failed, from 1.
        elapsed: seconds since the first attempt began.

    Returns:
        How to retry, or None to raise the failure. A call that may write is retried only if its
        token was rejected, or if it was never sent.
    """
    if isinstance(error, TOKEN_REFUSALS):
        return None if renewed else Retry(pause=0.0, renew=True)
    if not (_is_transient(error) and (read_only or _never_sent(error))):
        return None
    pause = back_off.pause(
        attempt, elapsed=elapsed, retry_after=getattr(error, "retry_after", None)
    )
    return None if pause is None else Retry(pause=pause, renew=False)


def _is_transient(error: Neo4jMcpError) -> bool:
    if isinstance(error, ServerError):
        return error.status == _TOO_MANY_REQUESTS or error.status >= _SERVER_ERRORS
    if isinstance(error, CypherError):
        return error.code.startswith("Neo.TransientError.")
    return isinstance(error, (NetworkError, DatabaseUnavailableError))


def _never_sent(error: Neo4jMcpError) -> bool:
    return isinstance(error, (NetworkError, DatabaseUnavailableError)) and not error.may_have_run


def _http_error(reply: Reply) -> Neo4jMcpError:
    said = reply.body[:200].decode(errors="replace").strip()
    if reply.status == _UNAUTHORIZED:
        return UnauthorizedError(as_sentence(f"HTTP 401: {said}" if said else "HTTP 401"))
    if reply.status >= _SERVER_ERRORS:
        limit = _time_limit(reply.elapsed, reply.limits)
        if limit is not None:
            return limit
    return ServerError(
        as_sentence(f"HTTP {reply.status}: {said}" if said else f"HTTP {reply.status}"),
        status=reply.status,
        remedy=_REMEDY_BY_STATUS.get(reply.status),
        retry_after=parse_retry_after(reply.retry_after),
        may_have_run=reply.status >= _SERVER_ERRORS,
    )


def _time_limit(elapsed: float, limits: Limits) -> TimeLimitError | None:
    if elapsed >= limits.host - _CLOCK_SLACK:
        return TimeLimitError(
            f"no answer within {limits.host:g} s: the host ended the request.",
            limit=limits.host,
            hop=Hop.HOST,
        )
    if elapsed >= limits.server - _CLOCK_SLACK:
        return TimeLimitError(
            f"the answer took longer than {limits.server:g} s, so the server dropped it.",
            limit=limits.server,
            hop=Hop.SERVER,
        )
    return None


def _json_rpc_error(error: Mapping[str, Any]) -> ToolError:
    code, message = error.get("code"), str(error.get("message", ""))
    # Compared at the end: the message starts with the name, which a caller chose.
    failure = (
        ToolNotFoundError(as_sentence(message))
        if code == _INVALID_PARAMS and message.endswith("tool not found")
        else ToolError(as_sentence(f"JSON-RPC error {code}: {message}"))
    )
    failure.json_rpc_code = code if isinstance(code, int) else None
    return failure


def _not_an_mcp_result(reply: Reply) -> ServerError:
    return ServerError(
        "the response isn't an MCP result.",
        status=reply.status,
        remedy="Compare the URL with the stack's output `mcpUrl`.",
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
