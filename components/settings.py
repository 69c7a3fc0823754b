"""StackSettings: the whole configuration of a stack, typed, with the rules of each value.

Each rule of a single value is here with its source; the rules that combine several values are in
`components.conflicts`, and `components.configuration` reads the values and reports the problems.
What is illegal by itself is refused here, not by AWS or the server half-way through a deployment.
Pure: no Pulumi.
"""

import base64
import binascii
import enum
import ipaddress
import re
import ssl
import time
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from server.releases import RELEASES, unknown_release

# Bearer tokens travel to the database, so nothing but verified TLS will do: no neo4j://, which is
# in the clear, and no +ssc, which believes any certificate.
_NEO4J_SCHEMES = ("neo4j+s", "bolt+s")

# Source: logs PutRetentionPolicy.
_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

# Source: "Tag naming limits and requirements" of Tagging AWS Resources.
_TAGS_PER_RESOURCE = 50
# Tags that the program itself puts on everything.
RESERVED_TAGS = ("Project", "Stack", "ManagedBy")

# Source: secretsmanager DeleteSecret, RecoveryWindowInDays; 0 is ForceDeleteWithoutRecovery.
_RECOVERY_DAYS = range(7, 31)

# The server reads its sample size as a 32-bit number, and takes its default for any other.
_LARGEST_SAMPLE = 2**31 - 1

_PEM_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+?)\s-----END CERTIFICATE-----"
)

# Stricter than urllib.parse, which drops tabs and line breaks and takes any host.
_ADDRESS = re.compile(
    r"(?P<scheme>[^:/?#]*)://(?:(?P<user>[^/?#]*)@)?"
    r"(?P<host>\[[^]/?#]*\]|[^]\[:/?#]*)(?::(?P<port>[^/?#]*))?(?P<rest>.*)"
)
_HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# Source: RFC 1035, 2.3.4, without the length octet of the first label and the root.
_HOST_LENGTH = 253
_LAST_PORT = 65535

# Narrower than Cognito's ResourceServerScopeNameType: the name also stands, quoted, in Neo4j's
# mapping of groups to roles, which ;, = and , take apart.
_SCOPE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")

# Source: "Resource IDs" in the Amazon EC2 User Guide: eight hexadecimal digits, today seventeen.
_HEX = r"(?:[0-9a-f]{8}|[0-9a-f]{17})"
_ID_LENGTH = 32


