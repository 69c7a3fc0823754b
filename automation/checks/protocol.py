"""P5: the server over MCP, without a token and with one."""

import json
from typing import Final

import httpx2

from automation.checks.inspection import Inspection
from automation.checks.mcp import call, post
from automation.checks.registry import check
from automation.checks.verdicts import expect, expect_equal

PROTOCOL_VERSION: Final = "2025-11-25"
INITIALIZE: Final = {
    "protocolVersion": PROTOCOL_VERSION,
    "capabilities": {},
    "clientInfo": {"name": "neo4j-mcp-automation", "version": "1"},
}

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_READING_TOOLS: Final = frozenset({"get-schema", "read-cypher"})
_WRITING_TOOL: Final = "write-cypher"


@check("P5-ping-open")
def ping_open(inspection: Inspection) -> None:
    """Without a token, ping is answered or refused as configured."""
    context = inspection.context
    response = post(inspection.http, context.outputs["mcpUrl"], "ping")
    _expect_open(response, "ping", is_open=context.settings.allow_unauthenticated_ping)


@check("P5-tools-list-open")
def tools_list_open(inspection: Inspection) -> None:
    """Without a token, tools/list is answered or refused as configured."""
    context = inspection.context
    response = post(inspection.http, context.outputs["mcpUrl"], "tools/list")
    is_open = context.settings.allow_unauthenticated_tools_list
    _expect_open(response, "tools/list", is_open=is_open)


@check("P5-initialize-closed")
def initialize_closed(inspection: Inspection) -> None:
    """Without a token, initialize answers 401 and asks for one."""
    response = post(inspection.http, inspection.context.outputs["mcpUrl"], "initialize", INITIALIZE)
    _expect_closed(response, "initialize")


@check("P5-call-closed")
def call_closed(inspection: Inspection) -> None:
    """Without a token, no tool can be called: 401, and asks for one."""
    url = inspection.context.outputs["mcpUrl"]
    for tool, arguments in (
        ("get-schema", {}),
        ("read-cypher", {"query": "RETURN 1"}),
        ("write-cypher", {"query": "RETURN 1"}),
    ):
        params = {"name": tool, "arguments": arguments}
        _expect_closed(post(inspection.http, url, "tools/call", params), f"calling {tool}")


@check("P5-initialize")
def initialize(inspection: Inspection) -> None:
    """With a token, initialize answers with the configured release of the server."""
    context = inspection.context
    for name in context.clients:
        token = context.token(name)
        url = context.outputs["mcpUrl"]
        response = post(inspection.http, url, "initialize", INITIALIZE, token=token)
        expect_equal(f"{name}'s status", response.status_code, _OK)
        result = response.json().get("result", {})
        found = result.get("serverInfo", {}).get("version", "").removeprefix("v")
        expect_equal("the server's version", found, context.settings.server_version)
        expect_equal("the protocol's version", result.get("protocolVersion"), PROTOCOL_VERSION)


@check("P5-tools")
def tools(inspection: Inspection) -> None:
    """With a token, the tools are listed, and write-cypher unless the server only reads."""
    context = inspection.context
    token = context.token(next(iter(context.clients)))
    response = post(inspection.http, context.outputs["mcpUrl"], "tools/list", token=token)
    expect_equal("the status of tools/list", response.status_code, _OK)
    names = {tool["name"] for tool in response.json()["result"]["tools"]}
    missing = sorted(_READING_TOOLS - names)
    expect(not missing, f"tools/list lacks {', '.join(missing)}")
    writes = _WRITING_TOOL in names
    expect_equal("write-cypher is offered", writes, not context.settings.read_only)


@check("P5-get-schema")
def get_schema(inspection: Inspection) -> None:
    """Every client can ask for the schema."""
    context = inspection.context
    for name in context.clients:
        url, token = context.outputs["mcpUrl"], context.token(name)
        answer = call(inspection.http, url, "get-schema", {}, token=token)
        expect(not answer.refused, f"get-schema refuses {name}: {answer.text}")
        expect(answer.text, f"get-schema answers {name} with nothing")


@check("P5-read-cypher")
def read_cypher(inspection: Inspection) -> None:
    """Every client can query, and gets its parameters' values back."""
    context = inspection.context
    arguments = {"query": "RETURN $n + 2 AS answer", "params": {"n": 40}}
    for name in context.clients:
        url, token = context.outputs["mcpUrl"], context.token(name)
        answer = call(inspection.http, url, "read-cypher", arguments, token=token)
        expect(not answer.refused, f"read-cypher refuses {name}: {answer.text}")
        expect_equal(f"{name}'s rows", json.loads(answer.text), [{"answer": 42}])


def _expect_open(response: httpx2.Response, method: str, *, is_open: bool) -> None:
    if not is_open:
        _expect_closed(response, method)
        return
    expect_equal(f"the status of {method} without a token", response.status_code, _OK)
    expect("result" in response.json(), f"{method} without a token answers {response.text}")


def _expect_closed(response: httpx2.Response, what: str) -> None:
    expect_equal(f"the status of {what} without a token", response.status_code, _UNAUTHORIZED)
    challenge = response.headers.get("www-authenticate", "")
    expect("Bearer" in challenge, f"{what} without a token asks for {challenge!r}")
