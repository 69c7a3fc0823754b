"""CloudFront's API with a clock of the test."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from localcloud.aws.cloudfront.configuration import (
    ALL_VIEWER_EXCEPT_HOST_HEADER,
    CACHING_DISABLED,
)
from localcloud.aws.cloudfront.models import State
from localcloud.aws.cloudfront.operations import CloudFront
from localcloud.aws.context import ServiceContext
from localcloud.aws.protocol import ApiError
from localcloud.aws.service_ports import NoPortError

SECONDS = 60.0
LOAD_BALANCER = "arn:aws:elasticloadbalancing:us-east-1:0:loadbalancer/app/internal/1"


@dataclass
class Ports:
    """Counts ports instead of opening them."""

    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    is_full: bool = False

    async def open(self, distribution: str) -> int:
        if self.is_full:
            raise NoPortError("All ports are in use.")
        self.opened.append(distribution)
        # As others come in between while a real port is opened.
        await asyncio.sleep(0)
        return 8462

    async def close(self, distribution: str) -> None:
        self.closed.append(distribution)


class Others:
    """Services that have everything."""

    def has_web_acl(self, arn: str) -> bool:
        return bool(arn)

    async def has_load_balancer(self, arn: str) -> bool:
        return arn == LOAD_BALANCER

    async def certificate_names(self, arn: str) -> tuple[str, ...] | None:
        del arn
        return ("mcp.example.com",)


@dataclass(kw_only=True)
class Service:
    """CloudFront at a time."""

    state: State = field(default_factory=State)
    ports: Ports = field(default_factory=Ports)
    now: float = 1000.0
    cloudfront: CloudFront = field(init=False)

    def __post_init__(self) -> None:
        context = ServiceContext(region="us-east-1", account_id="0" * 12, clock=lambda: self.now)
        self.cloudfront = CloudFront(
            self.state, self.ports, Others(), context, deployment_seconds=SECONDS
        )

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
        return await self.cloudfront.call(operation, parameters)

    async def code(self, operation: str, **parameters: Any) -> str:  # noqa: ANN401 - members of the API
        """Return the code of an operation that is refused."""
        with pytest.raises(ApiError) as error:
            await self.call(operation, **parameters)
        return error.value.code

    async def created(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
        return await self.call("CreateDistribution", DistributionConfig=config(**changes))

    async def disable(self, name: str) -> str:
        """Disable a distribution, and return its version."""
        found = await self.call("GetDistribution", Id=name)
        updated = await self.call(
            "UpdateDistribution",
            Id=name,
            IfMatch=found["ETag"],
            DistributionConfig={**found["Distribution"]["DistributionConfig"], "Enabled": False},
        )
        return str(updated["ETag"])

    async def status(self, name: str) -> str:
        found = await self.call("GetDistribution", Id=name)
        return str(found["Distribution"]["Status"])


def config(reference: str = "1", **changes: object) -> dict[str, Any]:
    origin = {
        "Id": "host",
        "DomainName": "localhost",
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
        },
    }
    return {
        "CallerReference": reference,
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "host",
            "ViewerProtocolPolicy": "https-only",
            "CachePolicyId": CACHING_DISABLED,
            "OriginRequestPolicyId": ALL_VIEWER_EXCEPT_HOST_HEADER,
        },
        **changes,
    }


async def test_a_change_reaches_the_edge_locations_after_a_while() -> None:
    service = Service()
    name = (await service.created())["Distribution"]["Id"]
    distribution = service.state.distributions[name]

    assert await service.status(name) == "InProgress"
    assert distribution.routing.active(service.now) is None
    service.now += SECONDS
    assert await service.status(name) == "Deployed"
    first = distribution.routing.active(service.now)
    assert first is not None
    assert first.enabled
    await service.disable(name)
    assert await service.status(name) == "InProgress"
    assert distribution.routing.active(service.now) == first
    service.now += SECONDS
    second = distribution.routing.active(service.now)
    assert second is not None
    assert not second.enabled


async def test_a_distribution_is_deleted_once_it_is_disabled_everywhere() -> None:
    service = Service()
    created = await service.created()
    name = created["Distribution"]["Id"]
    service.now += SECONDS
    enabled = await service.code("DeleteDistribution", Id=name, IfMatch=created["ETag"])
    version = await service.disable(name)
    disabling = await service.code("DeleteDistribution", Id=name, IfMatch=version)

    assert (enabled, disabling) == ("DistributionNotDisabled", "DistributionNotDisabled")
    service.now += SECONDS
    await service.call("DeleteDistribution", Id=name, IfMatch=version)
    assert service.ports.closed == service.ports.opened == [name]


async def test_a_published_function_reaches_the_edge_locations_after_a_while() -> None:
    service = Service()
    runtime = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    created = await service.call(
        "CreateFunction", Name="edge", FunctionConfig=runtime, FunctionCode=b"first"
    )
    arn = created["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    assert service.state.function_code(arn, service.now) is None
    await service.call("PublishFunction", Name="edge", IfMatch=created["ETag"])
    assert service.state.function_code(arn, service.now) == "first"

    updated = await service.call(
        "UpdateFunction",
        Name="edge",
        IfMatch=created["ETag"],
        FunctionConfig=runtime,
        FunctionCode=b"second",
    )
    assert (await service.call("GetFunction", Name="edge", Stage="LIVE"))[
        "FunctionCode"
    ] == b"first"
    await service.call("PublishFunction", Name="edge", IfMatch=updated["ETag"])
    assert service.state.function_code(arn, service.now) == "first"
    service.now += SECONDS
    assert service.state.function_code(arn, service.now) == "second"


async def test_a_vpc_origin_is_deployed_after_a_while() -> None:
    service = Service()
    endpoint = {
        "Name": "vpc",
        "Arn": LOAD_BALANCER,
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "http-only",
    }
    created = await service.call("CreateVpcOrigin", VpcOriginEndpointConfig=endpoint)
    name = created["VpcOrigin"]["Id"]

    assert created["VpcOrigin"]["Status"] == "Deploying"
    assert await service.code("CreateVpcOrigin", VpcOriginEndpointConfig=endpoint) == (
        "EntityAlreadyExists"
    )
    service.now += SECONDS
    found = await service.call("GetVpcOrigin", Id=name)
    assert found["VpcOrigin"]["Status"] == "Deployed"


async def test_a_function_of_the_older_runtime_is_not_associated() -> None:
    service = Service()
    created = await service.call(
        "CreateFunction",
        Name="edge",
        FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-1.0"},
        FunctionCode=b"code",
    )
    await service.call("PublishFunction", Name="edge", IfMatch=created["ETag"])
    arn = created["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    association = {"FunctionARN": arn, "EventType": "viewer-request"}
    behavior = {
        **config()["DefaultCacheBehavior"],
        "FunctionAssociations": {"Quantity": 1, "Items": [association]},
    }

    with pytest.raises(ApiError, match=r"runs cloudfront-js-2.0, not cloudfront-js-1.0"):
        await service.created(DefaultCacheBehavior=behavior)


async def test_a_function_has_at_most_ten_kilobytes() -> None:
    service = Service()
    runtime = {"Comment": "", "Runtime": "cloudfront-js-2.0"}

    async def create(name: str, size: int) -> None:
        await service.call(
            "CreateFunction", Name=name, FunctionConfig=runtime, FunctionCode=b"a" * size
        )

    await create("largest", 10_240)
    with pytest.raises(ApiError) as error:
        await create("larger", 10_241)
    assert error.value.code == "FunctionSizeLimitExceeded"


async def test_without_a_port_there_is_no_distribution() -> None:
    service = Service(ports=Ports(is_full=True))

    code = await service.code("CreateDistribution", DistributionConfig=config())

    assert code == "TooManyDistributions"
    assert not service.state.distributions


async def test_an_operation_that_the_stand_in_lacks_is_refused_by_name() -> None:
    with pytest.raises(ApiError, match="TestFunction"):
        await Service().call("TestFunction", Name="edge")


async def test_distributions_are_listed_in_pages() -> None:
    service = Service()
    empty = await service.call("ListDistributions")
    assert empty["DistributionList"] == {
        "Marker": "",
        "IsTruncated": False,
        "MaxItems": 100,
        "Quantity": 0,
    }
    for number in range(3):
        await service.created(reference=str(number))

    first = (await service.call("ListDistributions", MaxItems="2"))["DistributionList"]
    assert (first["IsTruncated"], first["Quantity"], len(first["Items"])) == (True, 2, 2)
    marker = first["NextMarker"]
    last = (await service.call("ListDistributions", MaxItems="2", Marker=marker))[
        "DistributionList"
    ]
    assert (last["IsTruncated"], last["Marker"], len(last["Items"])) == (False, marker, 1)
    for wrong in ({"Marker": "nonsense"}, {"MaxItems": "0"}, {"MaxItems": "many"}):
        assert await service.code("ListDistributions", **wrong) == "InvalidArgument"


async def test_a_creation_that_is_repeated_at_once_creates_one_distribution() -> None:
    service = Service()
    one, other = await asyncio.gather(service.created(), service.created())
    assert one["Distribution"]["Id"] == other["Distribution"]["Id"]
    assert len(service.ports.opened) == 1
