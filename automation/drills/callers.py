"""The calls of a drill: sent once, or made with the client library."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import httpx2

from neo4j_mcp_client import (
    ClientCredentials,
    Neo4jMcp,
    NetworkError,
    ServerError,
    TokenProvider,
)
from neo4j_mcp_client.calls import HEADERS, Reply, run_cypher

TOKEN_TIMEOUT: Final = 120.0
"""Seconds that the token endpoint may take: a drill judges how a caller waits, not how fast this
machine is."""
_QUERY: Final = "RETURN 1 AS one"
_ROWS: Final = [{"one": 1}]


class WrongAnswerError(Exception):
    """A call returned other rows than its query's."""


def failure_kind(error: Exception) -> str:
    """Classify a failure: ``HTTP 503``, or the name of the client library's exception."""
    return f"HTTP {error.status}" if isinstance(error, ServerError) else type(error).__name__


def single_attempt(http: httpx2.Client, url: str, token: Callable[[], str]) -> Callable[[], None]:
    """Make a call that is sent once, so that every failure of the deployment shows.

    Args:
        url: the server's URL.
        token: returns the access token.

    Returns:
        The call. It raises the client library's exceptions.
    """

    def call() -> None:
        prepared = run_cypher(_QUERY, None, read_only=True)
        headers = {**HEADERS, "Authorization": f"Bearer {token()}"}
        started = time.monotonic()
        try:
            response = http.post(url, content=prepared.body, headers=headers)
        except httpx2.TransportError as error:
            raise NetworkError(f"{type(error).__name__}: {error}", may_have_run=True) from error
        _expect_rows(prepared.read(Reply.of(response, elapsed=time.monotonic() - started)))

    return call


@contextmanager
def library_call(
    credentials: ClientCredentials, tokens: TokenProvider
) -> Iterator[Callable[[], None]]:
    """Make a call as users of the client library do, with its retries."""
    with Neo4jMcp(credentials.mcp_url, tokens) as client:
        yield lambda: run_query(client)


def run_query(client: Neo4jMcp) -> None:
    """Make one call with the client library, with its retries.

    Raises:
        Neo4jMcpError: it failed.
        WrongAnswerError: it returned other rows than the query's.
    """
    _expect_rows(client.read(_QUERY))


def token_provider(credentials: ClientCredentials, token_url: str | None = None) -> TokenProvider:
    """Make the client library's token provider.

    Args:
        token_url: the token endpoint, if not the one in the credentials.
    """
    return TokenProvider(
        replace(credentials, token_url=token_url or credentials.token_url),
        timeout=TOKEN_TIMEOUT,
    )


def _expect_rows(rows: object) -> None:
    if rows != _ROWS:
        raise WrongAnswerError(f"{_QUERY} returned {rows!r}")
