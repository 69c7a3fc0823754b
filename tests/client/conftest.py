"""A token endpoint and an MCP server, and clients of both kinds that call them."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from neo4j_mcp_client import BackOff, ClientCredentials, Neo4jMcp, TokenProvider
from neo4j_mcp_client.async_client import AsyncNeo4jMcp

from tests.client.site import Site, issuer, rows, serve

CLIENT_ID = "client-1"
CLIENT_SECRET = "s3cret-of-the-tests"
SCOPE = "neo4j-mcp/reader"

MakeCredentials = Callable[..., ClientCredentials]
MakeProvider = Callable[..., TokenProvider]
Call = Callable[[str, Any], Any]
"""Calls a method of a client by name, with its arguments."""


@pytest.fixture(autouse=True)
def no_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shell says about certificates or credentials is no part of a test."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NEO4J_MCP_SECRET_ARN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def endpoint() -> Iterator[Site]:
    """A token endpoint that issues a new token for each request."""
    with serve(issuer()) as site:
        yield site


@pytest.fixture
def server() -> Iterator[Site]:
    """An MCP server that answers one row."""
    with serve(lambda _: rows({"answer": 42})) as site:
        yield site


@pytest.fixture
def credentials(endpoint: Site) -> ClientCredentials:
    return ClientCredentials(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        token_url=endpoint.url,
        scopes=(SCOPE,),
        mcp_url="https://server.example/mcp",
    )


@pytest.fixture
def quick() -> BackOff:
    """A back-off that no test has to wait for."""
    return BackOff(first=0.01, longest=0.02)


@pytest.fixture
def tokens(credentials: ClientCredentials, quick: BackOff) -> TokenProvider:
    return TokenProvider(credentials, back_off=quick)


@pytest.fixture(params=["requests", "httpx2"])
def call(request: pytest.FixtureRequest, server: Site, tokens: TokenProvider) -> Callable[..., Any]:
    """Call the server once, from a thread or from an asyncio task."""

    def by_requests(method: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        with Neo4jMcp(options.pop("url", server.url), tokens, **options) as client:
            return getattr(client, method)(*arguments)

    def by_httpx2(method: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        async def call() -> Any:  # noqa: ANN401
            url = options.pop("url", server.url)
            async with AsyncNeo4jMcp(url, tokens, **options) as client:
                return await getattr(client, method)(*arguments)

        return asyncio.run(call())

    return by_requests if request.param == "requests" else by_httpx2
