"""What the canary sends to the server, and what the answers mean. Pure.

Refusals by the database come as HTTP 200 with ``isError``, so the bodies are read. Source:
"Error handling" of tools in the Model Context Protocol's specification.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from functions.canary.exchange import Answer, NoAnswerError
from functions.canary.failures import Hop, HopError
from functions.canary.token_endpoint import Token

PROTOCOL_VERSION: Final = "2025-11-25"
TOOL: Final = "read-cypher"
QUERY: Final = "RETURN 1 AS one"
_ROWS: Final = [{"one": 1}]

# What the server itself answers at its own path: a request without a valid header, a malformed one,
# and another method than POST. Everything else comes from what is in front of it.
_SERVERS_OWN: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.METHOD_NOT_ALLOWED}
)
_CODE: Final = re.compile(r"(?:Neo4jError|TokenExpiredError): (?P<code>Neo\.\w+\.\w+\.\w+)")
# Source: "Neo4j status codes".
_TOKEN_REJECTED: Final = frozenset(
    {
        "Neo.ClientError.Security.AuthorizationExpired",
        "Neo.ClientError.Security.CredentialsExpired",
        "Neo.ClientError.Security.TokenExpired",
        "Neo.ClientError.Security.Unauthorized",
    }
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request to the server.

    Attributes:
        method: the MCP method.
        params: its parameters.
    """

    method: str
    params: Mapping[str, Any]

    def body(self, number: int) -> bytes:
        """Return the request's body.

        Args:
            number: the request's id.
        """
        return json.dumps(
            {"jsonrpc": "2.0", "id": number, "method": self.method, "params": self.params}
        ).encode()


INITIALIZE: Final = Step(
    method="initialize",
    params={
        "protocolVersion": PROTOCOL_VERSION,
        "capabilities": {},
        "clientInfo": {"name": "neo4j-mcp-canary", "version": "1"},
    },
)
LIST_TOOLS: Final = Step(method="tools/list", params={})
READ: Final = Step(method="tools/call", params={"name": TOOL, "arguments": {"query": QUERY}})


def headers(token: Token) -> dict[str, str]:
    """Return the headers of every request to the server; they contain the token."""
    return {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {token.value}",
        "Content-Type": "application/json",
        # The server keeps no session, so each request says the version.
        "MCP-Protocol-Version": PROTOCOL_VERSION,
        "User-Agent": "neo4j-mcp-canary",
    }


def without_answer(step: Step, error: NoAnswerError) -> HopError:
    """Return the failure of a step without an answer.

    The server has just answered the steps before the read, so a read without an answer waits for
    the database.
    """
    hop = Hop.DATABASE if step is READ and error.timed_out else Hop.HOST
    return HopError(hop, str(error))


def check(step: Step, answer: Answer) -> None:
    """Require that a step has succeeded.

    Raises:
        HopError: it hasn't.
    """
    result = _result(answer)
    if step is LIST_TOOLS:
        _check_tools(result)
    if step is READ:
        _check_rows(result)


def _result(answer: Answer) -> Mapping[str, Any]:
    if answer.status != HTTPStatus.OK:
        hop = Hop.SERVER if answer.status in _SERVERS_OWN else Hop.HOST
        rejected = answer.status == HTTPStatus.UNAUTHORIZED
        raise HopError(hop, f"HTTP {answer.status}", rejects_token=rejected)
    document = _json(answer.body.decode(errors="replace"))
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        raise HopError(Hop.SERVER, f"JSON-RPC {error.get('code')}: {error.get('message')}")
    result = document.get("result") if isinstance(document, dict) else None
    if not isinstance(result, dict):
        raise _not_mcp()
    return result


def _check_tools(result: Mapping[str, Any]) -> None:
    try:
        names = {tool["name"] for tool in result["tools"]}
    except (KeyError, TypeError):
        raise _not_mcp() from None
    if TOOL not in names:
        raise HopError(Hop.SERVER, f"the server doesn't list the tool {TOOL}")


def _check_rows(result: Mapping[str, Any]) -> None:
    try:
        text = "".join(each["text"] for each in result["content"] if each["type"] == "text")
    except (KeyError, TypeError):
        raise _not_mcp() from None
    if result.get("isError"):
        raise _failed_read(text)
    if _json(text) != _ROWS:
        raise HopError(Hop.SERVER, f"{QUERY} returned something else")


def _failed_read(text: str) -> HopError:
    """Return the failure of the tool.

    The query is valid and always the same, so the cause is the database or the way to it.
    """
    found = _CODE.search(text)
    if found is None:
        return HopError(Hop.DATABASE, text)
    code = found["code"]
    return HopError(Hop.DATABASE, code, rejects_token=code in _TOKEN_REJECTED)


def _json(text: str) -> Any:  # noqa: ANN401  any JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _not_mcp() -> HopError:
    return HopError(Hop.SERVER, "the answer isn't an MCP result")
