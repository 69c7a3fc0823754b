"""P5: MCP requests with and without a token."""

import json
from http import HTTPStatus
from typing import Final

import httpx2

from automation.checks.mcp import call_tool_as, post
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import expect, expect_equal, expect_status
from components.hosting.definitions import DEFINITIONS

PROTOCOL_VERSION: Final = "2025-11-25"
INITIALIZE: Final = {
    "protocolVersion": PROTOCOL_VERSION,
    "capabilities": {},
    "clientInfo": {"name": "neo4j-mcp-automation", "version": "1"},
}

_READING_TOOLS: Final = frozenset({"get-schema", "read-cypher"})
_WRITING_TOOL: Final = "write-cypher"


@check("P5-ping-open")
def ping_open(probe: Probe) -> None:
    """Without a token, ping is answered or refused as configured; the edge refuses it."""
    context = probe.context
    response = post(probe.http, context.outputs["mcpUrl"], "ping")
    _expect_open(probe, response, "ping", is_open=context.settings.allow_unauthenticated_ping)


@check("P5-tools-list-open")
def tools_list_open(probe: Probe) -> None:
    """Without a token, tools/list is answered or refused as configured; the edge refuses it."""
    context = probe.context
    response = post(probe.http, context.outputs["mcpUrl"], "tools/list")
    is_open = context.settings.allow_unauthenticated_tools_list
    _expect_open(probe, response, "tools/list", is_open=is_open)


@check("P5-initialize-closed")
def initialize_closed(probe: Probe) -> None:
    """Without a token, initialize is refused with 401 and a challenge."""
    response = post(probe.http, probe.context.outputs["mcpUrl"], "initialize", INITIALIZE)
    _expect_closed(probe, response, "initialize")


@check("P5-call-closed")
def call_closed(probe: Probe) -> None:
    """Without a token, every tool call is refused with 401 and a challenge."""
    url = probe.context.outputs["mcpUrl"]
    for tool, arguments in (
        ("get-schema", {}),
        ("read-cypher", {"query": "RETURN 1"}),
        ("write-cypher", {"query": "RETURN 1"}),
    ):
        params = {"name": tool, "arguments": arguments}
        _expect_closed(probe, post(probe.http, url, "tools/call", params), f"calling {tool}")


@check("P5-initialize")
def initialize(probe: Probe) -> None:
    """With a token, initialize returns the configured server version."""
    context = probe.context
    for name in context.clients:
        token = context.token(name)
        url = context.outputs["mcpUrl"]
        response = post(probe.http, url, "initialize", INITIALIZE, token=token)
        expect_status(f"{name}'s initialize", response, HTTPStatus.OK)
        result = response.json().get("result", {})
        found = result.get("serverInfo", {}).get("version", "").removeprefix("v")
        expect_equal("the server's version", found, context.settings.server_version)
        expect_equal("the protocol version", result.get("protocolVersion"), PROTOCOL_VERSION)


@check("P5-tools")
def tools(probe: Probe) -> None:
    """With a token, tools/list has the reading tools, and write-cypher unless read-only."""
    context = probe.context
    token = context.token(context.first_client)
    response = post(probe.http, context.outputs["mcpUrl"], "tools/list", token=token)
    expect_status("tools/list", response, HTTPStatus.OK)
    names = {tool["name"] for tool in response.json()["result"]["tools"]}
    missing = sorted(_READING_TOOLS - names)
    expect(not missing, f"tools/list lacks {', '.join(missing)}")
    writes = _WRITING_TOOL in names
    expect_equal("write-cypher is offered", writes, not context.settings.read_only)


@check("P5-get-schema")
def get_schema(probe: Probe) -> None:
    """Every client can call get-schema."""
    for name in probe.context.clients:
        result = call_tool_as(probe, name, "get-schema", {})
        expect(not result.refused, f"get-schema refuses {name}: {result.text}")
        expect(result.text, f"get-schema returns nothing to {name}")


@check("P5-read-cypher")
def read_cypher(probe: Probe) -> None:
    """Every client can run a query with parameters."""
    arguments = {"query": "RETURN $n + 2 AS answer", "params": {"n": 40}}
    for name in probe.context.clients:
        result = call_tool_as(probe, name, "read-cypher", arguments)
        expect(not result.refused, f"read-cypher refuses {name}: {result.text}")
        expect_equal(f"{name}'s rows", json.loads(result.text), [{"answer": 42}])


def _expect_open(probe: Probe, response: httpx2.Response, method: str, *, is_open: bool) -> None:
    if not (is_open and probe.context.has_direct_address):
        _expect_closed(probe, response, method)
        return
    expect_status(f"{method} without a token", response, HTTPStatus.OK)
    expect("result" in response.json(), f"{method} without a token returns {response.text}")


def _expect_closed(probe: Probe, response: httpx2.Response, what: str) -> None:
    expect_status(f"{what} without a token", response, HTTPStatus.UNAUTHORIZED)
    context = probe.context
    direct = DEFINITIONS[context.settings.hosting].challenge_header
    header = direct if context.has_direct_address else "www-authenticate"
    challenge = response.headers.get(header, "")
    expect("Bearer" in challenge, f"{what} without a token returns the challenge {challenge!r}")
