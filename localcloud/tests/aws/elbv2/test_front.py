import asyncio
import dataclasses
import re
import ssl

import aiohttp
import pytest
from aiohttp import web

from aws.elbv2.conftest import CERTIFICATE, OTHER_CERTIFICATE, Cloud
from localcloud.aws.elbv2.targets import Target, TargetState
from tests.ports import free_ports


async def test_requests_go_to_each_healthy_target_in_turn(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    servers = [await cloud.server(), await cloud.server()]
    for index, server in enumerate(servers):
        await cloud.healthy(group, server, f"10.0.0.{index}")
    for index in range(6):
        async with client.get(f"{cloud.url(load_balancer)}/path/{index}?a=%2F") as response:
            assert await response.text() == f"hello /path/{index}"
    assert [len(server.paths) for server in servers] == [3, 3]


async def test_a_target_sees_the_caller_and_the_listener(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    async def headers(request: web.BaseRequest) -> web.StreamResponse:
        names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Amzn-Trace-Id")
        body = {name: request.headers.get(name) for name in (*names, "Bad_Name", "Authorization")}
        return web.json_response(body)

    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.call(
        "ModifyLoadBalancerAttributes",
        LoadBalancerArn=load_balancer,
        Attributes=[{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}],
    )
    await cloud.listener(load_balancer, group)
    await cloud.healthy(group, await cloud.server(headers))
    sent = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "Bad_Name": "dropped",
        "Authorization": "Bearer t",
    }
    async with client.get(cloud.url(load_balancer), headers=sent) as response:
        seen = await response.json()
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", seen.pop("X-Amzn-Trace-Id"))
    assert seen == {
        "X-Forwarded-For": "203.0.113.9, 127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": "80",
        "Bad_Name": None,
        "Authorization": "Bearer t",
    }


async def test_without_a_target_every_request_is_refused_with_503(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    async with client.get(cloud.url(load_balancer)) as response:
        assert (response.status, response.headers["Server"]) == (503, "awselb/2.0")
        assert "503 Service Temporarily Unavailable" in await response.text()


async def test_if_all_targets_are_unhealthy_all_receive_requests(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    load_balancer, group = await cloud.load_balancer(), await _quick_group(cloud)
    await cloud.listener(load_balancer, group)
    server, other = await cloud.server(), await cloud.server()
    target = await cloud.healthy(group, server)
    other_target = await cloud.healthy(group, other, "10.0.0.2")
    server.healthy = False
    await cloud.until(group, target, TargetState.UNHEALTHY)
    for _ in range(4):
        async with client.get(cloud.url(load_balancer)) as response:
            assert response.status == 200
    assert (len(server.paths), len(other.paths)) == (0, 4)
    other.healthy = False
    await cloud.until(group, other_target, TargetState.UNHEALTHY)
    for _ in range(4):
        async with client.get(cloud.url(load_balancer)) as response:
            assert response.status == 200
    assert (len(server.paths), len(other.paths)) == (2, 6)


async def test_an_unhealthy_target_has_a_reason(cloud: Cloud) -> None:
    load_balancer, group = await cloud.load_balancer(), await _quick_group(cloud)
    await cloud.listener(load_balancer, group)
    server = await cloud.server()
    server.healthy = False
    target = Target(id="10.0.0.1", port=8080)
    await cloud.service.register(group, target, address=server.address)
    health = await cloud.service.health(group, target)
    assert (health.state, health.reason) == (TargetState.INITIAL, "Elb.InitialHealthChecking")
    await cloud.until(group, target, TargetState.UNHEALTHY)
    health = await cloud.service.health(group, target)
    assert health.reason == "Target.ResponseCodeMismatch"
    assert health.description == "Health checks failed with these codes: [503]"
    await server.stop()
    async with asyncio.timeout(10):
        while health.reason != "Target.FailedHealthChecks":
            await asyncio.sleep(0.01)
            health = await cloud.service.health(group, target)


async def test_a_target_that_refuses_connections_is_a_502(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    server = await cloud.server()
    await cloud.healthy(group, server)
    await server.stop()
    async with client.get(cloud.url(load_balancer)) as response:
        assert response.status == 502


async def test_a_target_that_is_silent_for_the_idle_timeout_is_a_504(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    async def silent(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    await cloud.healthy(group, await cloud.server(silent))
    await cloud.call(
        "ModifyLoadBalancerAttributes",
        LoadBalancerArn=load_balancer,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}],
    )
    limit = aiohttp.ClientTimeout(total=30)
    async with client.post(cloud.url(load_balancer), data=b"x", timeout=limit) as response:
        assert (response.status, response.headers["Server"]) == (504, "awselb/2.0")


async def _until_closed(cloud: Cloud, line: str, rest: str = "\r\n") -> bytes:
    """Return what a load balancer with an idle timeout of a second sends until it closes.

    Its target responds when it has read a request's body.

    Args:
        line: the request line.
        rest: what follows on the Host header.
    """

    async def read(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        return web.Response(text=f"hello {request.path}")

    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    await cloud.healthy(group, await cloud.server(read))
    await cloud.call(
        "ModifyLoadBalancerAttributes",
        LoadBalancerArn=load_balancer,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}],
    )
    _, _, port = cloud.url(load_balancer).rpartition(":")
    reader, writer = await asyncio.open_connection("localhost", int(port))
    writer.write(f"{line}\r\nHost: localhost:{port}\r\n{rest}".encode())
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("rest", "before"),
    [
        ("Content-Length: 5\r\n\r\nx", b""),
        # What is longer is sent to the target while it arrives.
        (f"Content-Length: 100000\r\n\r\n{'x' * 70_000}", b""),
        (
            "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n1\r\nx\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
        ),
    ],
    ids=["small", "large", "chunked"],
)
async def test_a_body_that_does_not_end_is_a_408_after_the_idle_timeout(
    cloud: Cloud, rest: str, before: bytes
) -> None:
    answer = await _until_closed(cloud, "POST /mcp HTTP/1.1", rest)
    assert answer.startswith(before + b"HTTP/1.1 408 ")
    assert b"Server: awselb/2.0" in answer
    assert [entry.status for _, entry in cloud.logged] == [408]


async def test_an_idle_connection_is_closed_after_the_idle_timeout(cloud: Cloud) -> None:
    answer = await _until_closed(cloud, "GET /mcp HTTP/1.1")
    assert answer.endswith(b"hello /mcp")


async def test_a_response_is_streamed(cloud: Cloud, client: aiohttp.ClientSession) -> None:
    more = asyncio.Event()

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await more.wait()
        await response.write(b"second")
        return response

    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    await cloud.healthy(group, await cloud.server(stream))
    async with client.get(cloud.url(load_balancer)) as response:
        assert await response.content.readany() == b"first"
        more.set()
        assert await response.content.read() == b"second"


async def test_a_deregistered_target_finishes_its_requests(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow(_: web.BaseRequest) -> web.StreamResponse:
        started.set()
        await finish.wait()
        return web.Response(text="finished")

    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    target = await cloud.healthy(group, await cloud.server(slow))
    request = asyncio.ensure_future(client.get(cloud.url(load_balancer)))
    await started.wait()
    await cloud.service.deregister(group, target)
    assert (await cloud.service.health(group, target)).state is TargetState.DRAINING
    async with client.get(cloud.url(load_balancer)) as refused:
        assert refused.status == 503
    drained = asyncio.ensure_future(cloud.service.drained(group, target))
    assert await asyncio.wait([drained], timeout=0.2) == (set(), {drained})
    finish.set()
    async with asyncio.timeout(10), await request as response:
        assert await response.text() == "finished"
        await drained
    assert (await cloud.service.health(group, target)).state is TargetState.UNUSED


async def test_a_request_ends_with_502_at_the_end_of_the_deregistration_delay(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    started = asyncio.Event()

    async def slow(_: web.BaseRequest) -> web.StreamResponse:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.call(
        "ModifyTargetGroupAttributes",
        TargetGroupArn=group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}],
    )
    await cloud.listener(load_balancer, group)
    target = await cloud.healthy(group, await cloud.server(slow))
    request = asyncio.ensure_future(client.get(cloud.url(load_balancer)))
    await started.wait()
    await cloud.service.deregister(group, target)
    async with asyncio.timeout(10), await request as response:
        assert response.status == 502


async def test_a_target_in_a_group_without_a_listener_is_unused(cloud: Cloud) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    server, target = await cloud.server(), Target(id="10.0.0.1", port=8080)
    await cloud.service.register(group, target, address=server.address)
    health = await cloud.service.health(group, target)
    assert (health.state, health.reason) == (TargetState.UNUSED, "Target.NotInUse")
    listener = await cloud.listener(load_balancer, group)
    await cloud.until(group, target, TargetState.HEALTHY)
    await cloud.call("DeleteListener", ListenerArn=listener)
    assert (await cloud.service.health(group, target)).reason == "Target.NotInUse"


async def test_an_https_listener_serves_the_names_of_its_certificate(cloud: Cloud) -> None:
    [port] = free_ports(1)
    load_balancer = await cloud.load_balancer(Scheme="internet-facing")
    group = await cloud.group()
    await cloud.listener(
        load_balancer,
        group,
        Protocol="HTTPS",
        Port=port,
        Certificates=[{"CertificateArn": CERTIFICATE}],
        SslPolicy="ELBSecurityPolicy-TLS13-1-3-2021-06",
    )
    await cloud.healthy(group, await cloud.server())
    context = ssl.create_default_context(cafile=str(cloud.authority.certificate_path))
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://localhost:{port}/x", ssl=context) as response,
    ):
        assert await response.text() == "hello /x"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"https://localhost:{port}/x", ssl=context)


