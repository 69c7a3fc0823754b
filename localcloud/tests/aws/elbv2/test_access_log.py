import re

import aiohttp
from aiohttp import web

from aws.elbv2.conftest import CERTIFICATE, Cloud
from tests.ports import free_ports


async def test_each_request_is_an_entry_of_the_log(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    async def created(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=201, text="made")

    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    await cloud.healthy(group, await cloud.server(created), "10.0.0.7")

    headers = {"User-Agent": "agent/1", "Authorization": "Bearer secret-token"}
    url = f"{cloud.url(load_balancer)}/mcp?a=1"
    async with client.post(url, data=b"12345", headers=headers) as response:
        assert response.status == 201

    ((logged, entry),) = cloud.logged
    fields = entry.fields()
    assert logged == load_balancer
    assert fields["elb"] == load_balancer.partition(":loadbalancer/")[2]
    assert fields["request_line"] == "POST http://localhost:80/mcp?a=1 HTTP/1.1"
    assert fields["client:port"].startswith("127.0.0.1:")
    assert fields["target:port"] == "10.0.0.7:8080"
    assert (fields["elb_status_code"], fields["target_status_code"]) == ("201", "201")
    assert (fields["user_agent"], fields["target_group_arn"]) == ("agent/1", group)
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", fields["trace_id"])
    assert float(fields["target_processing_time"]) >= 0
    assert int(fields["received_bytes"]) > 5
    assert int(fields["sent_bytes"]) > 4
    assert not [value for value in fields.values() if "secret-token" in value]


async def test_a_request_that_reaches_no_target_has_none_in_its_entry(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)

    async with client.get(cloud.url(load_balancer)) as response:
        assert response.status == 503

    ((_, entry),) = cloud.logged
    fields = entry.fields()
    assert (fields["elb_status_code"], fields["target_status_code"]) == ("503", "-")
    assert (fields["target:port"], fields["trace_id"]) == ("-", "-")
    assert fields["target_processing_time"] == "-1"


async def test_an_entry_has_the_cipher_of_its_connection(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    load_balancer, group = await cloud.load_balancer(Scheme="internet-facing"), await cloud.group()
    [port] = free_ports(1)
    await cloud.listener(
        load_balancer,
        group,
        Protocol="HTTPS",
        Port=port,
        Certificates=[{"CertificateArn": CERTIFICATE}],
    )

    async with client.get(f"https://localhost:{port}/", ssl=False) as response:
        assert response.status == 503

    ((_, entry),) = cloud.logged
    fields = entry.fields()
    assert (fields["type"], fields["ssl_protocol"]) == ("https", "TLSv1.3")
    assert fields["ssl_cipher"].startswith("TLS_")