def _matching(pattern: str, says: str, *, maximum: int) -> AfterValidator:
    """Make a validator that says in words what a regular expression accepts."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if len(value) > maximum:
            raise ValueError(f"must be at most {maximum} characters long, not {len(value)}")
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {says}")
        return value

    return AfterValidator(check)


def _truth(value: object) -> bool:
    # Pulumi's own booleans, and no yes, on or 1 besides.
    if value == "true" or value is True:
        return True
    if value == "false" or value is False:
        return False
    raise ValueError("must be true or false")


def _whole_number(value: object) -> object:
    # pydantic would also take true, surrounding spaces and 1_024.
    if isinstance(value, bool) or (
        isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}", value)
    ):
        raise ValueError("must be a whole number")
    return value


def _text(value: object) -> object:
    # `pulumi config set --path` makes a boolean of true and a number of 42.
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def _empty_is_unset(value: object) -> object:
    # Pulumi demands a value for every key without a default, so "none" is an empty default.
    return None if value in ("", {}) else value


class _Address(NamedTuple):
    scheme: str
    rest: str


def _address(value: str) -> _Address:
    """Take a URI apart, and refuse what every kind of it refuses."""
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError(
            "must hold no spaces, line breaks, control characters or letters outside ASCII "
            "(an international host name is written as xn--…)"
        )
    parts = _ADDRESS.fullmatch(value)
    if parts is None:
        raise ValueError("must be a URI: scheme://host, with a port or none")
    if parts["user"] is not None:
        raise ValueError(
            "must hold no credentials: every request brings its own token "
            "(and change the password that was here: it may be in the stack's history)"
        )
    port = parts["port"]
    port_is_legal = port is None or (
        re.fullmatch(r"[0-9]{1,5}", port) is not None and 1 <= int(port) <= _LAST_PORT
    )
    if not port_is_legal or not _is_host(parts["host"]):
        raise ValueError("must name a host, with a port from 1 to 65535 or none")
    return _Address(scheme=parts["scheme"], rest=parts["rest"])


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            # A zone, as in fe80::1%eth0, means something on one machine only.
            return "%" not in host and bool(ipaddress.IPv6Address(host[1:-1]))
        labels = host.split(".")
        if labels[-1].isdigit():
            return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False
    return len(host) <= _HOST_LENGTH and all(map(_HOST_LABEL.fullmatch, labels))


def _neo4j_uri(value: str) -> str:
    address = _address(value)
    if address.scheme not in _NEO4J_SCHEMES:
        raise ValueError(
            f"must begin with {' or '.join(f'{scheme}://' for scheme in _NEO4J_SCHEMES)}, "
            "because tokens travel over it (for a private authority, set trustedCertificates)"
        )
    if address.rest not in {"", "/"}:
        raise ValueError("must end after the host and port; the database is neo4jDatabase")
    return value.rstrip("/")


def _no_system_database(value: str) -> str:
    if value.lower().startswith("system"):
        raise ValueError("must name a database with a graph; Neo4j keeps system… for itself")
    return value


def _base_url(value: str) -> str:
    address = _address(value)
    if address.scheme not in {"http", "https"}:
        raise ValueError("must be an http:// or https:// URL")
    if not re.fullmatch(r"(?:/[^?#]*)?", address.rest):
        raise ValueError("must be a plain URL, without query or fragment")
    return value.rstrip("/")


def _certificates(value: str) -> str:
    if not value.strip():
        return ""
    blocks = _PEM_CERTIFICATE.findall(value)
    if not blocks or _PEM_CERTIFICATE.sub("", value).strip():
        raise ValueError("must be certificates in PEM form and nothing else")
    for number, block in enumerate(blocks, start=1):
        problem = _certificate_problem("".join(block.split()))
        if problem:
            raise ValueError(f"certificate {number} of {len(blocks)} {problem}")
    return "\n".join(map(str.rstrip, value.strip().splitlines())) + "\n"


def _certificate_problem(encoded: str) -> str | None:
    try:
        certificate = base64.b64decode(encoded, validate=True)
        store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        store.load_verify_locations(cadata=certificate)
    except (binascii.Error, ssl.SSLError):
        return "is damaged: copy it again"
    authorities = store.get_ca_certs(binary_form=True)
    if not authorities:
        return "isn't an authority's: set that of the authority that signed the database's"
    if authorities != [certificate]:
        return "is damaged: copy it again"
    validity = store.get_ca_certs()[0]
    if ssl.cert_time_to_seconds(str(validity["notAfter"])) < time.time():
        return f"expired on {validity['notAfter']}"
    return None


def _recovery_days(value: int) -> int:
    if value != 0 and value not in _RECOVERY_DAYS:
        raise ValueError("must be 0, or from 7 to 30 days")
    return value


def _log_retention(value: int) -> int:
    if value not in _RETENTION_DAYS:
        raise ValueError(f"must be one of {', '.join(map(str, _RETENTION_DAYS))} days")
    return value


def _pinned_version(value: str) -> str:
    if value not in RELEASES:
        raise ValueError(unknown_release(value))
    return value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"names {', '.join(twice)} more than once")
    return values


Truth = Annotated[bool, BeforeValidator(_truth)]
Whole = Annotated[int, BeforeValidator(_whole_number)]
Text = Annotated[str, BeforeValidator(_text)]
Url = Annotated[str, AfterValidator(_base_url)]
ScopeName = Annotated[
    str,
    _matching(
        _SCOPE_NAME.pattern, "a scope name: letters, digits and ._:- behind the first", maximum=256
    ),
]
ClientName = Annotated[
    str,
    _matching(
        r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
        "a client name: lower-case letters, digits and hyphens between them",
        maximum=100,
    ),
]
# Narrower than the services' own rules in one way: no spaces at the ends, which nobody sees.
TagKey = Annotated[
    str,
    _matching(
        r"(?! )[\w .:/=+@-]+(?<! )",
        "a tag key: letters, digits, spaces between them and .:/=+-@_",
        maximum=128,
    ),
]
TagValue = Annotated[
    Text,
    _matching(r"[\w .:/=+@-]*", "a tag value: letters, digits, spaces and .:/=+-@_", maximum=256),
]


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def is_scope_name(text: str) -> bool:
    """Decide whether a scope can have this name.

    Args:
        text: the short name.

    Returns:
        True for a name that the stack could define.
    """
    return _SCOPE_NAME.fullmatch(text) is not None


class Hosting(enum.StrEnum):
    """Where the server runs."""

    APP_RUNNER = "apprunner"


class _Settings(BaseModel):
    """Immutable, spelt in camelCase in the configuration; an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_camel_case, hide_input_in_errors=True
    )


