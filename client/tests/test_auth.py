"""Tokens in the requests of each HTTP library, against a server that refuses them."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import BinaryIO

import httpx
import httpx2
import pytest
import requests

import neo4j_mcp_client.httpx as for_httpx
import neo4j_mcp_client.httpx2 as for_httpx2
from client.tests.site import Answer, Request, Site, in_turn, neo4j_failed, refused, rows, serve
from neo4j_mcp_client import (
    BearerAuth,
    ClientCredentials,
    ConfigurationError,
    InvalidClientError,
    TokenProvider,
)
from neo4j_mcp_client.origins import Origin, origin_of

BODY = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}'
ROW = rows({"answer": 42})
EXPIRED = neo4j_failed("Neo.ClientError.Security.TokenExpired")

Body = bytes | Iterator[bytes] | AsyncIterator[bytes] | BinaryIO
Post = Callable[..., tuple[int, bytes]]


def by_requests(
    url: str, body: Body, tokens: TokenProvider, own: str | None = None
) -> tuple[int, bytes]:
    auth = BearerAuth(tokens, url=own)
    answer = requests.post(url, data=body, auth=auth, timeout=5)  # type: ignore[arg-type] # never async
    return answer.status_code, answer.content


def by_httpx(
    url: str, body: Body, tokens: TokenProvider, own: str | None = None
) -> tuple[int, bytes]:
    auth = for_httpx.BearerAuth(tokens, url=own)
    answer = httpx.post(url, content=body, auth=auth, follow_redirects=True)
    return answer.status_code, answer.content


def by_httpx2(
    url: str, body: Body, tokens: TokenProvider, own: str | None = None
) -> tuple[int, bytes]:
    auth = for_httpx2.BearerAuth(tokens, url=own)
    answer = httpx2.post(url, content=body, auth=auth, follow_redirects=True)
    return answer.status_code, answer.content


def by_async_httpx(
    url: str, body: Body, tokens: TokenProvider, own: str | None = None
) -> tuple[int, bytes]:
    async def post() -> httpx.Response:
        auth = for_httpx.BearerAuth(tokens, url=own)
        async with httpx.AsyncClient(auth=auth, follow_redirects=True) as client:
            return await client.post(url, content=body)

    answer = asyncio.run(post())
    return answer.status_code, answer.content


def by_async_httpx2(
    url: str, body: Body, tokens: TokenProvider, own: str | None = None
) -> tuple[int, bytes]:
    async def post() -> httpx2.Response:
        auth = for_httpx2.BearerAuth(tokens, url=own)
        async with httpx2.AsyncClient(auth=auth, follow_redirects=True) as client:
            return await client.post(url, content=body)

    answer = asyncio.run(post())
    return answer.status_code, answer.content


ADAPTERS = [by_requests, by_httpx, by_httpx2, by_async_httpx, by_async_httpx2]


@pytest.fixture
def credentials(credentials: ClientCredentials, server: Site) -> ClientCredentials:
    return replace(credentials, mcp_url=server.url)


@pytest.fixture(params=ADAPTERS)
def post(request: pytest.FixtureRequest, server: Site, tokens: TokenProvider) -> Post:
    def post(
        url: str = server.url, *, body: Body = BODY, own: str | None = None
    ) -> tuple[int, bytes]:
        found: tuple[int, bytes] = request.param(url, body, tokens, own)
        return found

    return post


@pytest.fixture
def stranger() -> Iterator[Site]:
    """A server that no token is for, and that would like one."""
    with serve(lambda _: EXPIRED, get=True) as site:
        yield site


def test_a_request_carries_a_token(
    post: Post, server: Site, endpoint: Site, tokens: TokenProvider
) -> None:
    assert post() == (200, ROW.content)
    assert post() == (200, ROW.content)
    token = tokens.token()
    assert [each.authorization for each in server.requests] == [token.authorization] * 2
    assert [each.body for each in server.requests] == [BODY] * 2
    assert len(endpoint.requests) == 1


def test_a_request_with_an_expired_token_is_retried_once(
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


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("answer", [EXPIRED, Answer(status=401)], ids=["expired", "401"])
def test_a_redirect_takes_no_token_to_another_origin(
    post: Post, server: Site, stranger: Site, endpoint: Site, status: int, answer: Answer
) -> None:
    stranger.answer = lambda _: answer
    server.answer = lambda _: Answer(status=status, headers={"Location": stranger.url})
    assert post() == (answer.status, answer.content)
    assert [each.authorization for each in stranger.requests] == [""]
    assert len(server.requests) == len(endpoint.requests) == 1


def test_a_redirect_within_the_origin_keeps_the_token(
    post: Post, server: Site, endpoint: Site
) -> None:
    answers = in_turn(EXPIRED, ROW)

    def answer(request: Request) -> Answer:
        if request.path == "/moved":
            return answers(request)
        return Answer(status=307, headers={"Location": "/moved"})

    server.answer = answer
    assert post() == (200, ROW.content)
    assert all(request.body == BODY for request in server.requests)
    assert len({request.authorization for request in server.requests}) == 2
    assert len(endpoint.requests) == 2


def test_a_way_round_by_another_origin_loses_the_token(
    post: Post, server: Site, stranger: Site
) -> None:
    def answer(request: Request) -> Answer:
        back = request.path == "/back"
        return EXPIRED if back else Answer(status=307, headers={"Location": stranger.url})

    server.answer = answer
    stranger.answer = lambda _: Answer(status=307, headers={"Location": f"{server.url}back"})
    assert post() == (200, EXPIRED.content)
    first, back = server.requests
    assert (bool(first.authorization), back.authorization) == (True, "")


def test_requests_that_keeps_the_header_loses_it_here(
    server: Site, stranger: Site, tokens: TokenProvider
) -> None:
    class Careless(requests.Session):
        def should_strip_auth(self, old_url: str, new_url: str) -> bool:  # noqa: ARG002
            return False

    server.answer = lambda _: Answer(status=307, headers={"Location": stranger.url})
    with Careless() as session:
        session.post(server.url, data=BODY, auth=BearerAuth(tokens), timeout=5)
    assert [each.authorization for each in stranger.requests] == [""]


@pytest.mark.parametrize(
    "trick", ["{stranger}", "http://127.0.0.1:{port}/", "http://localhost:{port}@{stranger_at}/"]
)
def test_a_token_is_not_sent_to_another_origin(
    post: Post, server: Site, stranger: Site, endpoint: Site, trick: str
) -> None:
    url = trick.format(
        stranger=stranger.url,
        port=server.url.rstrip("/").rpartition(":")[2],
        stranger_at=stranger.url.removeprefix("http://").rstrip("/"),
    )
    with pytest.raises(ConfigurationError, match=r"tokens are for http://localhost:\d+, but this"):
        post(url)
    assert server.requests == stranger.requests == []
    assert all("Bearer" not in request.authorization for request in endpoint.requests)


def test_another_spelling_is_the_same_origin(post: Post, server: Site) -> None:
    assert post(server.url.replace("http://localhost", "HTTP://LOCALHOST")) == (200, ROW.content)
    assert server.requests[0].authorization.startswith("Bearer ")


def test_the_address_may_be_another_than_the_credentials(
    post: Post, stranger: Site, server: Site
) -> None:
    stranger.answer = lambda _: ROW
    assert post(stranger.url, own=stranger.url) == (200, ROW.content)
    assert stranger.requests[0].authorization.startswith("Bearer ")
    with pytest.raises(ConfigurationError, match="tokens are for"):
        post(server.url, own=stranger.url)
    with pytest.raises(ConfigurationError, match="would expose secrets"):
        post("http://server.example/", own="http://server.example/")


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://a.example", "https://a.example:443/mcp?x#y"),
        ("https://a.example", "HTTPS://A.Example/"),
        ("http://[::1]", "http://[::1]:80/"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example/"),
        ("https://stra\u00dfe.example", "https://xn--strae-oqa.example/"),
    ],
)
def test_spellings_of_one_origin(url: str, same: str) -> None:
    assert origin_of(url) == origin_of(same)
    for library in (httpx, httpx2):
        for each in (url, same):
            parsed = library.URL(each)
            of = Origin.of(parsed.scheme, parsed.raw_host.decode(), parsed.port)
            assert of == origin_of(url)


@pytest.mark.parametrize(
    "other",
    [
        "http://a.example/",
        "https://a.example:80/",
        "https://a.example.b.example/",
        "https://b.example/a.example",
        "https://a.example@b.example/",
        "https://b.example\\@a.example/",
        "https://b.example#@a.example/",
        "https://b.example?@a.example/",
        "https://\u0430.example/",
    ],
)
def test_other_origins(other: str) -> None:
    assert origin_of(other) != origin_of("https://a.example/")


def a_generator() -> Iterator[bytes]:
    yield BODY[:9]
    yield BODY[9:]


async def an_async_generator() -> AsyncIterator[bytes]:
    for each in a_generator():
        yield each


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_body_that_cant_be_resent_returns_the_first_response(
    adapter: Post, server: Site, tokens: TokenProvider, endpoint: Site
) -> None:
    server.answer = in_turn(EXPIRED, ROW)
    body = an_async_generator() if adapter in {by_async_httpx, by_async_httpx2} else a_generator()
    assert adapter(server.url, body, tokens) == (200, EXPIRED.content)
    assert [request.body for request in server.requests] == [BODY]
    # The next request has another token all the same.
    assert adapter(server.url, BODY, tokens) == (200, ROW.content)
    assert len(endpoint.requests) == 2


def test_a_file_is_sent_again_from_where_it_began(server: Site, tokens: TokenProvider) -> None:
    server.answer = in_turn(EXPIRED, ROW)
    file = io.BytesIO(b"before" + BODY)
    file.seek(len(b"before"))
    assert by_requests(server.url, file, tokens) == (200, ROW.content)
    assert [request.body for request in server.requests] == [BODY, BODY]


@pytest.mark.parametrize("adapter", [by_httpx, by_httpx2])
def test_a_file_is_never_sent_from_its_end(
    adapter: Post, server: Site, tokens: TokenProvider
) -> None:
    server.answer = in_turn(EXPIRED, ROW)
    assert adapter(server.url, io.BytesIO(BODY), tokens) == (200, EXPIRED.content)
    assert [request.body for request in server.requests] == [BODY]
