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

from aws.apprunner.conftest import InstanceGroups, until
from localcloud.aws.apprunner.instance_group import InstanceGroup
from localcloud.aws.apprunner.proxy import ServiceProxy
from localcloud.certificates import CertificateAuthority


@dataclass
class Served:
    """A proxy with its instance group, and a client that trusts it."""

    proxy: ServiceProxy
    group: InstanceGroup
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
    request: pytest.FixtureRequest,
    groups: InstanceGroups,
    session: aiohttp.ClientSession,
    authority: CertificateAuthority,
) -> AsyncIterator[Served]:
    group = groups.create(min_size=2, max_size=2, max_concurrency=2)
    await group.start()
    proxy = ServiceProxy(request_timeout=getattr(request, "param", 2), session=session)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    await proxy.open("127.0.0.1", port, authority.server_context(["localhost"]))
    proxy.group = group
    context = ssl.create_default_context(cafile=str(authority.certificate_path))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context), auto_decompress=False
    ) as client:
        yield Served(proxy, group, port, context, client)
    await proxy.close()


async def test_a_request_arrives_unchanged(served: Served, groups: InstanceGroups) -> None:
    seen: list[web.BaseRequest] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request)
        return web.Response(text=await request.text())

    groups.engine.handler = handler
    async with served.client.put(
        URL(f"{served.url}/a%2Fb%20c?x=%20y&x=2", encoded=True),
        data=b"body",
        headers=[
            ("X-Own", "1"),
            ("X-Own", "2"),
            ("Connection", "keep-alive, x-private"),
            ("X-Private", "of this connection"),
            ("TE", "trailers"),
            ("X-Forwarded-For", "203.0.113.9"),
            ("X-Forwarded-Proto", "http"),
            ("Authorization", f"Bearer {'x' * 20_000}"),
        ],
    ) as response:
        assert await response.text() == "body"
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


async def test_a_response_arrives_unchanged(served: Served, groups: InstanceGroups) -> None:
    packed = gzip.compress(b"packed")

    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(body=packed, status=418, reason="Short And Stout")
        response.headers["Content-Encoding"] = "gzip"
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        response.headers["Keep-Alive"] = "timeout=1"
        return response

    groups.engine.handler = handler
    async with served.client.get(served.url) as response:
        assert (response.status, response.reason) == (418, "Short And Stout")
        assert await response.read() == packed
        assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert "Keep-Alive" not in response.headers
        assert response.headers["Server"] == "envoy"


async def test_bodies_are_streamed_in_both_directions(
    served: Served, groups: InstanceGroups
) -> None:
    first_arrived = asyncio.Event()
    first_read = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk.upper())
            first_arrived.set()
        return response

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await first_read.wait()
        yield b"second"

    groups.engine.handler = handler
    async with served.client.post(served.url, data=body()) as response:
        await first_arrived.wait()
        assert await response.content.readany() == b"FIRST"
        first_read.set()
        assert await response.content.read() == b"SECOND"


async def test_a_large_body_arrives_complete(served: Served, groups: InstanceGroups) -> None:
    content = bytes(range(256)) * 8192

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        received = b"".join([chunk async for chunk in request.content.iter_any()])
        return web.Response(body=received)

    groups.engine.handler = handler
    async with served.client.post(served.url, data=io.BytesIO(content)) as response:
        assert await response.read() == content


@pytest.mark.parametrize("status", [200, 204, 304])
async def test_a_response_without_a_body_arrives(
    status: int, served: Served, groups: InstanceGroups
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, text="x" * 10 if request.method == "HEAD" else None)

    groups.engine.handler = handler
    method = "HEAD" if status == 200 else "GET"
    for _ in range(2):
        async with served.client.request(method, served.url) as response:
            assert response.status == status
            assert await response.read() == b""
            if method == "HEAD":
                assert response.headers["Content-Length"] == "10"


async def test_a_caller_that_expects_100_continue_gets_it(
    served: Served, groups: InstanceGroups
) -> None:
    seen: list[web.BaseRequest] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request)
        return web.Response(text=await request.text())

    groups.engine.handler = handler
    async with served.client.post(served.url, data=b"late", expect100=True) as response:
        assert await response.text() == "late"
    assert "Expect" not in seen[0].headers


async def test_websockets_are_refused(served: Served) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await served.client.ws_connect(served.url)
    assert error.value.status == 403


