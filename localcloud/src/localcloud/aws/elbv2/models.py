"""Load balancers, their listeners, and target groups."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Zone:
    """An Availability Zone of a load balancer, with the subnet there."""

    name: str
    subnet_id: str


@dataclass(frozen=True, kw_only=True)
class LoadBalancer:
    """An Application Load Balancer.

    Attributes:
        arn, name: its names.
        scheme: internet-facing or internal.
        dns_name: its name on AWS; on this machine nothing answers there.
        vpc_id: its VPC.
        zones: its Availability Zones.
        security_groups: the ids of its security groups.
        created: when it was created.
        active_at: when it leaves the state `provisioning`, by the loop's clock.
        attributes: all attributes.
        tags: its tags.
    """

    arn: str
    name: str
    scheme: str
    dns_name: str
    vpc_id: str
    zones: tuple[Zone, ...]
    security_groups: tuple[str, ...]
    created: dt.datetime
    active_at: float
    attributes: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def dimension(self) -> str:
        """Its name in metrics: the end of its ARN, `app/<name>/<id>`."""
        return self.arn.partition(":loadbalancer/")[2]

    @property
    def is_internal(self) -> bool:
        """Whether only its own network reaches it."""
        return self.scheme == "internal"


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How targets are checked.

    Attributes:
        path: the path and query of the request.
        interval, timeout: seconds.
        healthy_threshold, unhealthy_threshold: consecutive checks that change the health.
        matcher: the statuses of a healthy target, such as 200 or 200-299,301.
    """

    path: str = "/"
    interval: float = 30
    timeout: float = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    matcher: str = "200"


@dataclass(frozen=True, kw_only=True)
class TargetGroup:
    """A target group of IP addresses.

    Attributes:
        arn, name: its names.
        port: the port of targets that are registered without one.
        vpc_id: the VPC of its targets.
        health_check: how its targets are checked.
        attributes: all attributes.
        tags: its tags.
    """

    arn: str
    name: str
    port: int
    vpc_id: str
    health_check: HealthCheck
    attributes: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def dimension(self) -> str:
        """Its name in metrics: the end of its ARN, `targetgroup/<name>/<id>`."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A port of a load balancer.

    Attributes:
        arn: its ARN.
        load_balancer_arn: its load balancer.
        protocol: HTTP or HTTPS.
        port: its port.
        target_group_arn: where it forwards requests.
        certificate_arn, ssl_policy: of an HTTPS listener.
        names: the names in its certificate.
        tags: its tags.
    """

    arn: str
    load_balancer_arn: str
    protocol: str
    port: int
    target_group_arn: str
    certificate_arn: str | None = None
    ssl_policy: str | None = None
    names: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def rule_arn(self) -> str:
        """The ARN of its default rule."""
        return self.arn.replace(":listener/", ":listener-rule/") + "/" + self.arn[-16:]
