"""A distribution's configuration: checked, completed, and reduced to what routes requests. Pure.

Sources: the Amazon CloudFront API reference (DistributionConfig and its members, the errors of
CreateDistribution and UpdateDistribution), and "Quotas" in the Amazon CloudFront Developer Guide.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from localcloud.aws.protocol import ApiError

CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST_HEADER: Final = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
VIEWER_REQUEST: Final = "viewer-request"
_READ: Final = frozenset({"GET", "HEAD"})
_ALLOWED_METHODS: Final = (
    _READ,
    _READ | {"OPTIONS"},
    _READ | {"OPTIONS", "PUT", "POST", "PATCH", "DELETE"},
)
_ALIASES: Final = 100
_LOWEST_FREE_PORT: Final = 1024
_HIGHEST_PORT: Final = 65535
_NONE: Final = {"Quantity": 0}

Config = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where requests are passed on to.

    Attributes:
        host: its domain name; of a VPC origin, that of the load balancer.
        port: its port; of a VPC origin, the load balancer's is looked up.
        https: whether it is reached over TLS.
        path: precedes the path of each request.
        read_seconds: how long it may send nothing.
        connect_seconds: how long a connection may take.
        attempts: how often a connection is attempted.
        vpc_origin: the id of the VPC origin; None for a public one.
    """

    host: str
    port: int
    https: bool
    path: str
    read_seconds: int
    connect_seconds: int
    attempts: int
    vpc_origin: str | None = None


@dataclass(frozen=True, kw_only=True)
class Routing:
    """What a distribution does with requests.

    Attributes:
        origin: the one that requests are passed on to.
        origins: all of them.
        https_only: whether plain HTTP is refused.
    """

    enabled: bool
    aliases: frozenset[str]
    methods: frozenset[str]
    https_only: bool
    origin: Origin
    origins: tuple[Origin, ...]
    function_arn: str | None
    web_acl_arn: str | None


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a configuration refers to.

    Attributes:
        is_live: returns whether a function exists and is published.
        has_vpc_origin: returns whether a VPC origin exists.
        has_web_acl: returns whether a web ACL for CloudFront exists.
        certificate_names: the names in the configuration's certificate; None if ACM has no such
            certificate that is issued.
    """

    is_live: Callable[[str], bool]
    has_vpc_origin: Callable[[str], bool]
    has_web_acl: Callable[[str], bool]
    certificate_names: tuple[str, ...] | None = None


def completed(config: Config) -> dict[str, Any]:
    """Return a configuration with CloudFront's defaults for what it leaves out."""
    certificate = config.get("ViewerCertificate") or {"CloudFrontDefaultCertificate": True}
    if certificate.get("CloudFrontDefaultCertificate"):
        certificate = {
            "CloudFrontDefaultCertificate": True,
            "SSLSupportMethod": "vip",
            "MinimumProtocolVersion": "TLSv1",
            "CertificateSource": "cloudfront",
        }
    elif "ACMCertificateArn" in certificate:
        arn = certificate["ACMCertificateArn"]
        certificate = {
            "CloudFrontDefaultCertificate": False,
            "MinimumProtocolVersion": "TLSv1",
            **certificate,
            "Certificate": arn,
            "CertificateSource": "acm",
        }
    origins = config["Origins"]
    return {
        "Aliases": _NONE,
        "DefaultRootObject": "",
        "OriginGroups": _NONE,
        "CacheBehaviors": _NONE,
        "CustomErrorResponses": _NONE,
        "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        "PriceClass": "PriceClass_All",
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", **_NONE}},
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": True,
        "ContinuousDeploymentPolicyId": "",
        "Staging": False,
        **config,
        "Origins": {**origins, "Items": [_completed_origin(each) for each in origins["Items"]]},
        "DefaultCacheBehavior": _completed_behavior(config["DefaultCacheBehavior"]),
        "ViewerCertificate": certificate,
    }


