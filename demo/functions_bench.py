"""What the functions in Lambda add to a call and to a token, for `make bench`."""

import contextlib
import http.client
import json
import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from automation.load.comparison import median_interval
from components.hosting.environment import server_environment
from components.hosting.lambda_.package import prepare_package
from components.settings import StackSettings
from demo.figures import BenchError, Figure
from demo.stand_in import read_credentials
from functions.claims import handler as claims
from functions.server import handler
from functions.server.process import HOST, ServerProcess, ServerSettings
from localcloud.aws.lambda_.events import UrlRequest, event_of
from localcloud.cloud import Cloud, find_running
from localcloud.paths import Home
from neo4j_mcp_client import TokenProvider
from server.releases import Architecture

_SMALL: Final = "UNWIND range(1, 10) AS n RETURN n, 'some text' AS text"
_LARGE: Final = (
    "WITH reduce(text = 'some \"text\"\\n', i IN range(1, 13) | text + text) AS text"
    " UNWIND range(1, 20) AS n RETURN n, text"
)
"""Its answer takes 5 MB of a result in JSON, which allows 6."""
_WARM_UP: Final = 3
_EVENTS: Final = 200
"""Claims for each measurement, as one takes microseconds."""
_IDENTIFIER: Final = "neo4j-mcp"
# As the Amazon Cognito Developer Guide shows it, version 3.
_TOKEN_EVENT: Final = {
    "version": "3",
    "triggerSource": "TokenGeneration_ClientCredentials",
    "region": "us-east-1",
    "userPoolId": "us-east-1_Example01",
    "userName": "ClientCredentials",
    "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1example23456789"},
    "request": {
        "userAttributes": {},
        "groupConfiguration": {},
        "scopes": [f"{_IDENTIFIER}/reader", f"{_IDENTIFIER}/writer"],
    },
    "response": {"claimsAndScopeOverrideDetails": None},
}

Call = Callable[[], object]


class Measured(NamedTuple):
    """The median of ratios, with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def paired(one: Call, other: Call, pairs: int) -> Measured:
    """Return how many times the other's time one takes, with both in turn under the same load."""
    ratios = []
    for pair in range(_WARM_UP + pairs):
        # Each is first in half of the pairs.
        times = {call: _seconds(call) for call in ((one, other) if pair % 2 else (other, one))}
        if pair >= _WARM_UP:
            ratios.append(times[one] / times[other])
    low, high = median_interval(ratios)
    return Measured(value=statistics.median(ratios), low=low, high=high)


def of_the_functions(settings: StackSettings, outputs: Mapping[str, Any]) -> Iterator[Figure]:
    """Measure the handler of the server and the claims function.

    Raises:
        BenchError: the two ways to make a call don't return the same.
        LocalCloudError: the stand-in cloud doesn't run.
        ServerImageError: the server's binary can't be fetched.
    """
    running = find_running(Home.default())
    with _server(settings, running) as server:
        for what, query, pairs, most in (
            ("small", _SMALL, 600, 1.25),
            ("3 MB", _LARGE, 60, 1.25),
        ):
            measured = _handler(server, _request(running, outputs, query), pairs)
            yield Figure(
                what=f"Time of a call by the Lambda handler, to a bare loop's: {what} answer",
                **measured._asdict(),
                at_most=most,
            )
    yield Figure(
        what="Time of the claims function, to reading and writing its event as JSON",
        **_claims()._asdict(),
        at_most=2,
    )


@contextlib.contextmanager
def _server(settings: StackSettings, running: Cloud) -> Iterator[ServerProcess]:
    """Run the server of the function's package, with a connection to the stand-in's database."""
    package = prepare_package(
        settings.server_version,
        Architecture.X86_64,
        trusted_certificates=settings.trusted_certificates,
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with zipfile.ZipFile(package.path) as archive:
            archive.extractall(folder)
        environment = {
            **server_environment(settings),
            "NEO4J_MCP_URI": running.bolt_uri,
            "NEO4J_MCP_LOG_LEVEL": "error",
        }
        server = ServerProcess(
            ServerSettings(
                program=Path(folder, "neo4j-mcp-server"),
                environment=handler.server_environment(environment, Path(folder)),
            )
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _request(running: Cloud, outputs: Mapping[str, Any], query: str) -> UrlRequest:
    credentials = read_credentials(running, outputs["clients"]["reader"]["secretArn"])
    bundle = Home(running.home).certificate_bundle
    token = TokenProvider(credentials, ca_bundle=bundle).token().value
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "read-cypher", "arguments": {"query": query}},
    }
    return UrlRequest(
        method="POST",
        path="/mcp",
        query="",
        headers=(
            ("accept", "application/json, text/event-stream"),
            ("authorization", f"Bearer {token}"),
            ("content-type", "application/json"),
        ),
        body=json.dumps(call).encode(),
        source="127.0.0.1",
        host="localhost",
    )


def _handler(server: ServerProcess, request: UrlRequest, pairs: int) -> Measured:
    """Compare the handler with a loop that has one connection to the same server."""
    event, headers = event_of(request), dict(request.headers)
    with contextlib.closing(http.client.HTTPConnection(HOST, server.port)) as connection:

        def bare() -> bytes:
            connection.request(request.method, request.path, request.body, headers)
            return connection.getresponse().read()

        def handled() -> object:
            return handler.respond(server, event)["body"]

        require_equal(bare(), handled())
        return paired(handled, bare, pairs)


def require_equal(answer: bytes, result: object) -> None:
    """Require that the handler returns the server's answer, and that it is no error.

    Raises:
        BenchError: it doesn't, or it is one.
    """
    found = json.loads(answer)
    if answer.decode() != result or "error" in found or found["result"].get("isError"):
        raise BenchError(
            "The Lambda handler and the server differ, or the call failed. The server's answer"
            f" begins with {answer[:200].decode(errors='replace')!r}, and the handler's with"
            f" {str(result)[:200]!r}"
        )


def _claims() -> Measured:
    text = json.dumps(_TOKEN_EVENT)

    def bare() -> None:
        for _ in range(_EVENTS):
            json.dumps(json.loads(text))

    def handled() -> None:
        for event in events:
            claims.handle(event, None)

    events = [json.loads(text) for _ in range(_EVENTS)]
    os.environ["RESOURCE_SERVER_IDENTIFIER"] = _IDENTIFIER
    # It logs each token.
    with Path(os.devnull).open("w") as log, contextlib.redirect_stdout(log):
        return paired(handled, bare, 200)


def _seconds(call: Call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
