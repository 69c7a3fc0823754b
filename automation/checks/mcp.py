"""Single MCP requests over plain HTTP, with any token or none.

The server keeps no sessions, so that a request needs no `initialize` before it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx2

from automation.checks.probe import Probe

_ACCEPT: Final = "application/json, text/event-stream"
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """The result of a tool call.

    Attributes:
        status: the HTTP status.
        refused: whether it is an HTTP error, a JSON-RPC error or an error of the tool.
        text: the tool's text, or the body of a response that has no tool result.
        challenge: the parameters of the challenge of a response with status 401.
    """

    status: int
    refused: bool
    text: str
    challenge: Mapping[str, str] = field(default_factory=dict)


def post(
    http: httpx2.Client,
    url: str,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
) -> httpx2.Response:
    """Send an MCP request.

    Args:
        http: the HTTP client.
        url: the server's URL.
        method: the MCP method.
        params: the method's parameters.
        token: the access token; None to send none.

    Returns:
        The response, whatever its status.

    Raises:
        httpx2.HTTPError: the server doesn't respond.
    """
    headers = {"Accept": _ACCEPT}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {})}
    return http.post(url, json=message, headers=headers)


def call_tool(
    http: httpx2.Client,
    url: str,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    token: str | None,
) -> ToolResult:
    """Call a tool.

    Args:
        http: the HTTP client.
        url: the server's URL.
        tool: the tool's name.
        arguments: the tool's arguments.
        token: the access token; None to send none.

    Returns:
        The result, errors included.

    Raises:
        httpx2.HTTPError: the server doesn't respond.
    """
    params = {"name": tool, "arguments": dict(arguments)}
    return _parse_tool_result(post(http, url, "tools/call", params, token=token))


def call_tool_as(probe: Probe, client: str, tool: str, arguments: Mapping[str, Any]) -> ToolResult:
    """Call a tool with a client's token, and record the call as evidence."""
    context = probe.context
    url, token = context.outputs["mcpUrl"], context.token(client)
    return call_tool(probe.http, url, tool, arguments, token=token)


def challenge_of(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters of a response's Bearer challenges (RFC 6750, section 3)."""
    challenges = response.headers.get_list("www-authenticate")
    return dict(_PARAMETER.findall(" ".join(challenges)))


def _parse_tool_result(response: httpx2.Response) -> ToolResult:
    result = response.json().get("result") if response.status_code == HTTPStatus.OK else None
    if result is None:
        return ToolResult(
            status=response.status_code,
            refused=True,
            text=response.text,
            challenge=challenge_of(response),
        )
    blocks = result.get("content") or []
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    return ToolResult(status=response.status_code, refused=bool(result.get("isError")), text=text)