def routing(config: Config) -> Routing:
    """Return what a checked and complete configuration does with requests."""
    behavior = config["DefaultCacheBehavior"]
    origins = {each["Id"]: _origin(each) for each in config["Origins"]["Items"]}
    functions = [each["FunctionARN"] for each in _items(behavior["FunctionAssociations"])]
    return Routing(
        enabled=config["Enabled"],
        aliases=frozenset(alias.lower() for alias in _items(config["Aliases"])),
        methods=frozenset(_items(behavior["AllowedMethods"])),
        https_only=behavior["ViewerProtocolPolicy"] == "https-only",
        origin=origins[behavior["TargetOriginId"]],
        origins=tuple(origins.values()),
        function_arn=functions[0] if functions else None,
        web_acl_arn=config["WebACLId"] or None,
    )


def check(config: Config, surroundings: Surroundings) -> None:
    """Check a complete configuration.

    Raises:
        ApiError: CloudFront would refuse it, or the stand-in doesn't support it.
    """
    _check_quantities(config, "DistributionConfig")
    for problem in _unsupported(config):
        raise ApiError("InvalidArgument", f"The stand-in's CloudFront doesn't support {problem}.")
    _check_origins(config, surroundings)
    _check_behavior(config["DefaultCacheBehavior"], surroundings)
    _check_certificate(config, surroundings)
    web_acl = config["WebACLId"]
    if web_acl and not surroundings.has_web_acl(web_acl):
        raise ApiError(
            "InvalidWebACLId", f"The web ACL {web_acl} doesn't exist, or isn't for CloudFront."
        )


def covers(names: Iterable[str], alias: str) -> bool:
    """Return whether a certificate's names include an alternate domain name."""
    _, _, parent = alias.lower().partition(".")
    known = {name.lower() for name in names}
    return alias.lower() in known or f"*.{parent}" in known


def _items(block: Config) -> list[Any]:
    items: list[Any] = block.get("Items") or []
    return items


def _completed_origin(origin: Config) -> dict[str, Any]:
    complete = {
        "OriginPath": "",
        "CustomHeaders": _NONE,
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginShield": {"Enabled": False},
        "OriginAccessControlId": "",
        **origin,
    }
    for name in ("CustomOriginConfig", "VpcOriginConfig"):
        if name in origin:
            timeouts = {"OriginReadTimeout": 30, "OriginKeepaliveTimeout": 5}
            complete[name] = {**timeouts, **origin[name]}
    return complete


def _completed_behavior(behavior: Config) -> dict[str, Any]:
    read = {"Quantity": 2, "Items": ["HEAD", "GET"]}
    methods = behavior.get("AllowedMethods") or read
    return {
        "TrustedSigners": {"Enabled": False, **_NONE},
        "TrustedKeyGroups": {"Enabled": False, **_NONE},
        "SmoothStreaming": False,
        "Compress": False,
        "LambdaFunctionAssociations": _NONE,
        "FunctionAssociations": _NONE,
        "FieldLevelEncryptionId": "",
        "GrpcConfig": {"Enabled": False},
        **behavior,
        "AllowedMethods": {"CachedMethods": read, **methods},
    }


def _origin(origin: Config) -> Origin:
    common = {
        "host": origin["DomainName"],
        "path": origin["OriginPath"],
        "connect_seconds": origin["ConnectionTimeout"],
        "attempts": origin["ConnectionAttempts"],
    }
    if (vpc := origin.get("VpcOriginConfig")) is not None:
        return Origin(
            **common,
            port=0,
            https=False,
            read_seconds=vpc["OriginReadTimeout"],
            vpc_origin=vpc["VpcOriginId"],
        )
    custom = origin["CustomOriginConfig"]
    https = custom["OriginProtocolPolicy"] == "https-only"
    return Origin(
        **common,
        port=custom["HTTPSPort"] if https else custom["HTTPPort"],
        https=https,
        read_seconds=custom["OriginReadTimeout"],
    )


def _check_quantities(value: object, path: str) -> None:
    if isinstance(value, list):
        for each in value:
            _check_quantities(each, path)
    elif isinstance(value, Mapping):
        items, quantity = value.get("Items"), value.get("Quantity")
        if quantity is not None and quantity != len(items or []):
            raise ApiError(
                "InconsistentQuantities",
                f"The value of Quantity and the number of Items don't match in {path}.",
            )
        for name, each in value.items():
            _check_quantities(each, f"{path}.{name}")


