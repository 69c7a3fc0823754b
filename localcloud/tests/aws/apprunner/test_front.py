import asyncio
import contextlib
import gzip
import io
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from aws.apprunner.conftest import Fleets, until
from localcloud.aws.apprunner.fleet import Fleet
from localcloud.aws.apprunner.front import Front
from localcloud.certificates import CertificateAuthority


@dataclass
class Served:
    """A front with its fleet, and a client that trusts it."""

    front: Front
    fleet: Fleet
    port: int
    context: ssl.SSLContext
    client: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.load_or_create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def served(
    fleets: Fleets, session: aiohttp.ClientSession, authority: CertificateAuthority
) -> AsyncIterator[Served]:
    fleet = fleets.make(min_size=2, max_size=2, max_concurrency=2)
    await fleet.start()
    front = Front(request_timeout=2, session=session)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    await front.open("127.0.0.1", port, authority.server_context(["localhost"]))
    front.fleet = fleet
    context = ssl.create_default_context(cafile=str(authority.certificate_path))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context), auto_decompress=False
    ) as client:
        yield Served(front, fleet, port, context, client)
    await front.close()


async def test_the_request_arrives_as_it_was_sent(served: Served, fleets: Fleets) -> None:
    seen: list[web.BaseRequest] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request)
        return web.Response(text=await request.text())

    fleets.engine.handler = handler
    async with served.client.put(
        URL(f"{served.url}/a%2Fb%20c?x=%20y&x=2", encoded=True),
        data=b"body",
        headers=[
            ("X-Own", "1"),
            ("X-Own", "2"),
            ("Connection", "keep-alive, x-private"),
            ("X-Private", "not for you"),
            ("TE", "trailers"),
            ("X-Forwarded-For", "203.0.113.9"),
            ("X-Forwarded-Proto", "http"),
            ("Authorization", f"Bearer {'x' * 20_000}"),
        ],
    ) as answer:
        assert await answer.text() == "body"
    [request] = seen
    assert request.method == "PUT"
    assert request.raw_path == "/a%2Fb%20c?x=%20y&x=2"
    assert request.headers.getall("X-Own") == ["1", "2"]
    assert request.headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert request.headers["X-Forwarded-Proto"] == "https"
    assert request.headers["Authorization"] == f"Bearer {'x' * 20_000}"
    assert request.headers["Host"] == f"localhost:{served.port}"
    assert request.headers["Content-Length"] == "4"
    assert "X-Private" not in request.headers
    assert "TE" not in request.headers


async def test_the_answer_arrives_as_it_was_given(served: Served, fleets: Fleets) -> None:
    packed = gzip.compress(b"packed")

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        del request
        response = web.Response(body=packed, status=418, reason="Short And Stout")
        response.headers["Content-Encoding"] = "gzip"
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        response.headers["Keep-Alive"] = "timeout=1"
        return response

    fleets.engine.handler = handler
    async with served.client.get(served.url) as answer:
        assert (answer.status, answer.reason) == (418, "Short And Stout")
        assert await answer.read() == packed
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert "Keep-Alive" not in answer.headers
        assert answer.headers["Server"] == "envoy"


async def test_bodies_stream_both_ways(served: Served, fleets: Fleets) -> None:
    first_arrived = asyncio.Event()
    go_on = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk.upper())
            first_arrived.set()
        return response

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await go_on.wait()
        yield b"second"

    fleets.engine.handler = handler
    async with served.client.post(served.url, data=body()) as answer:
        await first_arrived.wait()
        assert await answer.content.readany() == b"FIRST"
        go_on.set()
        assert await answer.content.read() == b"SECOND"


async def test_large_bodies_arrive_whole(served: Served, fleets: Fleets) -> None:
    content = bytes(range(256)) * 8192

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        received = b"".join([chunk async for chunk in request.content.iter_any()])
        return web.Response(body=received)

    fleets.engine.handler = handler
    async with served.client.post(served.url, data=io.BytesIO(content)) as answer:
        assert await answer.read() == content


@pytest.mark.parametrize("status", [200, 204, 304])
async def test_answers_without_a_body(status: int, served: Served, fleets: Fleets) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, text="x" * 10 if request.method == "HEAD" else None)

    fleets.engine.handler = handler
    method = "HEAD" if status == 200 else "GET"
    for _ in range(2):
        async with served.client.request(method, served.url) as answer:
            assert answer.status == status
            assert await answer.read() == b""
            if method == "HEAD":
                assert answer.headers["Content-Length"] == "10"


async def test_a_caller_that_waits_for_100_gets_it(served: Served, fleets: Fleets) -> None:
    seen: list[web.BaseRequest] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request)
        return web.Response(text=await request.text())

    fleets.engine.handler = handler
    async with served.client.post(served.url, data=b"patient", expect100=True) as answer:
        assert await answer.text() == "patient"
    assert "Expect" not in seen[0].headers


async def test_websockets_are_refused(served: Served) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await served.client.ws_connect(served.url)
    assert error.value.status == 403


