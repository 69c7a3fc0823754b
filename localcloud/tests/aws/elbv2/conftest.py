"""Load balancers on the test's own loop, with small servers as targets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from localcloud.aws.context import ServiceContext
from localcloud.aws.elbv2.access_log import AccessEntry
from localcloud.aws.elbv2.app import tls_contexts
from localcloud.aws.elbv2.network import Certificate, SecurityGroup, Subnet
from localcloud.aws.elbv2.operations import ElasticLoadBalancing
from localcloud.aws.elbv2.service import LoadBalancing, LoadBalancingSettings, load_balancing
from localcloud.aws.elbv2.targets import Target, TargetState
from localcloud.certificates import CertificateAuthority

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/valid"
OTHER_CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/other"
PENDING = "arn:aws:acm:us-east-1:000000000000:certificate/pending"


class FakeNetwork:
    """A VPC with public and private subnets in two zones, and another VPC."""

    async def subnets(self, ids: Sequence[str]) -> list[Subnet]:
        known = [
            Subnet(id="public-a", vpc_id="vpc-1", zone="us-east-1a", is_public=True),
            Subnet(id="public-b", vpc_id="vpc-1", zone="us-east-1b", is_public=True),
            Subnet(id="also-a", vpc_id="vpc-1", zone="us-east-1a", is_public=True),
            Subnet(id="private-a", vpc_id="vpc-1", zone="us-east-1a", is_public=False),
            Subnet(id="private-b", vpc_id="vpc-1", zone="us-east-1b", is_public=False),
            Subnet(id="other-b", vpc_id="vpc-2", zone="us-east-1b", is_public=True),
        ]
        return [subnet for subnet in known if subnet.id in ids]

    async def security_groups(self, ids: Sequence[str]) -> list[SecurityGroup]:
        known = [
            SecurityGroup(id="sg-1", vpc_id="vpc-1"),
            SecurityGroup(id="sg-2", vpc_id="vpc-2"),
        ]
        return [group for group in known if group.id in ids]

    async def default_security_group(self, vpc_id: str) -> str:
        return f"sg-default-{vpc_id}"

    async def has_vpc(self, vpc_id: str) -> bool:
        return vpc_id in {"vpc-1", "vpc-2"}

    async def certificate(self, arn: str) -> Certificate | None:
        known = {
            CERTIFICATE: Certificate(status="ISSUED", names=("localhost",)),
            OTHER_CERTIFICATE: Certificate(status="ISSUED", names=("127.0.0.1",)),
            PENDING: Certificate(status="PENDING_VALIDATION", names=("localhost",)),
        }
        return known.get(arn)


@dataclass
class Server:
    """A target: a small server whose handler can be replaced."""

    handler: Handler
    port: int
    runner: web.ServerRunner
    paths: list[str] = field(default_factory=list)
    healthy: bool = True

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    async def stop(self) -> None:
        await self.runner.cleanup()


@dataclass
class Cloud:
    """Load balancers, their API, and targets."""

    service: LoadBalancing
    api: ElasticLoadBalancing
    authority: CertificateAuthority
    logged: list[tuple[str, AccessEntry]]
    _servers: list[Server] = field(default_factory=list)

    async def call(self, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - the API's shapes
        return await self.api.call(operation, parameters)

    async def load_balancer(self, name: str = "lb", **changes: Any) -> str:  # noqa: ANN401 - the API's shapes
        request = {"Name": name, "Subnets": ["public-a", "public-b"], "Scheme": "internal"}
        created = await self.call("CreateLoadBalancer", **{**request, **changes})
        return str(created["LoadBalancers"][0]["LoadBalancerArn"])

    async def group(self, name: str = "group", **changes: Any) -> str:  # noqa: ANN401 - the API's shapes
        request = {
            "Name": name,
            "Protocol": "HTTP",
            "Port": 8080,
            "VpcId": "vpc-1",
            "TargetType": "ip",
            "HealthCheckPath": "/healthz",
        }
        created = await self.call("CreateTargetGroup", **{**request, **changes})
        return str(created["TargetGroups"][0]["TargetGroupArn"])

    async def listener(self, load_balancer: str, group: str, **changes: Any) -> str:  # noqa: ANN401 - the API's shapes
        request = {
            "LoadBalancerArn": load_balancer,
            "Protocol": "HTTP",
            "Port": 80,
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}],
        }
        created = await self.call("CreateListener", **{**request, **changes})
        return str(created["Listeners"][0]["ListenerArn"])

    async def server(self, handler: Handler | None = None) -> Server:
        """Start a server."""
        server: Server | None = None

        async def respond(request: web.BaseRequest) -> web.StreamResponse:
            assert server is not None
            if request.path == "/healthz":
                return web.Response(status=200 if server.healthy else 503)
            server.paths.append(request.path)
            return await server.handler(request)

        runner = web.ServerRunner(web.Server(respond), shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        server = Server(handler or hello, listener.getsockname()[1], runner)
        self._servers.append(server)
        return server

    async def healthy(self, group: str, server: Server, name: str = "10.0.0.1") -> Target:
        """Register a server, and wait until it is healthy."""
        target = Target(id=name, port=8080)
        await self.service.register(group, target, address=server.address)
        await self.until(group, target, TargetState.HEALTHY)
        return target

    async def until(self, group: str, target: Target, state: TargetState) -> None:
        """Wait until a target is in a state."""
        async with asyncio.timeout(10):
            while (await self.service.health(group, target)).state is not state:  # noqa: ASYNC110 - a test checks from outside, there is no event
                await asyncio.sleep(0.01)

    def url(self, load_balancer: str, port: int = 80) -> str:
        """Return the address of a load balancer on this machine."""
        address = self.service.address(load_balancer, port)
        assert address is not None
        return f"http://localhost:{address[1]}"

    async def close(self) -> None:
        for server in self._servers:
            await server.stop()


async def hello(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text=f"hello {request.path}")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.load_or_create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def cloud(authority: CertificateAuthority) -> AsyncIterator[Cloud]:
    logged: list[tuple[str, AccessEntry]] = []
    settings = LoadBalancingSettings(
        host="127.0.0.1",
        tls=tls_contexts(authority),
        idle_drain=0.1,
        provisioning=0.1,
        log=lambda load_balancer, entry: logged.append((load_balancer, entry)),
    )
    context = ServiceContext(region="us-east-1", account_id="000000000000", clock=lambda: 1.7e9)
    async with load_balancing(settings) as service:
        api = ElasticLoadBalancing(service, FakeNetwork(), context)
        created = Cloud(service, api, authority, logged)
        yield created
        await created.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