async def test_a_new_certificate_interrupts_no_request(cloud: Cloud) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow(_: web.BaseRequest) -> web.StreamResponse:
        started.set()
        await finish.wait()
        return web.Response(text="finished")

    [port] = free_ports(1)
    load_balancer = await cloud.load_balancer(Scheme="internet-facing")
    group = await cloud.group()
    listener = await cloud.listener(
        load_balancer,
        group,
        Protocol="HTTPS",
        Port=port,
        Certificates=[{"CertificateArn": CERTIFICATE}],
    )
    await cloud.healthy(group, await cloud.server(slow))
    context = ssl.create_default_context(cafile=str(cloud.authority.certificate_path))
    async with aiohttp.ClientSession() as early, aiohttp.ClientSession() as late:
        request = asyncio.ensure_future(early.get(f"https://localhost:{port}/", ssl=context))
        await started.wait()
        await cloud.call(
            "ModifyListener",
            ListenerArn=listener,
            Certificates=[{"CertificateArn": OTHER_CERTIFICATE}],
        )
        finish.set()
        async with asyncio.timeout(10), await request as response:
            assert await response.text() == "finished"
        async with late.get(f"https://127.0.0.1:{port}/", ssl=context) as response:
            assert await response.text() == "finished"
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await late.get(f"https://localhost:{port}/", ssl=context)


async def test_a_web_page_cannot_use_an_http_listener(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    await cloud.healthy(group, await cloud.server())
    url = cloud.url(load_balancer)
    async with client.get(url, headers={"Host": "page.example"}) as response:
        assert response.status == 403
    described = await cloud.call("DescribeLoadBalancers", LoadBalancerArns=[load_balancer])
    name = described["LoadBalancers"][0]["DNSName"]
    async with client.get(url, headers={"Host": name}) as response:
        assert response.status == 200


async def _quick_group(cloud: Cloud) -> str:
    """Create a target group with shorter times than the API allows."""
    arn = await cloud.group()
    group = cloud.service.pools[arn].group
    check = dataclasses.replace(group.health_check, interval=0.05, timeout=2)
    cloud.service.change_group(dataclasses.replace(group, health_check=check))
    return arn