def _unsupported(config: Config) -> Iterator[str]:  # noqa: C901, PLR0912 - one long list
    """Name what AWS accepts and the stand-in has not."""
    behavior = config["DefaultCacheBehavior"]
    yield from _given(
        config,
        "DefaultRootObject",
        "OriginGroups",
        "CacheBehaviors",
        "CustomErrorResponses",
        "ContinuousDeploymentPolicyId",
        "Staging",
        "AnycastIpListId",
        "TenantConfig",
        "ViewerMtlsConfig",
        "ConnectionFunctionAssociation",
        "CacheTagConfig",
    )
    if config["Logging"].get("Enabled"):
        yield "Logging"
    if config["Restrictions"]["GeoRestriction"]["RestrictionType"] != "none":
        yield "Restrictions"
    if config.get("ConnectionMode", "direct") != "direct":
        yield f"the ConnectionMode {config['ConnectionMode']}"
    if "IAMCertificateId" in config["ViewerCertificate"]:
        yield "certificates of IAM"
    for origin in config["Origins"]["Items"]:
        yield from _given(
            origin,
            "CustomHeaders",
            "S3OriginConfig",
            "OriginAccessControlId",
            "ResponseCompletionTimeout",
        )
        if origin["OriginShield"]["Enabled"]:
            yield "OriginShield"
        if origin.get("CustomOriginConfig", {}).get("OriginProtocolPolicy") == "match-viewer":
            yield "the origin protocol policy match-viewer"
        yield from _given(origin.get("CustomOriginConfig", {}), "OriginMtlsConfig", "IpAddressType")
        yield from _given(origin.get("VpcOriginConfig", {}), "OwnerAccountId")
    yield from _given(
        behavior,
        "SmoothStreaming",
        "LambdaFunctionAssociations",
        "FieldLevelEncryptionId",
        "RealtimeLogConfigArn",
        "ResponseHeadersPolicyId",
        "ForwardedValues",
        "MinTTL",
        "DefaultTTL",
        "MaxTTL",
    )
    for name in ("TrustedSigners", "TrustedKeyGroups", "GrpcConfig"):
        if behavior[name]["Enabled"]:
            yield name
    for association in _items(behavior["FunctionAssociations"]):
        if association["EventType"] == "viewer-response":
            yield "functions for viewer-response"
    if behavior.get("CachePolicyId") != CACHING_DISABLED:
        yield "a cache policy other than CachingDisabled"
    if behavior.get("OriginRequestPolicyId") != ALL_VIEWER_EXCEPT_HOST_HEADER:
        yield "an origin request policy other than AllViewerExceptHostHeader"
    if behavior["ViewerProtocolPolicy"] == "redirect-to-https":
        yield "the viewer protocol policy redirect-to-https"


def _given(config: Config, *names: str) -> Iterator[str]:
    for name in names:
        value = config.get(name)
        if isinstance(value, Mapping) and "Quantity" in value:
            value = value["Quantity"]
        if value not in (None, "", False, 0):
            yield name


def _check_origins(config: Config, surroundings: Surroundings) -> None:
    origins = config["Origins"]["Items"]
    ids = [origin["Id"] for origin in origins]
    if len(set(ids)) < len(ids):
        raise ApiError("InvalidArgument", "The ids of the origins must be unique.")
    if config["DefaultCacheBehavior"]["TargetOriginId"] not in ids:
        raise ApiError(
            "NoSuchOrigin",
            "One or more of your origins or origin groups do not exist.",
            HTTPStatus.NOT_FOUND,
        )
    for origin in origins:
        _check_origin(origin, surroundings)


