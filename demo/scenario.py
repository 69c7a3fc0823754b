"""The demo's calls, each with whether its result is the expected one."""

import ssl
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from mcp import Client

from demo import graph
from demo.calls import call_tool, connect, connect_by_discovery, post_without_token
from neo4j_mcp_client import (
    AccessToken,
    ClientCredentials,
    ForbiddenError,
    Neo4jMcpError,
    TokenProvider,
)

_FORBIDDEN = "Neo.ClientError.Security.Forbidden"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One row of the demo's table.

    Attributes:
        action: what was tried.
        passed: whether the result is the expected one.
    """

    action: str
    result: str
    passed: bool


async def run(
    reader: ClientCredentials,
    writer: ClientCredentials,
    aura_sso: Mapping[str, Any],
    ca_bundle: Path,
    edge_url: str | None = None,
) -> AsyncGenerator[Step, None]:
    """Get tokens, load the graph, ask questions, and try what must be refused.

    Args:
        aura_sso: the stack's output for the Aura console.
        edge_url: the MCP endpoint for clients that discover; None without an edge.
        ca_bundle: the trusted certificate authorities.

    Yields:
        Each step as soon as it is done.

    Raises:
        httpx2.HTTPError: a server can't be reached.
        Neo4jMcpError: a token request or a call failed that must succeed.
    """
    tls = ssl.create_default_context(cafile=ca_bundle)
    reader_tokens = TokenProvider(reader, ca_bundle=ca_bundle)
    writer_tokens = TokenProvider(writer, ca_bundle=ca_bundle)
    yield _check_token("reader", reader, await reader_tokens.token_async(), aura_sso)
    yield _check_token("writer", writer, await writer_tokens.token_async(), aura_sso)
    async with connect(writer.mcp_url, writer_tokens, tls) as client:
        yield await _load_graph(client)
    async with connect(reader.mcp_url, reader_tokens, tls) as client:
        yield await _read_schema(client)
        answers = graph.expected_answers(graph.network())
        for question, expected in zip(graph.QUESTIONS, answers, strict=True):
            rows = await call_tool(client, "read-cypher", {"query": question.cypher})
            answer = rows[0][question.column]
            yield Step(action=question.text, result=str(answer), passed=answer == expected)
        yield await _write_as_reader(client)
    if edge_url is not None:
        yield await _ask_by_discovery(edge_url, reader, tls)
    yield await _list_tools_without_token(reader.mcp_url, tls, is_open=reader.mcp_url != edge_url)
    yield await _call_tool_without_token(reader.mcp_url, tls)


def _check_token(
    name: str, credentials: ClientCredentials, token: AccessToken, aura_sso: Mapping[str, Any]
) -> Step:
    claims = token.claims
    audience, groups = claims.get("aud"), claims.get(aura_sso["groupsClaim"]) or []
    scope_names = {scope.rpartition("/")[2] for scope in credentials.scopes}
    return Step(
        action=f"The {name}'s token from Cognito",
        result=f"aud {audience}, groups {', '.join(groups)}",
        passed=audience == credentials.client_id
        and audience in aura_sso["audience"]
        and set(groups) == scope_names,
    )


async def _load_graph(client: Client) -> Step:
    network = graph.network()
    expected = {"characters": network.number_of_nodes(), "pairs": network.number_of_edges()}
    action = "The writer finds Les Misérables"
    found = (await call_tool(client, "read-cypher", {"query": graph.SIZE}) or [{}])[0]
    if found != expected:
        action = "The writer loads Les Misérables"
        parameters = {"pairs": graph.pairs(network)}
        await call_tool(client, "write-cypher", {"query": graph.LOAD, "params": parameters})
        found = (await call_tool(client, "read-cypher", {"query": graph.SIZE}))[0]
    return Step(
        action=action,
        result=f"{found['characters']} characters, {found['pairs']} pairs",
        passed=found == expected,
    )


async def _read_schema(client: Client) -> Step:
    schema = await call_tool(client, "get-schema", {})
    labels = [entry["key"] for entry in schema]
    return Step(
        action="The reader asks for the schema",
        result=", ".join(labels),
        passed={"Character", "APPEARS_WITH"} <= set(labels),
    )


async def _write_as_reader(client: Client) -> Step:
    action = "The reader tries to write"
    try:
        await call_tool(client, "write-cypher", {"query": "CREATE (:Intruder)"})
    except ForbiddenError:
        return Step(action=action, result=_FORBIDDEN, passed=True)
    except Neo4jMcpError as error:
        return Step(action=action, result=str(error), passed=False)
    return Step(action=action, result="allowed", passed=False)


async def _ask_by_discovery(edge_url: str, reader: ClientCredentials, tls: ssl.SSLContext) -> Step:
    async with connect_by_discovery(
        edge_url, reader.client_id, reader.client_secret, tls
    ) as client:
        found = await call_tool(client, "read-cypher", {"query": graph.SIZE})
    network = graph.network()
    return Step(
        action="An SDK client with the edge's URL, an id and a secret",
        result=f"{found[0]['characters']} characters, {found[0]['pairs']} pairs",
        passed=found[0]["characters"] == network.number_of_nodes(),
    )


async def _list_tools_without_token(mcp_url: str, tls: ssl.SSLContext, *, is_open: bool) -> Step:
    """List the tools; the edge requires a token for that too."""
    response = await post_without_token(mcp_url, "tools/list", {}, tls)
    names = []
    if response.status_code == HTTPStatus.OK:
        names = [tool["name"] for tool in response.json()["result"]["tools"]]
    return Step(
        action="tools/list without a token",
        result=", ".join(names) or f"HTTP {response.status_code}",
        passed="read-cypher" in names
        if is_open
        else response.status_code == HTTPStatus.UNAUTHORIZED,
    )


async def _call_tool_without_token(mcp_url: str, tls: ssl.SSLContext) -> Step:
    call = {"name": "read-cypher", "arguments": {"query": "RETURN 1"}}
    response = await post_without_token(mcp_url, "tools/call", call, tls)
    return Step(
        action="tools/call without a token",
        result=f"HTTP {response.status_code}",
        passed=response.status_code == HTTPStatus.UNAUTHORIZED,
    )
