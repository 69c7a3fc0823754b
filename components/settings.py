"""StackSettings: the whole configuration of a stack, typed, with the rules of each value.

Each rule stands here with its source; what several values must keep together stands in
`components.conflicts`, and `components.configuration` reads the values and tells the problems.
Pure: no Pulumi.
"""

import enum
import re
import ssl
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

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

_PEM_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def _matching(pattern: str, says: str, *, maximum: int) -> AfterValidator:
    """Make a validator that tells a person what is wanted instead of a regular expression."""
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
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")  # noqa: TRY004  pydantic wants ValueError
    return value


def _empty_is_unset(value: object) -> object:
    # Pulumi demands a value for every key without a default, so "none" is an empty default.
    return None if value in ("", {}) else value


def _neo4j_uri(value: str) -> str:
    uri = urlsplit(value)
    if uri.username is not None or uri.password is not None:
        raise ValueError(
            "must hold no credentials: every request brings a token of its own "
            "(and change the password that stood here: it may be in the stack's history)"
        )
    if uri.scheme not in _NEO4J_SCHEMES:
        raise ValueError(
            f"must begin with {' or '.join(f'{scheme}://' for scheme in _NEO4J_SCHEMES)}, "
            "because tokens travel over it (for a private authority, set trustedCertificates)"
        )
    try:
        port_is_legal = uri.port is None or uri.port > 0
    except ValueError:
        port_is_legal = False
    if not uri.hostname or not re.fullmatch(r"[A-Za-z0-9._:-]+", uri.hostname) or not port_is_legal:
        raise ValueError("must name a host, with a port from 1 to 65535 or none")
    if uri.path not in {"", "/"} or uri.query or uri.fragment:
        raise ValueError("must end after the host and port; the database is neo4jDatabase")
    return value.rstrip("/")


def _base_url(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("must be an http:// or https:// URL")
    if url.username is not None or url.query or url.fragment:
        raise ValueError("must be a plain URL, without credentials, query or fragment")
    return value.rstrip("/")


def _certificates(value: str) -> str:
    if not value.strip():
        return ""
    certificates = _PEM_CERTIFICATE.findall(value)
    if not certificates or _PEM_CERTIFICATE.sub("", value).strip():
        raise ValueError("must be certificates in PEM form and nothing else")
    for certificate in certificates:
        try:
            ssl.PEM_cert_to_DER_cert(certificate)
        except ValueError as error:
            raise ValueError(f"holds a certificate that is no PEM: {error}") from error
    return value.strip() + "\n"


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


def _no_reserved_tag(tags: Mapping[str, str]) -> Mapping[str, str]:
    for tag in tags:
        if tag in RESERVED_TAGS:
            raise ValueError(f"must leave {tag} alone, which the program sets itself")
        if tag.lower().startswith("aws:"):
            raise ValueError(f"must not hold {tag}: AWS keeps aws: for itself")
    return tags


Truth = Annotated[bool, BeforeValidator(_truth)]
Whole = Annotated[int, BeforeValidator(_whole_number)]
Url = Annotated[str, AfterValidator(_base_url)]
# Narrower than Cognito's ResourceServerScopeNameType: the name also stands, quoted, in Neo4j's
# mapping of groups to roles, which ;, = and , take apart.
ScopeName = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9][A-Za-z0-9._:-]*",
        "a scope name: letters, digits and ._:- behind the first",
        maximum=256,
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
TagKey = Annotated[
    str, _matching(r"[\w .:/=+@-]+", "a tag key: letters, digits, spaces and .:/=+-@_", maximum=128)
]
TagValue = Annotated[
    str,
    _matching(r"[\w .:/=+@-]*", "a tag value: letters, digits, spaces and .:/=+-@_", maximum=256),
]


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


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
    description: Annotated[str, _matching(r".+", "a description of one line", maximum=256)]
    # Source: "Manage roles" in the Neo4j Operations Manual.
    role: Annotated[
        str,
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
        tuple[str, ...], Field(min_length=1, max_length=50), AfterValidator(_each_once)
    ]
    # Source: cognito-idp AccessTokenValidity: five minutes to one day.
    token_validity_minutes: Annotated[Whole, Field(ge=5, le=24 * 60)] = 60


class CustomDomain(_Settings):
    """A domain of one's own for the token endpoint.

    Attributes:
        name: the fully qualified domain name.
        certificate_arn: ARN of an ACM certificate for it, in us-east-1 as Cognito demands.
    """

    name: Annotated[
        str,
        _matching(
            r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
            "a domain name in lower case, such as auth.example.com",
            maximum=255,
        ),
    ]
    certificate_arn: Annotated[
        str,
        _matching(
            r"arn:aws[a-z-]*:acm:us-east-1:\d{12}:certificate/[\w-]+",
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
            Annotated[str, _matching(r"subnet-[0-9a-f]+", "a subnet id, subnet-…", maximum=32)], ...
        ],
        Field(min_length=1),
        AfterValidator(_each_once),
    ]
    security_group_ids: Annotated[
        tuple[
            Annotated[str, _matching(r"sg-[0-9a-f]+", "a security group id, sg-…", maximum=32)], ...
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
    schema_sample_size: Annotated[Whole, Field(ge=1)] = 100
    tracing: Truth = False
    tags: Annotated[
        dict[TagKey, TagValue],
        Field(max_length=_TAGS_PER_RESOURCE - len(RESERVED_TAGS)),
        AfterValidator(_no_reserved_tag),
    ] = Field(default_factory=dict)
    deletion_protection: Truth = True
    trusted_certificates: Annotated[str, AfterValidator(_certificates)] = ""
    endpoint_overrides: EndpointOverrides = EndpointOverrides()