def _check_origin(origin: Config, surroundings: Surroundings) -> None:
    kinds = [each for each in ("CustomOriginConfig", "VpcOriginConfig") if each in origin]
    if len(kinds) != 1:
        raise ApiError(
            "InvalidOrigin",
            f"The origin {origin['Id']} must have exactly one of S3OriginConfig,"
            " CustomOriginConfig and VpcOriginConfig.",
        )
    if not origin["DomainName"] or any(sign in origin["DomainName"] for sign in ":/ "):
        raise ApiError("InvalidArgument", "The parameter origin name must be a domain name.")
    path = origin["OriginPath"]
    if path and (not path.startswith("/") or path.endswith("/")):
        raise ApiError(
            "InvalidArgument", "The parameter OriginPath must begin with / and not end with it."
        )
    settings = origin[kinds[0]]
    _check_range("InvalidOriginReadTimeout", "OriginReadTimeout", settings, 1, 120)
    _check_range("InvalidOriginKeepaliveTimeout", "OriginKeepaliveTimeout", settings, 1, 120)
    _check_range("InvalidArgument", "ConnectionAttempts", origin, 1, 3)
    _check_range("InvalidArgument", "ConnectionTimeout", origin, 1, 10)
    if kinds[0] == "VpcOriginConfig":
        if not surroundings.has_vpc_origin(settings["VpcOriginId"]):
            raise ApiError(
                "EntityNotFound", "The specified vpc origin does not exist", HTTPStatus.NOT_FOUND
            )
        return
    for name in ("HTTPPort", "HTTPSPort"):
        port = settings[name]
        if port not in {80, 443} and not _LOWEST_FREE_PORT <= port <= _HIGHEST_PORT:
            raise ApiError(
                "InvalidArgument", f"The parameter {name} must be 80, 443, or from 1024 to 65535."
            )


def _check_range(code: str, name: str, config: Config, least: int, most: int) -> None:
    if not least <= config[name] <= most:
        raise ApiError(code, f"The parameter {name} must be from {least} to {most}.")


def _check_behavior(behavior: Config, surroundings: Surroundings) -> None:
    allowed = behavior["AllowedMethods"]
    if frozenset(_items(allowed)) not in _ALLOWED_METHODS:
        raise ApiError(
            "InvalidArgument", "The parameter AllowedMethods has a combination that isn't possible."
        )
    if frozenset(_items(allowed["CachedMethods"])) not in _ALLOWED_METHODS[:2]:
        raise ApiError(
            "InvalidArgument", "The parameter CachedMethods has a combination that isn't possible."
        )
    events = [each["EventType"] for each in _items(behavior["FunctionAssociations"])]
    if len(set(events)) < len(events) or not set(events) <= {VIEWER_REQUEST}:
        raise ApiError(
            "InvalidFunctionAssociation",
            "A cache behavior has one function for each of viewer-request and viewer-response.",
        )
    for each in _items(behavior["FunctionAssociations"]):
        if not surroundings.is_live(each["FunctionARN"]):
            raise ApiError(
                "InvalidFunctionAssociation",
                f"The function {each['FunctionARN']} doesn't exist, or isn't published.",
            )


def _check_certificate(config: Config, surroundings: Surroundings) -> None:
    aliases, certificate = _items(config["Aliases"]), config["ViewerCertificate"]
    if len(aliases) > _ALIASES:
        raise ApiError("TooManyDistributionCNAMEs", f"At most {_ALIASES} aliases are possible.")
    if certificate.get("CloudFrontDefaultCertificate"):
        if aliases:
            raise _invalid_certificate(
                "To add an alternate domain name (CNAME) to a CloudFront distribution, you must"
                " attach a trusted certificate that validates your authorization to use the"
                " domain name."
            )
        return
    arn = certificate.get("ACMCertificateArn", "")
    if not arn.startswith("arn:aws:acm:us-east-1:") or surroundings.certificate_names is None:
        raise _invalid_certificate(
            "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid,"
            " or doesn't include a valid certificate chain."
        )
    if certificate.get("SSLSupportMethod") != "sni-only":
        raise _invalid_certificate("SSLSupportMethod must be sni-only.")
    for alias in aliases:
        if not covers(surroundings.certificate_names, alias):
            raise _invalid_certificate(
                f"The certificate that is attached to your distribution doesn't cover {alias}."
            )


def _invalid_certificate(message: str) -> ApiError:
    return ApiError("InvalidViewerCertificate", message)
