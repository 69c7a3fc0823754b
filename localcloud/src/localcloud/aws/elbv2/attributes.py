"""The attributes of load balancers and target groups: their defaults and values. Pure.

Source: API reference, LoadBalancerAttribute and TargetGroupAttribute.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from localcloud.aws.protocol import ApiError


@dataclass(frozen=True, kw_only=True)
class _Attribute:
    """An attribute.

    Attributes:
        default: its default.
        allowed: whether AWS allows a value.
        supported: whether the stand-in does.
    """

    default: str
    allowed: Callable[[str], bool]
    supported: Callable[[str], bool]


def _one_of(default: str, *values: str, supported: Sequence[str] | None = None) -> _Attribute:
    possible = values if supported is None else supported
    return _Attribute(
        default=default,
        allowed=lambda value: value in values,
        supported=lambda value: value in possible,
    )


def _flag(default: str = "false", *, fixed: bool = False) -> _Attribute:
    return _one_of(default, "true", "false", supported=(default,) if fixed else None)


def _number(default: int, least: int, most: int) -> _Attribute:
    def allowed(value: str) -> bool:
        return value.isdecimal() and least <= int(value) <= most

    return _Attribute(default=str(default), allowed=allowed, supported=lambda _: True)


def _only(default: str) -> _Attribute:
    """Return an attribute of something that the stand-in doesn't have."""
    return _Attribute(
        default=default, allowed=lambda _: True, supported=lambda value: value == default
    )


_LOAD_BALANCER: Final[Mapping[str, _Attribute]] = {
    "access_logs.s3.enabled": _flag(fixed=True),
    "access_logs.s3.bucket": _only(""),
    "access_logs.s3.prefix": _only(""),
    "client_keep_alive.seconds": _number(3600, 60, 604800),
    "connection_logs.s3.enabled": _flag(fixed=True),
    "connection_logs.s3.bucket": _only(""),
    "connection_logs.s3.prefix": _only(""),
    "deletion_protection.enabled": _flag(),
    "health_check_logs.s3.enabled": _flag(fixed=True),
    "health_check_logs.s3.bucket": _only(""),
    "health_check_logs.s3.prefix": _only(""),
    "idle_timeout.timeout_seconds": _number(60, 1, 4000),
    "load_balancing.cross_zone.enabled": _one_of("true", "true"),
    # aiohttp's parser refuses what the strictest mode would.
    "routing.http.desync_mitigation_mode": _one_of(
        "defensive", "monitor", "defensive", "strictest"
    ),
    "routing.http.drop_invalid_header_fields.enabled": _flag(),
    "routing.http.preserve_host_header.enabled": _flag(),
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": _flag(fixed=True),
    "routing.http.xff_client_port.enabled": _flag(),
    "routing.http.xff_header_processing.mode": _one_of("append", "append", "preserve", "remove"),
    # Callers may use HTTP/2 on AWS; here they are offered HTTP/1.1 only.
    "routing.http2.enabled": _flag("true"),
    "waf.fail_open.enabled": _flag(fixed=True),
    "zonal_shift.config.enabled": _flag(fixed=True),
}
_TARGET_GROUP: Final[Mapping[str, _Attribute]] = {
    "deregistration_delay.timeout_seconds": _number(300, 0, 3600),
    "load_balancing.algorithm.anomaly_mitigation": _one_of("off", "on", "off", supported=("off",)),
    "load_balancing.algorithm.type": _one_of(
        "round_robin",
        "round_robin",
        "least_outstanding_requests",
        "weighted_random",
        supported=("round_robin", "least_outstanding_requests"),
    ),
    "load_balancing.cross_zone.enabled": _one_of(
        "use_load_balancer_configuration",
        "true",
        "false",
        "use_load_balancer_configuration",
        supported=("true", "use_load_balancer_configuration"),
    ),
    "slow_start.duration_seconds": _only("0"),
    "stickiness.app_cookie.cookie_name": _only(""),
    "stickiness.app_cookie.duration_seconds": _only("86400"),
    "stickiness.enabled": _flag(fixed=True),
    "stickiness.lb_cookie.duration_seconds": _only("86400"),
    "stickiness.type": _one_of("lb_cookie", "lb_cookie", "app_cookie", supported=("lb_cookie",)),
    "target_group_health.dns_failover.minimum_healthy_targets.count": _only("1"),
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": _only("off"),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": _only("1"),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": _only("off"),
}


def of_load_balancer(scheme: str) -> dict[str, str]:
    """Return the attributes of a new load balancer."""
    denies = str(scheme == "internal").lower()
    return {
        **{name: attribute.default for name, attribute in _LOAD_BALANCER.items()},
        "ipv6.deny_all_igw_traffic": denies,
    }


def of_target_group() -> dict[str, str]:
    """Return the attributes of a new target group."""
    return {name: attribute.default for name, attribute in _TARGET_GROUP.items()}


def changed_load_balancer(
    current: Mapping[str, str], changes: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """Return a load balancer's attributes after a request.

    Raises:
        ApiError: ValidationError or InvalidConfigurationRequest.
    """
    fixed = "ipv6.deny_all_igw_traffic"
    known = {**_LOAD_BALANCER, fixed: _only(current[fixed])}
    return _changed(current, changes, known, "Load balancer")


def changed_target_group(
    current: Mapping[str, str], changes: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """Return a target group's attributes after a request.

    Raises:
        ApiError: ValidationError or InvalidConfigurationRequest.
    """
    return _changed(current, changes, _TARGET_GROUP, "Target group")


def encode(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    """Return attributes as the API shows them."""
    return [{"Key": name, "Value": value} for name, value in sorted(attributes.items())]


def _changed(
    current: Mapping[str, str],
    changes: Sequence[Mapping[str, str]],
    known: Mapping[str, _Attribute],
    kind: str,
) -> dict[str, str]:
    changed = dict(current)
    for change in changes:
        name, value = change.get("Key", ""), change.get("Value", "")
        attribute = known.get(name)
        if attribute is None:
            raise ApiError("ValidationError", f"{kind} attribute key '{name}' is not recognized")
        if not attribute.allowed(value):
            raise ApiError(
                "ValidationError", f"{kind} attribute '{name}' has an invalid value: '{value}'"
            )
        if not attribute.supported(value):
            raise ApiError(
                "InvalidConfigurationRequest",
                f"The stand-in's load balancers don't support {name} = '{value}'.",
            )
        changed[name] = value
    return changed
