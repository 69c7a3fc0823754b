"""`make bench-client`: compares the library with a bare loop, and counts its token requests.

It runs against a deployed stack: AWS and certificates come from the environment, as `make env`
prints it, and the stack's outputs as JSON on standard input.
"""

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any

import requests
import typer
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

    @property
    def good(self) -> bool:
        """Whether the ratio and the number of token requests are as documented."""
        return self.ratio < MOST_COST and self.token_requests == LIFETIMES


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
        bare_ms, library_ms = medians(bare, library)
        rates: dict[str, dict[int, float]] = {"bare": {}, "library": {}}
        for threads in THREADS:
            rates["bare"][threads] = rate(bare, threads)
            rates["library"][threads] = rate(library, threads)
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


def medians(bare: Call, library: Call) -> tuple[float, float]:
    """Time both, alternating call by call, so that other load affects both equally.

    Returns:
        The median of each, in milliseconds.
    """
    times: dict[Call, list[float]] = {bare: [], library: []}
    for pair in range(WARM_UP + PAIRS):
        # Each is first in half of the pairs.
        for call in (bare, library) if pair % 2 else (library, bare):
            started = time.perf_counter()
            call()
            if pair >= WARM_UP:
                times[call].append(time.perf_counter() - started)
    return statistics.median(times[bare]) * 1000, statistics.median(times[library]) * 1000


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
    with short_lived(credentials.token_url, expires_in=2 * lifetime) as (url, seen):
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
def short_lived(token_url: str, expires_in: float) -> Iterator[tuple[str, list[float]]]:
    """Run a token endpoint that forwards requests and shortens the tokens' lifetime.

    Args:
        expires_in: what it says of each token, in seconds.
    """
    seen: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(time.time())
            body = self.rfile.read(int(self.headers["Content-Length"]))
            names = ("Authorization", "Content-Type")
            headers = {name: self.headers[name] for name in names}
            answer = requests.post(token_url, data=body, headers=headers, timeout=TIMEOUT)
            content = json.dumps(answer.json() | {"expires_in": expires_in}).encode()
            self.send_response(answer.status_code)
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


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    app.command()(main)
    app()
