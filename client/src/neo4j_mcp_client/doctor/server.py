"""Calls the server with the token, as every caller does."""

import time
from collections.abc import Callable
from typing import Any

import requests

from neo4j_mcp_client import calls, transport
from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.calls import Call, Reply
from neo4j_mcp_client.doctor.evidence import ServerAnswers
from neo4j_mcp_client.doctor.queries import CURRENT_USER, TRIVIAL_QUERY, roles_of
from neo4j_mcp_client.errors import Hop, Neo4jMcpError, UnauthorizedError

SCHEME = "Bearer"
"""The only spelling of the Authorization header's scheme that the server accepts."""

Ask = Callable[[Call[Any]], Any]
"""Sends a call and parses its response."""


def server_answers(
    mcp_url: str, token: AccessToken, *, ca_bundle: str | None, scheme: str = SCHEME
) -> ServerAnswers:
    """List the tools, run a query, and read the roles and the schema."""
    with requests.Session() as session:
        session.verify = ca_bundle or True

        def ask(call: Call[Any], spelling: str = SCHEME) -> Any:  # noqa: ANN401 - any call's value
            return call.read(_post(session, mcp_url, call.body, f"{spelling} {token.value}"))

        try:
            tools = tuple(ask(calls.list_tools()))
            query = calls.run_cypher(TRIVIAL_QUERY, None, read_only=True)
            started = time.monotonic()
            ask(query)
            seconds = time.monotonic() - started
        except Neo4jMcpError as error:
            return ServerAnswers(error=error)
        return ServerAnswers(
            tools=tools,
            seconds=seconds,
            roles=_roles_behind(ask),
            schema_error=_failure_of(ask, calls.get_schema()),
            scheme_refused=scheme != SCHEME
            and isinstance(_failure_of(lambda call: ask(call, scheme), query), UnauthorizedError),
        )


def _post(session: requests.Session, url: str, body: bytes, authorization: str) -> Reply:
    def with_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = authorization
        return request

    started = time.monotonic()
    try:
        response = session.post(
            url,
            data=body,
            headers=calls.HEADERS,
            auth=with_authorization,
            timeout=(transport.CONNECT_TIMEOUT, calls.TIMEOUT),
            allow_redirects=False,
        )
    # Not only RequestException: requests doesn't wrap all exceptions of urllib3.
    except Exception as error:  # noqa: BLE001
        failure = transport.network_error(error, hop=Hop.HOST, url=url, may_have_run=True)
    else:
        return Reply.of(response, elapsed=time.monotonic() - started)
    raise calls.timeout_or_network_error(
        failure, timeout=calls.TIMEOUT, elapsed=time.monotonic() - started
    )


def _failure_of(ask: Ask, call: Call[Any]) -> Neo4jMcpError | None:
    try:
        ask(call)
    except Neo4jMcpError as error:
        return error
    return None


def _roles_behind(ask: Ask) -> tuple[str, ...] | None:
    try:
        return roles_of(ask(calls.run_cypher(CURRENT_USER, None, read_only=True)))
    except Neo4jMcpError:
        return None