async def test_requests_over_the_capacity_are_refused(
    served: Served, groups: InstanceGroups
) -> None:
    release = asyncio.Event()

    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    async def status() -> int:
        async with served.client.get(served.url) as response:
            return response.status

    groups.engine.handler = handler
    held = [asyncio.ensure_future(status()) for _ in range(4)]
    await until(lambda: served.group.in_flight == 4)
    assert await status() == 429
    release.set()
    assert await asyncio.gather(*held) == [200] * 4
    assert served.group.in_flight == 0


async def test_a_service_without_instances_returns_503(served: Served) -> None:
    served.proxy.group = None
    async with served.client.get(served.url) as response:
        assert response.status == 503


async def test_no_request_is_lost_when_an_instance_has_gone(
    served: Served, groups: InstanceGroups
) -> None:
    # The Engine has not reported its exit yet.
    await groups.engine.servers[0].runner.cleanup()
    for _ in range(6):
        async with served.client.post(served.url, data=b"x") as response:
            assert response.status == 200


async def test_a_connection_that_an_instance_closes_returns_503(
    served: Served, groups: InstanceGroups
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    groups.engine.handler = handler
    async with served.client.post(served.url, data=b"x") as response:
        assert response.status == 503
    assert served.group.in_flight == 0


@pytest.mark.parametrize("served", [0.2], indirect=True)
async def test_a_request_times_out(served: Served, groups: InstanceGroups) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(3)
        return web.Response(text=request.path)

    groups.engine.handler = handler
    async with served.client.get(served.url) as response:
        assert response.status == 504
    assert served.group.in_flight == 0


@pytest.mark.parametrize("served", [0.2], indirect=True)
async def test_a_response_that_takes_too_long_is_aborted(
    served: Served, groups: InstanceGroups
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.1)
        return response

    groups.engine.handler = handler
    async with served.client.get(served.url) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientError):
            await response.read()
    await until(lambda: served.group.in_flight == 0)


@pytest.mark.parametrize("served", [60], indirect=True)
async def test_a_request_that_its_caller_cancels_ends(
    served: Served, groups: InstanceGroups
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response(text=request.path)

    groups.engine.handler = handler
    asking = asyncio.ensure_future(served.client.get(served.url))
    await until(lambda: served.group.in_flight == 1)
    asking.cancel()
    await until(lambda: served.group.in_flight == 0)
    assert served.proxy.counter.in_flight == 0


async def test_plain_http_is_refused(served: Served) -> None:
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientError):
            await client.get(f"http://localhost:{served.port}")


async def test_connections_are_reused(served: Served, groups: InstanceGroups) -> None:
    callers: set[object] = set()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        callers.add(request.transport)
        return web.Response()

    groups.engine.handler = handler
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
async def test_other_host_names_do_not_reach_the_service(
    served: Served, groups: InstanceGroups, host: str
) -> None:
    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        pytest.fail("the request was passed on")

    groups.engine.handler = handler
    headers = {"Host": host.format(port=served.port)}
    async with served.client.get(served.url, headers=headers) as response:
        assert response.status == 404


async def test_a_request_with_two_lengths_is_refused(served: Served) -> None:
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


async def test_requests_are_counted(served: Served, groups: InstanceGroups) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=int(request.path[1:]))

    groups.engine.handler = handler
    for status in (200, 201, 404, 500):
        async with served.client.get(f"{served.url}/{status}") as response:
            assert response.status == status
    counts = served.proxy.counter.reset()
    assert counts.requests == 4
    assert dict(counts.statuses) == {2: 2, 4: 1, 5: 1}
    assert counts.latencies.total() == 4
    assert counts.peak == 1
    assert served.proxy.counter.reset().requests == 0


async def test_a_token_that_is_too_long_is_not_logged(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": f"Bearer {'secret' * 20_000}"}
    async with served.client.get(served.url, headers=headers) as response:
        assert response.status == 400
    assert "secret" not in caplog.text


async def test_a_late_body_goes_to_the_current_deployment(
    served: Served, groups: InstanceGroups
) -> None:
    reader, writer = await asyncio.open_connection("localhost", served.port, ssl=served.context)
    writer.write(
        b"POST / HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: 4\r\n\r\n" % served.port
    )
    await writer.drain()
    await until(lambda: served.proxy.counter.in_flight == 1)
    following = groups.create(min_size=1, max_size=1, max_concurrency=2)
    await following.start()
    served.proxy.group = following
    await served.group.close()
    writer.write(b"body")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()
