"""`make bench-client`: compares the library with a bare loop, and the bridge with the library.

It also counts their requests. It runs against a deployed stack: AWS and certificates come from the
environment, as `make env` prints it, and the stack's outputs as JSON on standard input.
"""

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any

import mcp_types
import requests
import typer
from anyio.from_thread import start_blocking_portal
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from requests.adapters import HTTPAdapter
from rich.console import Console
from rich.table import Table

from neo4j_mcp_client import (
    ClientCredentials,
    FixedCredentials,
    Neo4jMcp,
    TokenProvider,
    source_from_arn,
)

QUERY = "UNWIND range(1, 10) AS n RETURN n, 'some text' AS text"
ROWS = [{"n": n, "text": "some text"} for n in range(1, 11)]
TIMEOUT = (10, 125)

PAIRS = 1500
BRIDGE_PAIRS = 500
COUNTED = 50
WARM_UP = 50
SECONDS = 4.0
THREADS = (1, 8, 32)
CALLS = 10_000
CALLERS = 64
# An instance handles 50 concurrent requests, and answers more with 429.
CONNECTIONS = 48
LIFETIMES = 3
# The share of the measured rate that the counted calls use, so that they finish in time.
LOAD = 0.6
MOST_COST = 1.05

Call = Callable[[], object]


@dataclass(frozen=True)
class Results:
    """What was measured.

    Attributes:
        bare_ms: median of a bare call, in milliseconds.
        library_ms: median of a call by the library.
        ratio: of the two.
        bare_rate: bare calls per second, by number of threads.
        library_rate: the library's.
        calls: how many calls the tokens were counted for.
        lifetime_s: for how many seconds each token served.
        lifetimes: over how many such lifetimes the calls went.
        token_requests: how many requests the token endpoint saw.
        bridge_ms: median of a call through the bridge, in milliseconds.
        bridge_ratio: of that to the library's in the same pairs.
        bridge_requests: how many requests the server saw for each call through the bridge.
    """

    bare_ms: float
    library_ms: float
    ratio: float
    bare_rate: dict[int, float]
    library_rate: dict[int, float]
    calls: int
    lifetime_s: float
    lifetimes: float
    token_requests: int
    bridge_ms: float
    bridge_ratio: float
    bridge_requests: float

    @property
    def good(self) -> bool:
        """Whether the ratio and the numbers of requests are as documented."""
        return (
            self.ratio < MOST_COST
            and self.token_requests == LIFETIMES
            and self.bridge_requests == 1
        )


def main(
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,  # noqa: FBT002 - typer's way
) -> None:
    """Measure the library on the stack whose outputs are on standard input."""
    outputs = json.load(sys.stdin)
    credentials = source_from_arn(outputs["clients"]["reader"]["secretArn"]).current()
    results = measure(credentials)
    if as_json:
        typer.echo(json.dumps(asdict(results) | {"good": results.good}, indent=2))
    else:
        show(results)
    raise typer.Exit(0 if results.good else 1)


def measure(credentials: ClientCredentials) -> Results:
    """Measure everything."""
    tokens = TokenProvider(credentials)
    with (
        bare_loop(credentials.mcp_url, tokens.token().value) as bare,
        Neo4jMcp(credentials.mcp_url, tokens, connections=CONNECTIONS) as neo4j,
    ):

        def library() -> object:
            return neo4j.read(QUERY)

        for call in (bare, library):
            if call() != ROWS:
                raise SystemExit("The two don't answer the same rows.")
        bare_ms, library_ms = medians(bare, library, PAIRS)
        rates: dict[str, dict[int, float]] = {"bare": {}, "library": {}}
        for threads in THREADS:
            rates["bare"][threads] = rate(bare, threads)
            rates["library"][threads] = rate(library, threads)
        with bridge_loop(credentials) as bridge:
            paired_ms, bridge_ms = medians(library, bridge, BRIDGE_PAIRS)
    wanted = LOAD * rates["library"][max(THREADS)]
    lifetime = CALLS / wanted / (LIFETIMES - 0.1)
    requests_seen, duration = count_tokens(credentials, lifetime)
    return Results(
        bare_ms=bare_ms,
        library_ms=library_ms,
        ratio=library_ms / bare_ms,
        bare_rate=rates["bare"],
        library_rate=rates["library"],
        calls=CALLS,
        lifetime_s=lifetime,
        lifetimes=duration / lifetime,
        token_requests=requests_seen,
        bridge_ms=bridge_ms,
        bridge_ratio=bridge_ms / paired_ms,
        bridge_requests=count_calls(credentials) / COUNTED,
    )


@contextmanager
def bare_loop(url: str, token: str) -> Iterator[Call]:
    """Create a call as written by hand: a session, a fixed token, no retries."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "read-cypher", "arguments": {"query": QUERY}},
    }
    with requests.Session() as session:
        session.mount(url, HTTPAdapter(pool_maxsize=CONNECTIONS))
        session.headers["Accept"] = "application/json, text/event-stream"
        session.headers["Authorization"] = f"Bearer {token}"

        def call() -> object:
            response = session.post(url, json=body, timeout=TIMEOUT)
            response.raise_for_status()
            result = response.json()["result"]
            if result.get("isError"):
                raise SystemExit(result["content"][0]["text"])
            return json.loads(result["content"][0]["text"])

        yield call


@contextmanager
def bridge_loop(credentials: ClientCredentials) -> Iterator[Call]:
    """Create a call as a desktop agent makes it: with the MCP SDK, through the bridge's process."""
    environment = {
        "NEO4J_MCP_CLIENT_ID": credentials.client_id,
        "NEO4J_MCP_CLIENT_SECRET": credentials.client_secret,
        "NEO4J_MCP_TOKEN_URL": credentials.token_url,
        "NEO4J_MCP_SCOPES": " ".join(credentials.scopes),
        "NEO4J_MCP_URL": credentials.mcp_url,
    }
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "neo4j_mcp_client", "bridge"],
        env={**os.environ, **environment},
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(parameters, mode="legacy")) as agent,
    ):

        def call() -> object:
            result = portal.call(agent.call_tool, "read-cypher", {"query": QUERY})
            (content,) = result.content
            if result.is_error or not isinstance(content, mcp_types.TextContent):
                raise SystemExit(f"The bridge returned {result}")
            return json.loads(content.text)

        yield call


