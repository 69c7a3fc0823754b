"""One MCP request at a time, as raw as a check needs it: with any token, or none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

_ACCEPT: Final = "application/json, text/event-stream"
_OK: Final = 200


@dataclass(frozen=True, kw_only=True)
class ToolAnswer:
    """What a tool call brought.

    Attributes:
        status: the HTTP status.
        refused: whether it is an error of HTTP, of JSON-RPC or of the tool.
        text: the tool's text, or the body of an answer that is no tool's.
    """

    status: int
    refused: bool
    text: str


def post(
    http: httpx2.Client,
    url: str,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
) -> httpx2.Response:
    """Send one MCP request; the server keeps no session, so it needs none before it.

    Args:
        http: the HTTP client.
        url: the server's URL.
        method: the MCP method.
        params: its parameters.
        token: the access token; None sends none.

    Returns:
        The HTTP response, whatever its status.

    Raises:
        httpx2.HTTPError: the server doesn't answer.
    """
    headers = {"Accept": _ACCEPT}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {})}
    return http.post(url, json=message, headers=headers)


def call(
    http: httpx2.Client,
    url: str,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    token: str | None,
) -> ToolAnswer:
    """Call a tool.

    Args:
        http: the HTTP client.
        url: the server's URL.
        tool: the tool's name.
        arguments: its arguments.
        token: the access token; None sends none.

    Returns:
        The answer, refusals included.

    Raises:
        httpx2.HTTPError: the server doesn't answer.
    """
    params = {"name": tool, "arguments": dict(arguments)}
    response = post(http, url, "tools/call", params, token=token)
    return tool_answer(response)


def tool_answer(response: httpx2.Response) -> ToolAnswer:
    """Read a tool's answer.

    Args:
        response: the HTTP response.

    Returns:
        The answer.
    """
    if response.status_code != _OK:
        return ToolAnswer(status=response.status_code, refused=True, text=response.text)
    message = response.json()
    result = message.get("result")
    if result is None:
        return ToolAnswer(status=_OK, refused=True, text=response.text)
    blocks = result.get("content") or []
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    return ToolAnswer(status=_OK, refused=bool(result.get("isError")), text=text)
