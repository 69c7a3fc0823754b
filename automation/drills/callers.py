"""The callers of a drill: one that sends each call once, and the client library's own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import httpx2

from automation.checks.context import Credentials
from neo4j_mcp_client import (
    ClientCredentials,
    Neo4jMcp,
    NetworkError,
    ServerError,
    TokenProvider,
)
from neo4j_mcp_client.calls import HEADERS, Reply, run_cypher

_TOKEN_TIMEOUT: Final = 120.0
_QUERY: Final = "RETURN 1 AS one"
_ROWS: Final = [{"one": 1}]


class WrongAnswerError(Exception):
    """A call was answered with other rows than it asked for."""


def kind_of(error: Exception) -> str:
    """Name a failure's kind.

    Args:
        error: the failure.

    Returns:
        The HTTP status for an answer that is no result, as in ``HTTP 503``; else the name of the
        exception, which is the client library's.
    """
    return f"HTTP {error.status}" if isinstance(error, ServerError) else type(error).__name__


def sent_once(http: httpx2.Client, url: str, token: Callable[[], str]) -> Callable[[], None]:
    """Make a call that is sent once: what it meets is the deployment's doing alone.

    Args:
        http: the HTTP client.
        url: the server's URL.
        token: gives the access token.

    Returns:
        The call. It raises the client library's exceptions.
    """

    def ask() -> None:
        call = run_cypher(_QUERY, None, read_only=True)
        headers = {**HEADERS, "Authorization": f"Bearer {token()}"}
        started = time.monotonic()
        try:
            response = http.post(url, content=call.body, headers=headers)
        except httpx2.TransportError as error:
            raise NetworkError(f"{type(error).__name__}: {error}", may_have_run=True) from error
        _expect_rows(call.read(Reply.of(response, elapsed=time.monotonic() - started)))

    return ask


@contextmanager
def library(credentials: Credentials, tokens: TokenProvider) -> Iterator[Callable[[], None]]:
    """Make calls as callers do that use the client library.

    Args:
        credentials: whose calls.
        tokens: gives their tokens.

    Yields:
        The call, with all that the library does about failures.
    """
    with Neo4jMcp(credentials.mcp_url, tokens) as client:
        yield lambda: _expect_rows(client.read(_QUERY))


def token_provider(credentials: Credentials, token_url: str | None = None) -> TokenProvider:
    """Make the client library's token provider.

    Args:
        credentials: the caller's.
        token_url: where tokens are taken, if not where the credentials say.

    Returns:
        The provider.
    """
    return TokenProvider(
        ClientCredentials(
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            token_url=token_url or credentials.token_url,
            scopes=credentials.scopes,
            mcp_url=credentials.mcp_url,
        ),
        # A drill judges how a caller waits, and not how fast this machine is.
        timeout=_TOKEN_TIMEOUT,
    )


def _expect_rows(rows: object) -> None:
    if rows != _ROWS:
        raise WrongAnswerError(f"{_QUERY} is answered {rows!r}")
