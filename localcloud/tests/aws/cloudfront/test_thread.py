import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp import web

from localcloud.aws.cloudfront.configuration import Origin, Routing
from localcloud.aws.cloudfront.thread import EdgeSettings, EdgeThread
from localcloud.aws.service_ports import NoPortError
from localcloud.aws.wafv2.rates import Block
from localcloud.certificates import CertificateAuthority
from tests.ports import free_ports

ORIGIN = Origin(
    host="localhost",
    port=1,
    https=True,
    path="",
    read_seconds=1,
    connect_seconds=1,
    attempts=1,
    vpc_origin="vo_1",
)
FUNCTION = "arn:aws:cloudfront::000000000000:function/edge"


def routing(function_arn: str | None = None, *, enabled: bool = True) -> Routing:
    return Routing(
        enabled=enabled,
        aliases=frozenset(),
        methods=frozenset({"GET"}),
        https_only=True,
        origin=ORIGIN,
        origins=(ORIGIN,),
        function_arn=function_arn,
        web_acl_arn="arn",
    )


@dataclass
class Surroundings:
    """An account with one distribution."""

    known: Routing | None = None
    blocked: Block | None = None
    addresses: list[str] = field(default_factory=list)
    origin: tuple[str, int] | None = None

    def routing(self, distribution: str) -> Routing | None:
        del distribution
        return self.known

    def function_code(self, arn: str) -> str | None:
        del arn
        return None

    def origin_address(self, vpc_origin: str) -> tuple[str, int] | None:
        del vpc_origin
        return self.origin

    def block(self, web_acl: str, viewer: str) -> Block | None:
        del web_acl
        self.addresses.append(viewer)
        return self.blocked


@dataclass
class Served:
    """An open port, and a client that trusts it."""

    surroundings: Surroundings
    thread: EdgeThread
    url: str
    client: aiohttp.ClientSession

    async def get(self) -> tuple[int, str, str]:
        """Return a response's status, its X-Cache header and its body."""
        async with self.client.get(self.url) as response:
            return response.status, response.headers["x-cache"], await response.text()


@pytest.fixture
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    authority = CertificateAuthority.load_or_create(tmp_path_factory.mktemp("authority"))
    (port,) = free_ports(1)
    surroundings = Surroundings()
    settings = EdgeSettings(
        node="node", host="127.0.0.1", ports=range(port, port + 1), authority=authority
    )
    thread = EdgeThread(settings, surroundings)
    thread.start()
    assert await thread.open("E1") == port
    context = ssl.create_default_context(cafile=str(authority.certificate_path))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as client:
        yield Served(surroundings, thread, f"https://localhost:{port}/mcp", client)
    thread.stop()


async def test_nothing_is_served_before_the_deployment(served: Served) -> None:
    status, _, _ = await served.get()

    assert status == 403


async def test_a_disabled_distribution_is_forbidden(served: Served) -> None:
    served.surroundings.known = routing(enabled=False)

    assert (await served.get())[0] == 403
    assert served.surroundings.addresses == []


async def test_a_web_acl_blocks_with_its_own_status_or_wafs(served: Served) -> None:
    served.surroundings.known = routing()
    served.surroundings.blocked = Block(status=429)
    limited = await served.get()
    served.surroundings.blocked = Block()
    status, _, page = await served.get()

    assert (limited[0], limited[2]) == (429, "")
    assert (status, "Request blocked" in page) == (403, True)
    assert served.surroundings.addresses == ["127.0.0.1", "127.0.0.1"]


async def test_a_function_on_its_way_is_an_error_of_the_function(served: Served) -> None:
    served.surroundings.known = routing(FUNCTION)

    status, cache, _ = await served.get()

    assert (status, cache) == (503, "FunctionExecutionError from cloudfront")


async def test_a_vpc_origin_without_its_load_balancer_is_a_502(served: Served) -> None:
    served.surroundings.known = routing()

    assert (await served.get())[0] == 502


async def test_a_port_is_free_again_after_it_was_closed(served: Served) -> None:
    with pytest.raises(NoPortError, match="--service-ports"):
        await served.thread.open("E2")

    await served.thread.close("E1")

    assert await served.thread.open("E2")


async def test_a_connection_without_a_request_keeps_nobody_waiting(served: Served) -> None:
    served.surroundings.known = routing(enabled=False)
    port = int(served.url.split(":")[2].partition("/")[0])
    _, writer = await asyncio.open_connection("127.0.0.1", port)

    assert (await served.get())[0] == 403
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("size", [0, 1000, 300_000])
async def test_a_body_reaches_the_origin_whole(served: Served, size: int) -> None:
    async def echo(request: web.BaseRequest) -> web.Response:
        return web.Response(body=await request.read(), headers={"x-path": request.path_qs})

    (port,) = free_ports(1)
    runner = web.ServerRunner(web.Server(echo))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    methods = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})
    # A VPC origin is reached over HTTP.
    origin = replace(ORIGIN, https=False, read_seconds=30)
    served.surroundings.known = replace(routing(), methods=methods, origin=origin)
    served.surroundings.origin = ("127.0.0.1", port)
    body = b"x" * size
    try:
        async with served.client.post(
            f"{served.url}?a=%20b", data=body, expect100=bool(size)
        ) as response:
            assert (response.status, await response.read()) == (200, body)
            assert response.headers["x-path"] == "/mcp?a=%20b"
    finally:
        await runner.cleanup()