class Scope(_Settings):
    """A permission that a client may hold.

    Attributes:
        description: shown in the Cognito console.
        role: the Neo4j role that holders of the scope get.
    """

    # Source: cognito-idp ResourceServerScopeDescriptionType.
    description: Annotated[
        Text,
        _matching(
            r"(?=.*\S)[^\x00-\x1F\x7F-\x9F\u2028\u2029]+", "a description of one line", maximum=256
        ),
    ]
    # Source: "Manage roles" in the Neo4j Operations Manual.
    role: Annotated[
        Text,
        _matching(
            r"[A-Za-z][A-Za-z0-9_]*",
            "a Neo4j role: a letter, then letters, digits and underscores",
            maximum=128,
        ),
    ]


class Client(_Settings):
    """A program that calls the server: one app client with a secret of its own.

    Attributes:
        scopes: the scopes it may ask for, by their short names.
        token_validity_minutes: how long a token lives, in minutes.
    """

    # Source: cognito-idp ScopeListType.
    scopes: Annotated[
        tuple[Text, ...], Field(min_length=1, max_length=50), AfterValidator(_each_once)
    ]
    # Source: cognito-idp AccessTokenValidity: five minutes to one day.
    token_validity_minutes: Annotated[Whole, Field(ge=5, le=24 * 60)] = 60


class CustomDomain(_Settings):
    """A domain of one's own for the token endpoint.

    Attributes:
        name: the fully qualified domain name.
        certificate_arn: ARN of an ACM certificate for it, in us-east-1 as Cognito demands.
    """

    # Source: cognito-idp DomainType, for the length.
    name: Annotated[
        str,
        _matching(
            r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])",
            "a domain name in lower case, such as auth.example.com",
            maximum=63,
        ),
    ]
    # No other partition than aws has App Runner.
    certificate_arn: Annotated[
        str,
        _matching(
            r"arn:aws:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+",
            "the ARN of an ACM certificate in us-east-1, where Cognito looks for it",
            maximum=2048,
        ),
    ]


class HealthCheck(_Settings):
    """How the host sees whether an instance is well.

    Attributes:
        protocol: HTTP asks for the path; TCP only opens a connection.
        path: what HTTP asks for.
        interval: seconds between checks.
        timeout: seconds until a check has failed.
        healthy_threshold: checks in a row that make an instance healthy.
        unhealthy_threshold: checks in a row that make it unhealthy.
    """

    # Source: apprunner HealthCheckConfiguration.
    protocol: Literal["HTTP", "TCP"] = "HTTP"
    path: Annotated[str, _matching(r"/[!-~]*", "a path that begins with /", maximum=1024)] = (
        "/healthz"
    )
    interval: Annotated[Whole, Field(ge=1, le=20)] = 10
    timeout: Annotated[Whole, Field(ge=1, le=20)] = 5
    healthy_threshold: Annotated[Whole, Field(ge=1, le=20)] = 1
    unhealthy_threshold: Annotated[Whole, Field(ge=1, le=20)] = 5


class VpcConnection(_Settings):
    """Where the server's outgoing connections enter a VPC.

    Attributes:
        subnet_ids: subnets, best in several zones.
        security_group_ids: security groups of the connections.
    """

    subnet_ids: Annotated[
        tuple[
            Annotated[
                str, _matching(rf"subnet-{_HEX}", "a subnet id, subnet-…", maximum=_ID_LENGTH)
            ],
            ...,
        ],
        Field(min_length=1),
        AfterValidator(_each_once),
    ]
    security_group_ids: Annotated[
        tuple[
            Annotated[
                str, _matching(rf"sg-{_HEX}", "a security group id, sg-…", maximum=_ID_LENGTH)
            ],
            ...,
        ],
        Field(min_length=1),
        AfterValidator(_each_once),
    ]


