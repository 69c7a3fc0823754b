"""Tokens in the requests of each HTTP library, against a server that refuses them."""

import asyncio
from collections.abc import Callable

import httpx
import httpx2
import pytest
import requests

import neo4j_mcp_client.httpx as for_httpx
import neo4j_mcp_client.httpx2 as for_httpx2
from neo4j_mcp_client import BearerAuth, InvalidClientError, TokenProvider
from tests.client.site import Answer, Site, in_turn, neo4j_failed, refused, rows

Post = Callable[..., tuple[int, bytes]]

BODY = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}'
ROW = rows({"answer": 42})
EXPIRED = neo4j_failed("Neo.ClientError.Security.TokenExpired")


def by_requests(url: str, tokens: TokenProvider) -> tuple[int, bytes]:
    answer = requests.post(url, data=BODY, auth=BearerAuth(tokens), timeout=5)
    return answer.status_code, answer.content


def by_httpx(url: str, tokens: TokenProvider) -> tuple[int, bytes]:
    answer = httpx.post(url, content=BODY, auth=for_httpx.BearerAuth(tokens))
    return answer.status_code, answer.content


def by_httpx2(url: str, tokens: TokenProvider) -> tuple[int, bytes]:
    answer = httpx2.post(url, content=BODY, auth=for_httpx2.BearerAuth(tokens))
    return answer.status_code, answer.content


def by_async_httpx(url: str, tokens: TokenProvider) -> tuple[int, bytes]:
    async def post() -> httpx.Response:
        async with httpx.AsyncClient(auth=for_httpx.BearerAuth(tokens)) as client:
            return await client.post(url, content=BODY)

    answer = asyncio.run(post())
    return answer.status_code, answer.content


def by_async_httpx2(url: str, tokens: TokenProvider) -> tuple[int, bytes]:
    async def post() -> httpx2.Response:
        async with httpx2.AsyncClient(auth=for_httpx2.BearerAuth(tokens)) as client:
            return await client.post(url, content=BODY)

    answer = asyncio.run(post())
    return answer.status_code, answer.content


@pytest.fixture(params=[by_requests, by_httpx, by_httpx2, by_async_httpx, by_async_httpx2])
def post(request: pytest.FixtureRequest, server: Site, tokens: TokenProvider) -> Post:
    return lambda: request.param(server.url, tokens)


def test_a_request_carries_a_token(
    post: Post, server: Site, endpoint: Site, tokens: TokenProvider
) -> None:
    assert post() == (200, ROW.content)
    assert post() == (200, ROW.content)
    token = tokens.token()
    assert [each.authorization for each in server.requests] == [token.authorization] * 2
    assert [each.body for each in server.requests] == [BODY] * 2
    assert len(endpoint.requests) == 1


def test_a_request_whose_token_has_expired_is_sent_again_once(
    post: Post, server: Site, endpoint: Site
) -> None:
    server.answer = in_turn(EXPIRED, ROW)
    assert post() == (200, ROW.content)
    first, second = server.requests
    assert first.authorization != second.authorization
    assert first.body == second.body == BODY
    assert len(endpoint.requests) == 2


def test_a_second_refusal_is_the_callers_to_see(post: Post, server: Site, endpoint: Site) -> None:
    server.answer = lambda _: EXPIRED
    assert post() == (200, EXPIRED.content)
    assert len(server.requests) == 2
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        neo4j_failed("Neo.ClientError.Security.Forbidden"),
        rows({"text": "Neo.ClientError.Security.TokenExpired"}),
        Answer(status=503),
        Answer(status=401),
    ],
    ids=["forbidden", "a row that says so", "503", "401 for a fresh token"],
)
def test_other_answers_pass_as_they_are(
    post: Post, server: Site, endpoint: Site, answer: Answer
) -> None:
    server.answer = lambda _: answer
    assert post() == (answer.status, answer.content)
    assert len(server.requests) == 1
    assert len(endpoint.requests) == 1


def test_a_token_endpoint_that_refuses_is_an_exception(
    post: Post, server: Site, endpoint: Site
) -> None:
    endpoint.answer = lambda _: refused("invalid_client")
    with pytest.raises(InvalidClientError):
        post()
    assert server.requests == []


def test_a_stream_of_events_is_not_waited_for(server: Site, tokens: TokenProvider) -> None:
    # Half a body never comes to its end: who reads it, fails.
    server.answer = lambda _: Answer(
        body=b"data: Neo.ClientError.Security.TokenExpired" * 2,
        headers={"Content-Type": "text/event-stream"},
        cut_body=True,
    )
    auth = for_httpx2.BearerAuth(tokens)
    with httpx2.stream("POST", server.url, content=BODY, auth=auth) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError):
            answer.read()