async def test_requests_over_the_capacity_are_refused(served: Served, fleets: Fleets) -> None:
    release = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        del request
        await release.wait()
        return web.Response()

    async def status() -> int:
        async with served.client.get(served.url) as answer:
            return answer.status

    fleets.engine.handler = handler
    held = [asyncio.ensure_future(status()) for _ in range(4)]
    await until(lambda: served.fleet.in_flight == 4)
    assert await status() == 429
    release.set()
    assert await asyncio.gather(*held) == [200] * 4
    assert served.fleet.in_flight == 0


async def test_without_instances_it_answers_503(served: Served) -> None:
    served.front.fleet = None
    async with served.client.get(served.url) as answer:
        assert answer.status == 503


async def test_an_instance_that_is_gone_loses_no_request(served: Served, fleets: Fleets) -> None:
    # Its end is not known yet, as in the moment before the Engine tells it.
    await fleets.engine.servers[0].runner.cleanup()
    for _ in range(6):
        async with served.client.post(served.url, data=b"x") as answer:
            assert answer.status == 200


async def test_an_instance_that_hangs_up_is_told(served: Served, fleets: Fleets) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    fleets.engine.handler = handler
    async with served.client.post(served.url, data=b"x") as answer:
        assert answer.status == 503
    assert served.fleet.in_flight == 0


async def test_a_request_ends_in_time(served: Served, fleets: Fleets) -> None:
    served.front._request_timeout = 0.2

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(3)
        return web.Response(text=request.path)

    fleets.engine.handler = handler
    async with served.client.get(served.url) as answer:
        assert answer.status == 504
    assert served.fleet.in_flight == 0


async def test_an_answer_that_lasts_too_long_is_cut_off(served: Served, fleets: Fleets) -> None:
    served.front._request_timeout = 0.2

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.1)
        return response

    fleets.engine.handler = handler
    async with served.client.get(served.url) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
    await until(lambda: served.fleet.in_flight == 0)


async def test_a_caller_that_leaves_frees_its_place(served: Served, fleets: Fleets) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response(text=request.path)

    served.front._request_timeout = 60
    fleets.engine.handler = handler
    asking = asyncio.ensure_future(served.client.get(served.url))
    await until(lambda: served.fleet.in_flight == 1)
    asking.cancel()
    await until(lambda: served.fleet.in_flight == 0)
    assert served.front.traffic.in_flight == 0


async def test_plain_http_is_refused(served: Served) -> None:
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientError):
            await client.get(f"http://localhost:{served.port}")


async def test_connections_are_kept(served: Served, fleets: Fleets) -> None:
    callers: set[object] = set()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        callers.add(request.transport)
        return web.Response()

    fleets.engine.handler = handler
    reader, writer = await asyncio.open_connection(
        "localhost", served.port, ssl=served.context, server_hostname="localhost"
    )
    for _ in range(5):
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % served.port)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert len(callers) <= 2


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "localhost", ""])
async def test_no_other_host_name_leads_to_the_service(
    served: Served, fleets: Fleets, host: str
) -> None:
    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        pytest.fail("the request was passed on")

    fleets.engine.handler = handler
    headers = {"Host": host.format(port=served.port)}
    async with served.client.get(served.url, headers=headers) as answer:
        assert answer.status == 404


async def test_smuggled_lengths_are_refused(served: Served) -> None:
    reader, writer = await asyncio.open_connection(
        "localhost", served.port, ssl=served.context, server_hostname="localhost"
    )
    writer.write(
        b"POST / HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: 4\r\n" % served.port
        + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
    )
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_requests_are_counted(served: Served, fleets: Fleets) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=int(request.path[1:]))

    fleets.engine.handler = handler
    for status in (200, 201, 404, 500):
        async with served.client.get(f"{served.url}/{status}") as answer:
            assert answer.status == status
    sample = served.front.traffic.sample()
    assert sample.requests == 4
    assert dict(sample.statuses) == {2: 2, 4: 1, 5: 1}
    assert sample.latencies.total() == 4
    assert sample.peak == 1
    assert served.front.traffic.sample().requests == 0


async def test_a_token_too_long_is_told_to_nobody(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": f"Bearer {'secret' * 20_000}"}
    async with served.client.get(served.url, headers=headers) as answer:
        assert answer.status == 400
    assert "secret" not in caplog.text


async def test_a_request_whose_body_is_late_goes_to_the_deployment_that_serves_by_then(
    served: Served, fleets: Fleets
) -> None:
    reader, writer = await asyncio.open_connection("localhost", served.port, ssl=served.context)
    writer.write(
        b"POST / HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: 4\r\n\r\n" % served.port
    )
    await writer.drain()
    await until(lambda: served.front.traffic.in_flight == 1)
    following = fleets.make(min_size=1, max_size=1, max_concurrency=2)
    await following.start()
    served.front.fleet = following
    await served.fleet.close()
    writer.write(b"body")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()
