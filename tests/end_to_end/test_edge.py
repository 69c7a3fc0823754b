"""Clients that discover at the edge how to get a token."""

import asyncio
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx2
import jwt
import pytest
from mcp import Client
from mcp.client.auth import OAuthFlowError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from localcloud.paths import Home
from neo4j_mcp_client import ClientCredentials
from tests.end_to_end import breakage
from tests.end_to_end.breakage import World
from tests.repository import ROOT

pytestmark = pytest.mark.stand_in

_EXAMPLES = ROOT / "client" / "examples"
# The first run fetches what the example needs.
_EXAMPLE_TIMEOUT = 180
_TOOLS = "['get-schema', 'read-cypher', 'write-cypher']"
# Cognito's minimum is five minutes; the stand-in accepts seconds, so that a test can wait.
_LIFETIME = 4
_PEOPLE = "MATCH (p:Person) RETURN count(p) AS people"


@pytest.fixture(scope="module")
def reader(edge_world: World) -> ClientCredentials:
    return edge_world.context.credentials("reader")


@pytest.fixture(scope="module")
def tls(edge_world: World) -> ssl.SSLContext:
    return edge_world.context.tls


def _uv(environment: dict[str, str], *command: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "uv", *command],
        cwd=_EXAMPLES,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_EXAMPLE_TIMEOUT,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return " ".join(ran.stdout.split())


def test_every_example_of_the_edge_is_run() -> None:
    assert {path.name for path in _EXAMPLES.glob("edge_*.py")} == {
        "edge_fastmcp.py",
        "edge_mcp_sdk.py",
    }


@pytest.mark.parametrize(
    "example", ["edge_mcp_sdk.py", pytest.param("edge_fastmcp.py", marks=pytest.mark.slow)]
)
def test_an_example_reads_rows_with_url_id_and_secret_alone(
    example: str, edge_world: World, reader: ClientCredentials
) -> None:
    downloads = {name: os.environ[name] for name in os.environ if name != "SSL_CERT_FILE"}
    _uv(downloads, "sync", "--quiet", "--script", example)
    environment = {
        # Nothing of the deployment but these.
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "SSL_CERT_FILE": str(Home(edge_world.running.home).certificate_bundle),
        "MCP_URL": edge_world.outputs["edgeUrl"],
        "CLIENT_ID": reader.client_id,
        "CLIENT_SECRET": reader.client_secret,
    }
    printed = _uv(environment, "run", "--quiet", "--script", example)
    assert printed == f'{_TOOLS} [ {{ "people": 0 }} ]'


class _Storage:
    """Keeps the SDK's token, as a program does."""

    def __init__(self, tokens: OAuthToken | None = None) -> None:
        """Start with a token, or without one."""
        self.tokens = tokens

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        del client_info


@asynccontextmanager
async def _connect(
    url: str, reader: ClientCredentials, storage: _Storage, tls: ssl.SSLContext
) -> AsyncIterator[Client]:
    """Connect an SDK client that has the URL, the client id and the secret."""
    provider = ClientCredentialsOAuthProvider(
        server_url=url,
        storage=storage,
        client_id=reader.client_id,
        client_secret=reader.client_secret,
        issuer=f"https://{urlsplit(url).netloc}",
    )
    async with (
        httpx2.AsyncClient(auth=provider, verify=tls, timeout=95) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


async def _read(client: Client) -> str:
    result = await client.call_tool("read-cypher", {"query": "RETURN 1 AS one"})
    text = "".join(block.text for block in result.content if block.type == "text")
    assert not result.is_error, text
    return "".join(text.split())


def _expiry(storage: _Storage) -> float:
    assert storage.tokens is not None
    claims = jwt.decode(storage.tokens.access_token, options={"verify_signature": False})
    return float(claims["exp"])


async def test_the_sdk_replaces_a_token_that_expires_during_a_session(
    edge_world: World, reader: ClientCredentials, tls: ssl.SSLContext
) -> None:
    storage = _Storage()
    units = {"AccessToken": "seconds"}
    with breakage.app_client(
        edge_world, "reader", AccessTokenValidity=_LIFETIME, TokenValidityUnits=units
    ):
        async with _connect(edge_world.outputs["edgeUrl"], reader, storage, tls) as client:
            assert await _read(client) == '[{"one":1}]'
            first = _expiry(storage)
            await asyncio.sleep(max(0.0, first + 1 - time.time()))
            assert await _read(client) == '[{"one":1}]'
    assert _expiry(storage) > first


async def test_the_sdk_replaces_a_stored_token_that_has_expired(
    edge_world: World, reader: ClientCredentials, tls: ssl.SSLContext
) -> None:
    # The SDK doesn't know when a stored token expires, so it sends it.
    stale = jwt.encode({"exp": int(time.time()) - 60}, "0" * 32, algorithm="HS256")
    storage = _Storage(OAuthToken(access_token=stale, token_type="Bearer"))
    async with _connect(edge_world.outputs["edgeUrl"], reader, storage, tls) as client:
        assert await _read(client) == '[{"one":1}]'
    assert _expiry(storage) > time.time()


async def test_the_sdk_finds_no_token_at_the_direct_address(
    edge_world: World, reader: ClientCredentials, tls: ssl.SSLContext
) -> None:
    with pytest.raises(BaseExceptionGroup) as refused:
        async with _connect(edge_world.outputs["mcpUrl"], reader, _Storage(), tls) as client:
            await _read(client)
    assert refused.group_contains(OAuthFlowError)