class EndpointOverrides(_Settings):
    """Base URLs that stand in place of Cognito's public addresses.

    Attributes:
        cognito_idp: in place of ``https://cognito-idp.<region>.amazonaws.com`` in the discovery
            and key set URLs.
        cognito_domain: in place of the user pool's domain in the token URL.
    """

    cognito_idp: Url | None = None
    cognito_domain: Url | None = None


class StackSettings(_Settings):
    """The configuration of one stack; Pulumi.yaml says what each key means."""

    neo4j_uri: Annotated[str, AfterValidator(_neo4j_uri)]
    # Source: "Database names" in the Neo4j Operations Manual; Aura's may begin with a digit.
    neo4j_database: Annotated[
        str,
        _matching(
            r"[A-Za-z0-9][A-Za-z0-9.-]{2,}",
            "a database name: three or more letters, digits, dots and hyphens",
            maximum=63,
        ),
        AfterValidator(_no_system_database),
    ] = "neo4j"
    read_only: Truth = False
    name_prefix: Annotated[
        str,
        _matching(
            r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
            "lower-case letters, digits and hyphens between them",
            maximum=63,
        ),
    ] = "neo4j-mcp"
    # Source: cognito-idp ResourceServerIdentifierType.
    resource_server_identifier: Annotated[
        str,
        _matching(
            r"[\x21\x23-\x5B\x5D-\x7E]*[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]",
            'printable characters but spaces, " and \\, without a / at the end',
            maximum=256,
        ),
    ] = "neo4j-mcp"
    # Source: cognito-idp ResourceServerScopeListType.
    scopes: Annotated[dict[ScopeName, Scope], Field(min_length=1, max_length=100)] = Field(
        default_factory=lambda: {
            "reader": Scope(description="Read the graph", role="reader"),
            "writer": Scope(description="Read and write the graph", role="publisher"),
        }
    )
    clients: Annotated[dict[ClientName, Client], Field(min_length=1)]
    cognito_domain_prefix: Annotated[str | None, BeforeValidator(_empty_is_unset)] = None
    custom_domain: Annotated[CustomDomain | None, BeforeValidator(_empty_is_unset)] = None
    # Only these tiers run the trigger that gives a machine's token its claims.
    user_pool_tier: Literal["ESSENTIALS", "PLUS"] = "ESSENTIALS"
    hosting: Hosting = Hosting.APP_RUNNER
    cpu: Whole = 1024
    memory: Whole = 2048
    # Source: apprunner AutoScalingConfiguration.
    min_instances: Annotated[Whole, Field(ge=1, le=25)] = 1
    max_instances: Annotated[Whole, Field(ge=1, le=25)] = 3
    max_concurrency: Annotated[Whole, Field(ge=1, le=200)] = 50
    health_check: HealthCheck = HealthCheck()
    vpc_connector: Annotated[VpcConnection | None, BeforeValidator(_empty_is_unset)] = None
    allow_unauthenticated_ping: Truth = True
    allow_unauthenticated_tools_list: Truth = True
    server_version: Annotated[str, AfterValidator(_pinned_version)] = "1.6.1"
    # One image runs and the next one is on its way: fewer than two would delete what is in use.
    image_retention: Annotated[Whole, Field(ge=2, le=1000)] = 10
    log_level: Literal[
        "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"
    ] = "info"
    log_retention_days: Annotated[Whole, AfterValidator(_log_retention)] = 30
    schema_sample_size: Annotated[Whole, Field(ge=1, le=_LARGEST_SAMPLE)] = 100
    tracing: Truth = False
    tags: Annotated[
        dict[TagKey, TagValue],
        Field(max_length=_TAGS_PER_RESOURCE - len(RESERVED_TAGS)),
    ] = Field(default_factory=dict)
    deletion_protection: Truth = True
    secret_recovery_days: Annotated[Whole, AfterValidator(_recovery_days)] = 30
    retain_claims_log: Truth = True
    trusted_certificates: Annotated[str, AfterValidator(_certificates)] = ""
    endpoint_overrides: EndpointOverrides = EndpointOverrides()
