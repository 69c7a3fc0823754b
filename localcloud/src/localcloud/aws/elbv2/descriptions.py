"""Load balancers, listeners and target groups in the shapes of the API. Pure."""

from collections.abc import Sequence

from localcloud.aws.elbv2.models import JsonObject, Listener, LoadBalancer, TargetGroup
from localcloud.aws.elbv2.targets import Target, TargetHealth

# Source: AWS General Reference, "Elastic Load Balancing endpoints and quotas": us-east-1.
_HOSTED_ZONE = "Z35SXDOTRQ7X7K"


def load_balancer(described: LoadBalancer, now: float) -> JsonObject:
    """Return a load balancer, at a time of the loop's clock."""
    return {
        "LoadBalancerArn": described.arn,
        "DNSName": described.dns_name,
        "CanonicalHostedZoneId": _HOSTED_ZONE,
        "CreatedTime": described.created,
        "LoadBalancerName": described.name,
        "Scheme": described.scheme,
        "VpcId": described.vpc_id,
        "State": {"Code": "active" if now >= described.active_at else "provisioning"},
        "Type": "application",
        "AvailabilityZones": zones(described),
        "SecurityGroups": list(described.security_groups),
        "IpAddressType": "ipv4",
    }


def zones(described: LoadBalancer) -> list[JsonObject]:
    """Return a load balancer's Availability Zones."""
    return [{"ZoneName": zone.name, "SubnetId": zone.subnet_id} for zone in described.zones]


def target_group(described: TargetGroup, load_balancer_arns: Sequence[str]) -> JsonObject:
    """Return a target group."""
    check = described.health_check
    return {
        "TargetGroupArn": described.arn,
        "TargetGroupName": described.name,
        "Protocol": "HTTP",
        "Port": described.port,
        "VpcId": described.vpc_id,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": check.interval,
        "HealthCheckTimeoutSeconds": check.timeout,
        "HealthyThresholdCount": check.healthy_threshold,
        "UnhealthyThresholdCount": check.unhealthy_threshold,
        "HealthCheckPath": check.path,
        "Matcher": {"HttpCode": check.matcher},
        "LoadBalancerArns": list(load_balancer_arns),
        "TargetType": "ip",
        "ProtocolVersion": "HTTP1",
        "IpAddressType": "ipv4",
    }


def listener(described: Listener) -> JsonObject:
    """Return a listener."""
    certificates = [{"CertificateArn": described.certificate_arn}]
    return {
        "ListenerArn": described.arn,
        "LoadBalancerArn": described.load_balancer_arn,
        "Port": described.port,
        "Protocol": described.protocol,
        "Certificates": certificates if described.certificate_arn else None,
        "SslPolicy": described.ssl_policy,
        "DefaultActions": [_forward(described)],
        "MutualAuthentication": {"Mode": "off"} if described.protocol == "HTTPS" else None,
    }


def default_rule(described: Listener) -> JsonObject:
    """Return a listener's default rule."""
    return {
        "RuleArn": described.rule_arn,
        "Priority": "default",
        "Conditions": [],
        "Actions": [_forward(described)],
        "IsDefault": True,
    }


def target_health(target: Target, health: TargetHealth) -> JsonObject:
    """Return a target's health."""
    return {
        "Target": {"Id": target.id, "Port": target.port},
        "HealthCheckPort": str(target.port),
        "TargetHealth": {
            "State": health.state.value,
            "Reason": health.reason,
            "Description": health.description,
        },
    }


def _forward(described: Listener) -> JsonObject:
    return {
        "Type": "forward",
        "TargetGroupArn": described.target_group_arn,
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": described.target_group_arn, "Weight": 1}],
            "TargetGroupStickinessConfig": {"Enabled": False},
        },
    }
