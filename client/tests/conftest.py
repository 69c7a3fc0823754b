"""A token endpoint and an MCP server, and clients of both kinds that call them."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from client.tests.site import Site, issuer, rows, serve
from localcloud.cloud import Cloud
from localcloud.console import connect_aura
from neo4j_mcp_client import BackOff, ClientCredentials, Neo4jMcp, TokenProvider
from neo4j_mcp_client.async_client import AsyncNeo4jMcp
from tests.stand_in import Aws

CLIENT_ID = "client-1"
CLIENT_SECRET = "s3cret-of-the-tests"
SCOPE = "neo4j-mcp/reader"

MakeCredentials = Callable[..., ClientCredentials]
MakeProvider = Callable[..., TokenProvider]
ChangeAura = Callable[..., None]
ChangeServer = Callable[..., None]
Call = Callable[[str, Any], Any]
"""Calls a method of a client by name, with its arguments."""

_SETTLE_TIMEOUT = 120.0


class Clock:
    """The time, which a test can advance."""

    def __init__(self) -> None:
        self._offset = 0.0

    def __call__(self) -> float:
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += seconds


@pytest.fixture(autouse=True)
def no_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore a shell's settings for certificates and credentials."""
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
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(credentials: ClientCredentials, quick: BackOff, clock: Clock) -> TokenProvider:
    return TokenProvider(credentials, back_off=quick, clock=clock)


@pytest.fixture(params=["requests", "httpx2"])
def call(
    request: pytest.FixtureRequest, server: Site, tokens: TokenProvider, quick: BackOff
) -> Callable[..., Any]:
    """Call the server once, from a thread or from an asyncio task."""

    def by_requests(method: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the method's own
        options.setdefault("back_off", quick)
        with Neo4jMcp(options.pop("url", server.url), tokens, **options) as client:
            return getattr(client, method)(*arguments)

    def by_httpx2(method: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the method's own
        async def call() -> Any:  # noqa: ANN401 - the method's own
            options.setdefault("back_off", quick)
            url = options.pop("url", server.url)
            async with AsyncNeo4jMcp(url, tokens, **options) as client:
                return await getattr(client, method)(*arguments)

        return asyncio.run(call())

    return by_requests if request.param == "requests" else by_httpx2


@pytest.fixture
def change_aura(running: Cloud, outputs: dict[str, Any]) -> Iterator[ChangeAura]:
    """Enter wrong settings in the Aura console; the test's end restores them."""

    def change(**settings: Any) -> None:  # noqa: ANN401 - settings are anything
        connect_aura(running, outputs["auraSso"] | settings)

    yield change
    connect_aura(running, outputs["auraSso"])


@pytest.fixture
def user_pool(outputs: dict[str, Any]) -> str:
    """The id of the stack's user pool, with which its issuer ends."""
    return str(outputs["issuer"].rpartition("/")[2])


@pytest.fixture
def service_arn(outputs: dict[str, Any], aws: Aws) -> str:
    services = aws("apprunner").list_services()["ServiceSummaryList"]
    host = outputs["serviceUrl"].removeprefix("https://")
    (arn,) = (each["ServiceArn"] for each in services if each["ServiceUrl"] == host)
    return str(arn)


@pytest.fixture
def change_server(aws: Aws, service_arn: str) -> Iterator[ChangeServer]:
    """Change variables of the server's environment; the test's end restores them."""
    apprunner = aws("apprunner")
    found = apprunner.describe_service(ServiceArn=service_arn)["Service"]
    original, checked = found["SourceConfiguration"], found["HealthCheckConfiguration"]

    def change(**variables: str) -> None:
        changed = json.loads(json.dumps(original))
        image = changed["ImageRepository"]["ImageConfiguration"]
        image["RuntimeEnvironmentVariables"] |= variables
        # A fault may make the start slow.
        _update(
            apprunner, service_arn, changed, checked | {"Interval": 10, "UnhealthyThreshold": 5}
        )

    yield change
    _update(apprunner, service_arn, original, checked)


def _update(apprunner: Any, arn: str, source: Any, health: Any) -> None:  # noqa: ANN401 - boto3's own
    apprunner.update_service(
        ServiceArn=arn, SourceConfiguration=source, HealthCheckConfiguration=health
    )
    settled(apprunner, arn, "RUNNING")
    (update, *_) = apprunner.list_operations(ServiceArn=arn)["OperationSummaryList"]
    assert update["Status"] == "SUCCEEDED"


def settled(apprunner: Any, arn: str, status: str) -> None:  # noqa: ANN401 - boto3's own
    """Wait until a service has come to a status; App Runner has nothing but asking for it."""
    deadline = time.monotonic() + _SETTLE_TIMEOUT
    while (found := apprunner.describe_service(ServiceArn=arn)["Service"]["Status"]) != status:
        assert time.monotonic() < deadline, f"{found} and not {status}"
        time.sleep(0.2)
