"""What requests must satisfy beyond their shapes. Pure.

Source: the API reference and the errors of Elastic Load Balancing.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from localcloud.aws.elbv2.models import HealthCheck, JsonObject
from localcloud.aws.elbv2.network import Certificate, SecurityGroup, Subnet
from localcloud.aws.protocol import ApiError

DEFAULT_POLICY: Final = "ELBSecurityPolicy-2016-08"
_POLICIES: Final = frozenset(
    {
        DEFAULT_POLICY,
        "ELBSecurityPolicy-FS-1-2-2019-08",
        "ELBSecurityPolicy-FS-1-2-Res-2019-08",
        "ELBSecurityPolicy-FS-1-2-Res-2020-10",
        "ELBSecurityPolicy-TLS-1-2-2017-01",
        "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        "ELBSecurityPolicy-TLS13-1-3-2021-06",
    }
)
_NAME: Final = re.compile(r"[A-Za-z0-9-]*")
_LONGEST_NAME: Final = 32
_MATCHER: Final = re.compile(r"\d{3}(?:-\d{3})?(?:,\d{3}(?:-\d{3})?)*")
_STATUSES: Final = range(200, 500)
_ZONES: Final = 2
_TARGET_NETWORKS: Final = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
_MOST_TAGS: Final = 50


def require_supported(
    parameters: Mapping[str, Any], supported: Mapping[str, Collection[Any]]
) -> None:
    """Refuse what the stand-in doesn't have.

    Args:
        parameters: the request.
        supported: members that have only some values here; none at all if the collection is empty.

    Raises:
        ApiError: InvalidConfigurationRequest, with the name.
    """
    for name, values in supported.items():
        if name in parameters and parameters[name] not in values:
            detail = f"only {', '.join(str(value) for value in values)}" if values else "none"
            raise ApiError(
                "InvalidConfigurationRequest",
                f"The stand-in's load balancers don't support {name} = {parameters[name]!r}"
                f" ({detail}).",
            )


def check_name(name: str, kind: str) -> None:
    """Check the name of a load balancer or target group.

    Raises:
        ApiError: ValidationError.
    """
    shown = f"{kind} name '{name}'"
    if len(name) > _LONGEST_NAME:
        raise ApiError(
            "ValidationError", f"{shown} cannot be longer than '{_LONGEST_NAME}' characters"
        )
    if not _NAME.fullmatch(name) or not name:
        raise ApiError(
            "ValidationError",
            f"{shown} can only contain characters that are alphanumeric characters and hyphens(-)",
        )
    if name.startswith("-") or name.endswith("-"):
        raise ApiError("ValidationError", f"{shown} cannot begin or end with a hyphen(-)")
    if kind == "Load balancer" and name.startswith("internal-"):
        raise ApiError("ValidationError", f"{shown} cannot begin with 'internal-'")


def subnet_ids(parameters: Mapping[str, Any]) -> list[str]:
    """Return the ids of the subnets in a request.

    Raises:
        ApiError: ValidationError or InvalidConfigurationRequest.
    """
    plain, mappings = parameters.get("Subnets", []), parameters.get("SubnetMappings", [])
    if bool(plain) == bool(mappings):
        raise ApiError(
            "ValidationError", "You must specify either subnets or subnet mappings, but not both"
        )
    for mapping in mappings:
        require_supported(
            mapping,
            {name: () for name in mapping if name != "SubnetId"},
        )
    return list(plain) or [mapping["SubnetId"] for mapping in mappings]


def check_subnets(wanted: Sequence[str], found: Sequence[Subnet], *, is_internal: bool) -> None:
    """Check the subnets of a load balancer.

    Raises:
        ApiError: SubnetNotFound, InvalidConfigurationRequest or InvalidSubnet.
    """
    missing = sorted(set(wanted) - {subnet.id for subnet in found})
    if missing:
        raise ApiError("SubnetNotFound", f"The subnet ID '{missing[0]}' does not exist")
    zones = [subnet.zone for subnet in found]
    if len(set(zones)) < len(zones):
        raise ApiError(
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        )
    if len(zones) < _ZONES:
        raise ApiError(
            "ValidationError",
            "At least two subnets in two different Availability Zones must be specified",
        )
    if len({subnet.vpc_id for subnet in found}) > 1:
        raise ApiError("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
    private = [subnet for subnet in found if not subnet.is_public]
    if private and not is_internal:
        raise ApiError("InvalidSubnet", f"VPC {private[0].vpc_id} has no internet gateway")


def check_security_groups(
    wanted: Sequence[str], found: Sequence[SecurityGroup], vpc_id: str
) -> None:
    """Check the security groups of a load balancer.

    Raises:
        ApiError: InvalidSecurityGroup or InvalidConfigurationRequest.
    """
    missing = sorted(set(wanted) - {group.id for group in found})
    if missing:
        raise ApiError("InvalidSecurityGroup", f"Security group '{missing[0]}' does not exist")
    for group in found:
        if group.vpc_id != vpc_id:
            raise ApiError(
                "InvalidConfigurationRequest",
                f"The security group '{group.id}' does not belong to VPC '{vpc_id}'",
            )


def health_check(parameters: Mapping[str, Any], current: HealthCheck) -> HealthCheck:
    """Return a target group's health check after a request.

    Raises:
        ApiError: ValidationError or InvalidConfigurationRequest.
    """
    require_supported(
        parameters,
        {
            "HealthCheckProtocol": ("HTTP",),
            "HealthCheckPort": ("traffic-port",),
            "HealthCheckEnabled": (True,),
        },
    )
    matcher = parameters.get("Matcher", {})
    require_supported(matcher, {"GrpcCode": ()})
    changed = HealthCheck(
        path=parameters.get("HealthCheckPath", current.path),
        interval=parameters.get("HealthCheckIntervalSeconds", current.interval),
        timeout=parameters.get("HealthCheckTimeoutSeconds", current.timeout),
        healthy_threshold=parameters.get("HealthyThresholdCount", current.healthy_threshold),
        unhealthy_threshold=parameters.get("UnhealthyThresholdCount", current.unhealthy_threshold),
        matcher=matcher.get("HttpCode", current.matcher),
    )
    if not changed.path.startswith("/"):
        raise ApiError("ValidationError", "Health check path must begin with a '/' character")
    if changed.timeout >= changed.interval:
        raise ApiError("ValidationError", "Health check timeout must be smaller than the interval")
    if not _MATCHER.fullmatch(changed.matcher) or any(
        int(status) not in _STATUSES for status in re.findall(r"\d{3}", changed.matcher)
    ):
        raise ApiError(
            "ValidationError",
            "Health check matcher HTTP code must be a value, list or range within 200-499",
        )
    return changed


def forward_target(actions: Sequence[Mapping[str, Any]]) -> str:
    """Return the target group of a listener's default action.

    Raises:
        ApiError: ValidationError, InvalidLoadBalancerAction or InvalidConfigurationRequest.
    """
    if len(actions) != 1 or actions[0].get("Type") != "forward":
        kinds = ", ".join(str(action.get("Type")) for action in actions)
        raise ApiError(
            "InvalidLoadBalancerAction",
            f"The stand-in's listeners have one action, of type forward, and not: {kinds}",
        )
    [action] = actions
    groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
    stickiness = action.get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {})
    named = {each.get("TargetGroupArn") for each in groups}
    if action.get("TargetGroupArn"):
        named.add(action["TargetGroupArn"])
    if len(named) != 1 or len(groups) > 1 or stickiness.get("Enabled"):
        raise ApiError(
            "InvalidLoadBalancerAction",
            "The stand-in's listeners forward to one target group, without stickiness",
        )
    return str(named.pop())


def certificate_arn(parameters: Mapping[str, Any]) -> str:
    """Return the certificate of an HTTPS listener.

    Raises:
        ApiError: ValidationError or TooManyCertificates.
    """
    certificates = parameters.get("Certificates", [])
    if not certificates:
        raise ApiError("ValidationError", "A certificate must be specified for HTTPS listeners")
    if len(certificates) > 1:
        raise ApiError("TooManyCertificates", "You can only specify one certificate")
    return str(certificates[0].get("CertificateArn", ""))


def certificate_names(arn: str, certificate: Certificate | None) -> tuple[str, ...]:
    """Return the names in a certificate that a listener can use.

    Raises:
        ApiError: CertificateNotFound or UnsupportedCertificate.
    """
    if certificate is None:
        raise ApiError("CertificateNotFound", f"Certificate ARN '{arn}' is not valid")
    if certificate.status != "ISSUED":
        raise ApiError(
            "UnsupportedCertificate",
            f"The certificate '{arn}' must have a fully-qualified domain name, a supported"
            f" signature, and a supported key size; its status is {certificate.status}",
        )
    return certificate.names


def check_policy(name: str) -> None:
    """Check the name of a TLS policy.

    Raises:
        ApiError: SSLPolicyNotFound.
    """
    if name not in _POLICIES:
        raise ApiError(
            "SSLPolicyNotFound",
            f"SSL policy '{name}' not found; the stand-in has: {', '.join(sorted(_POLICIES))}",
        )


def requires_tls_1_3(policy: str) -> bool:
    """Return whether a TLS policy refuses TLS 1.2."""
    return policy == "ELBSecurityPolicy-TLS13-1-3-2021-06"


def check_target_address(address: str) -> None:
    """Check the address of a target.

    Raises:
        ApiError: ValidationError.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise ApiError(
            "ValidationError", f"The IP address '{address}' is not a valid IPv4 address"
        ) from None
    if not any(parsed in network for network in _TARGET_NETWORKS):
        raise ApiError(
            "ValidationError",
            f"The IP address '{address}' must be within a private network of AWS or of a VPC",
        )


def tags(listed: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags by their keys.

    Raises:
        ApiError: DuplicateTagKeys or TooManyTags.
    """
    keys = [tag["Key"] for tag in listed]
    if len(set(keys)) < len(keys):
        raise ApiError("DuplicateTagKeys", "A tag key was specified more than once")
    if len(keys) > _MOST_TAGS:
        raise ApiError("TooManyTags", f"The number of tags exceeds {_MOST_TAGS}")
    return {tag["Key"]: tag.get("Value", "") for tag in listed}


def encoded_tags(tags_by_key: Mapping[str, str]) -> list[JsonObject]:
    """Return tags as the API shows them."""
    return [{"Key": key, "Value": value} for key, value in tags_by_key.items()]
