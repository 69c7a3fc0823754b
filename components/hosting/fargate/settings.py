"""The configuration keys of Fargate. Pure."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from components import rules
from components.conflicts import Conflict, Fix
from components.hosting import keys
from components.rules import Pattern
from components.settings import (
    HostedZoneId,
    Settings,
    SubnetId,
    VpcId,
    Whole,
)

_GIB = 1024
# Source: "Task size" of "Amazon ECS task definition parameters for Fargate" in the Amazon ECS
# Developer Guide: CPU units to MB of memory.
SIZES: Mapping[int, tuple[int, ...]] = {
    256: (512, _GIB, 2 * _GIB),
    512: tuple(_GIB * each for each in range(1, 5)),
    1024: tuple(_GIB * each for each in range(2, 9)),
    2048: tuple(_GIB * each for each in range(4, 17)),
    4096: tuple(_GIB * each for each in range(8, 31)),
}
# Source: "Quotas for your Application Load Balancers": targets per target group.
_MOST_INSTANCES = 1000
# Source: application-autoscaling PredefinedMetricSpecification; a percentage of what is reserved.
_LEAST_CPU, _MOST_CPU = 10, 90
_HTTPS = 443
_SUBNETS = 2
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


class ServiceDomain(Settings):
    """The domain of the load balancer."""

    # A private DNS may have names of one label. Source: RFC 1035, section 2.3.4, for the length.
    name: Annotated[
        str,
        AfterValidator(
            Pattern(
                regex=rf"(?:{_LABEL}\.)*{_LABEL}",
                words="a domain name in lower case, such as mcp.example.com",
                maximum=253,
            )
        ),
        Field(description="The domain name.", examples=["mcp.example.com"]),
    ]
    # A load balancer takes certificates from its region only.
    certificate_arn: Annotated[
        str,
        AfterValidator(
            Pattern(
                regex=r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+",
                words="the ARN of an ACM certificate",
                maximum=2048,
            )
        ),
        Field(
            description="ARN of the domain's ACM certificate, in the stack's region.",
            examples=["arn:aws:acm:<region>:<account>:certificate/<id>"],
        ),
    ]
    hosted_zone_id: Annotated[
        HostedZoneId | None,
        Field(
            description="The Route 53 zone in which the program makes the domain's record.",
            examples=["Z<id>"],
        ),
    ] = None
    port: Annotated[Whole, Field(ge=1, le=65535, description="The HTTPS port.")] = _HTTPS


class Network(Settings):
    """The VPC and the subnets of the tasks and of the load balancer."""

    vpc_id: Annotated[VpcId, Field(description="The VPC.", examples=["vpc-<id>"])]
    subnet_ids: Annotated[
        tuple[SubnetId, ...],
        Field(
            min_length=_SUBNETS,
            description="The tasks' subnets, in at least two zones: all public or all private.",
            examples=[["subnet-<id>"]],
        ),
        AfterValidator(rules.distinct),
    ]
    load_balancer_subnet_ids: Annotated[
        tuple[SubnetId, ...] | None,
        Field(
            min_length=_SUBNETS,
            description="The load balancer's subnets, one in each zone. By default the tasks'.",
            examples=[["subnet-<id>"]],
        ),
        AfterValidator(rules.distinct_if_set),
    ] = None


class FargateSettings(keys.ImageHostSettings):
    """The configuration keys of Fargate."""

    cpu: keys.Cpu = 512
    memory: keys.Memory = 1024
    min_instances: Annotated[keys.MinInstances, Field(ge=1, le=_MOST_INSTANCES)] = 1
    max_instances: Annotated[keys.MaxInstances, Field(ge=1, le=_MOST_INSTANCES)] = 3
    requests_per_target: Annotated[
        Whole,
        Field(
            ge=1,
            le=1_000_000,
            description="Requests per minute and instance that scaling aims at.",
        ),
    ] = 1000
    cpu_target: Annotated[
        Whole,
        Field(
            ge=_LEAST_CPU,
            le=_MOST_CPU,
            description="CPU use of an instance that scaling aims at, in percent.",
        ),
    ] = 60
    network: Annotated[
        Network | None,
        BeforeValidator(rules.empty_is_unset),
        Field(
            description=(
                "Where the server runs, instead of the account's default VPC. It has vpcId,"
                " subnetIds (two or more, all public or all private) and, optionally,"
                " loadBalancerSubnetIds."
            )
        ),
    ] = None
    service_domain: Annotated[
        ServiceDomain | None,
        BeforeValidator(rules.empty_is_unset),
        Field(
            description=(
                "The domain of the load balancer. It has name, certificateArn (ACM, in the stack's"
                " region) and, optionally, hostedZoneId and port. Without it, the edge is the only"
                " way to the server."
            )
        ),
    ] = None


def conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    """Find sizes that Fargate doesn't offer, and a server that nobody could reach."""
    yield from keys.size_conflicts(values, SIZES)
    yield from keys.instance_conflicts(values)
    if values.get("service_domain", True) is None and values.get("edge") is False:
        yield Conflict(
            path=("serviceDomain",),
            message=(
                "is missing: a load balancer's own name has no certificate, so callers need"
                " serviceDomain or the edge"
            ),
            fixes=(Fix.SET, Fix.ENABLE_EDGE),
        )
