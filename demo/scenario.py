"""The demo's calls, and whether each gave what it must."""

import ssl
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client

from demo import graph
from demo.calls import call_tool, connect, post_without_token
from neo4j_mcp_client import (
    AccessToken,
    ClientCredentials,
    ForbiddenError,
    Neo4jMcpError,
    TokenProvider,
)

_FORBIDDEN = "Neo.ClientError.Security.Forbidden"
_UNAUTHORIZED = 401
_OK = 200


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the demo's table.

    Attributes:
        what: what was tried.
        shown: what came back.
        true: whether that is what must come back.
    """

    what: str
    shown: str
    true: bool


async def run(
    reader: ClientCredentials,
    writer: ClientCredentials,
    aura_sso: Mapping[str, Any],
    ca_bundle: Path,
) -> AsyncGenerator[Line, None]:
    """Go the whole way: tokens, the graph in, questions out, and what must be refused.

    Args:
        reader: the credentials of a client that may read.
        writer: the credentials of a client that may write.
        aura_sso: the stack's output for the Aura console.
        ca_bundle: the trusted certificate authorities.

    Yields:
        A line for each thing tried, as soon as it is known.

    Raises:
        httpx2.HTTPError: a hop of the way doesn't answer.
        Neo4jMcpError: there is no token, or a call failed that must succeed.
    """
    tls = ssl.create_default_context(cafile=ca_bundle)
    reader_tokens = TokenProvider(reader, ca_bundle=ca_bundle)
    writer_tokens = TokenProvider(writer, ca_bundle=ca_bundle)
    yield _token_line("reader", reader, await reader_tokens.token_async(), aura_sso)
    yield _token_line("writer", writer, await writer_tokens.token_async(), aura_sso)
    async with connect(writer.mcp_url, writer_tokens, tls) as client:
        yield await _load(client)
    async with connect(reader.mcp_url, reader_tokens, tls) as client:
        yield await _schema(client)
        answers = graph.expected_answers(graph.network())
        for question, expected in zip(graph.QUESTIONS, answers, strict=True):
            rows = await call_tool(client, "read-cypher", {"query": question.cypher})
            answer = rows[0][question.column]
            yield Line(what=question.text, shown=str(answer), true=answer == expected)
        yield await _write_as_reader(client)
    yield await _open_tools_list(reader.mcp_url, tls)
    yield await _call_without_token(reader.mcp_url, tls)


def _token_line(
    name: str, credentials: ClientCredentials, token: AccessToken, aura_sso: Mapping[str, Any]
) -> Line:
    claims = token.claims
    audience, groups = claims.get("aud"), claims.get(aura_sso["groupsClaim"]) or []
    scope_names = {scope.rpartition("/")[2] for scope in credentials.scopes}
    return Line(
        what=f"The {name}'s token from Cognito",
        shown=f"aud {audience}, groups {', '.join(groups)}",
        true=audience == credentials.client_id
        and audience in aura_sso["audience"]
        and set(groups) == scope_names,
    )


async def _load(client: Client) -> Line:
    network = graph.network()
    wanted = {"characters": network.number_of_nodes(), "pairs": network.number_of_edges()}
    what = "The writer loads Les Misérables"
    found = (await call_tool(client, "read-cypher", {"query": graph.SIZE}) or [{}])[0]
    if found != wanted:
        await call_tool(
            client,
            "write-cypher",
            {"query": graph.LOAD, "params": {"pairs": graph.pairs(network)}},
        )
        found = (await call_tool(client, "read-cypher", {"query": graph.SIZE}))[0]
    else:
        what = "The writer finds Les Misérables"
    shown = f"{found['characters']} characters, {found['pairs']} pairs"
    return Line(what=what, shown=shown, true=found == wanted)


async def _schema(client: Client) -> Line:
    schema = await call_tool(client, "get-schema", {})
    labels = [entry["key"] for entry in schema]
    return Line(
        what="The reader asks for the schema",
        shown=", ".join(labels),
        true={"Character", "APPEARS_WITH"} <= set(labels),
    )


async def _write_as_reader(client: Client) -> Line:
    what = "The reader tries to write"
    try:
        await call_tool(client, "write-cypher", {"query": "CREATE (:Intruder)"})
    except ForbiddenError:
        return Line(what=what, shown=_FORBIDDEN, true=True)
    except Neo4jMcpError as error:
        return Line(what=what, shown=str(error), true=False)
    return Line(what=what, shown="it could", true=False)


async def _open_tools_list(mcp_url: str, tls: ssl.SSLContext) -> Line:
    response = await post_without_token(mcp_url, "tools/list", {}, tls)
    names = []
    if response.status_code == _OK:
        names = [tool["name"] for tool in response.json()["result"]["tools"]]
    return Line(
        what="tools/list without a token",
        shown=", ".join(names) or f"HTTP {response.status_code}",
        true="read-cypher" in names,
    )


async def _call_without_token(mcp_url: str, tls: ssl.SSLContext) -> Line:
    call = {"name": "read-cypher", "arguments": {"query": "RETURN 1"}}
    response = await post_without_token(mcp_url, "tools/call", call, tls)
    return Line(
        what="tools/call without a token",
        shown=f"HTTP {response.status_code}",
        true=response.status_code == _UNAUTHORIZED,
    )