def count_calls(credentials: ClientCredentials) -> int:
    """Make the counted calls through the bridge.

    Returns:
        The tool calls that the server saw.
    """
    with forwarding(credentials.mcp_url) as (url, seen):
        with bridge_loop(replace(credentials, mcp_url=f"{url}mcp")) as bridge:
            for _ in range(COUNTED):
                bridge()
        return sum(json.loads(body)["method"] == "tools/call" for body in seen)


def medians(one: Call, other: Call, pairs: int) -> tuple[float, float]:
    """Time both, alternating call by call, so that other load affects both equally.

    Returns:
        The median of each, in milliseconds.
    """
    times: dict[Call, list[float]] = {one: [], other: []}
    for pair in range(WARM_UP + pairs):
        # Each is first in half of the pairs.
        for call in (one, other) if pair % 2 else (other, one):
            started = time.perf_counter()
            call()
            if pair >= WARM_UP:
                times[call].append(time.perf_counter() - started)
    return statistics.median(times[one]) * 1000, statistics.median(times[other]) * 1000


def rate(call: Call, threads: int) -> float:
    """Call from many threads for a while."""
    started = time.monotonic()

    def work(_: int) -> int:
        done = 0
        while time.monotonic() - started < SECONDS:
            call()
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(work, range(threads)))
    return done / (time.monotonic() - started)


def count_tokens(credentials: ClientCredentials, lifetime: float) -> tuple[int, float]:
    """Spread the counted calls over the lifetimes, and count the token requests.

    The tokens are real; their lifetime is shortened by an endpoint of the bench's own, in front
    of the real one, which says so in `expires_in`.

    Args:
        lifetime: for how many seconds each token is to serve.

    Returns:
        The token requests that were seen, and the seconds that the calls took.
    """
    # A short-lived token is renewed after half of its lifetime.
    shortened = {"expires_in": 2 * lifetime}
    with forwarding(credentials.token_url, shortened) as (url, seen):
        tokens = TokenProvider(FixedCredentials(replace(credentials, token_url=url)))
        turns = iter(range(CALLS))
        lock = threading.Lock()
        every = (LIFETIMES - 0.1) * lifetime / CALLS
        with Neo4jMcp(credentials.mcp_url, tokens, connections=CONNECTIONS) as neo4j:
            started = time.monotonic()

            def work(_: int) -> None:
                while True:
                    with lock:
                        turn = next(turns, None)
                    if turn is None:
                        return
                    # Scheduled, or fast calls would finish within the first lifetime.
                    time.sleep(max(0.0, started + turn * every - time.monotonic()))
                    neo4j.read(QUERY)

            with ThreadPoolExecutor(CALLERS) as pool:
                list(pool.map(work, range(CALLERS)))
            return len(seen), time.monotonic() - started


@contextmanager
def forwarding(
    target: str, changes: Mapping[str, object] | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """Run an endpoint that forwards requests, and keeps their bodies.

    Args:
        target: the URL to which it forwards.
        changes: fields to set in each answer.
    """
    seen: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(body)
            headers = {
                name: value
                for name in ("Accept", "Authorization", "Content-Type", "MCP-Protocol-Version")
                if (value := self.headers[name])
            }
            answer = requests.post(target, data=body, headers=headers, timeout=TIMEOUT)
            content = answer.content
            if changes:
                content = json.dumps({**answer.json(), **changes}).encode()
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Don't log requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", seen
        finally:
            server.shutdown()
            thread.join()


def show(results: Results) -> None:
    """Print the results as a table."""
    table = Table(title=f"On {os.cpu_count()} cores, with the server and the database on them")
    for column in ("", "bare loop", "library", "library / bare"):
        table.add_column(column, justify="right" if column else "left")

    def row(what: str, bare: float, library: float, unit: str) -> None:
        table.add_row(what, f"{bare:.2f} {unit}", f"{library:.2f} {unit}", f"{library / bare:.3f}")

    row("median of a call", results.bare_ms, results.library_ms, "ms")
    for threads, bare in results.bare_rate.items():
        library: Any = results.library_rate[threads]
        row(f"{threads} thread{'s' if threads > 1 else ''}", bare, library, "calls/s")
    console = Console()
    console.print(table)
    console.print(
        f"{results.token_requests} token requests for {results.calls:,} calls from {CALLERS}"
        f" threads over {results.lifetimes:.2f} lifetimes of {results.lifetime_s:.1f} s"
    )
    console.print(
        f"Through the bridge: {results.bridge_ms:.2f} ms, {results.bridge_ratio:.2f} times the"
        f" library's, and {results.bridge_requests:g} request for each call"
    )


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    app.command()(main)
    app()
