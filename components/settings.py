"""StackSettings: the configuration of a stack, each key with its type, rule, default and example.

The keys of one host only are in its package in `components.hosting`.

`components.rules` has the rules that need code, `components.conflicts` those that combine several
keys, and `components.configuration` reads the values and reports the problems. A value is refused
here rather than by AWS or the server half-way through a deployment. Pure: no Pulumi.

A key is declared here and in Pulumi.yaml, and a test compares the two. An example is given where
the default can't serve as one; error messages quote it in the command that fixes a value.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from components import rules
from components.rotation import Rotation
from components.rules import OneOf, Pattern

# Source: "Tag naming limits and requirements" of Tagging AWS Resources.
_TAGS_PER_RESOURCE = 50
RESERVED_TAGS = ("Project", "Stack", "ManagedBy")
"""The tags that the program itself sets."""

# Source: logs PutRetentionPolicy.
_RETENTION = OneOf(
    values=(
        *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
        *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
    ),
    unit="days",
)

# The server reads its sample size as a 32-bit number, and uses its default for any other.
_LARGEST_SAMPLE = 2**31 - 1

# Source: "Resource IDs" in the Amazon EC2 User Guide: eight hexadecimal digits, today seventeen.
_HEX = r"(?:[0-9a-f]{8}|[0-9a-f]{17})"
_ID_LENGTH = 32

NEXT_HOST = "nextHost"
"""The configuration key of the host that a stack moves to."""

_DOMAIN_NAME = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])"
# App Runner exists in no partition but aws.
_US_EAST_1_CERTIFICATE = r"arn:aws:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+"

# Narrower than Cognito's ResourceServerScopeNameType: the name is also quoted in Neo4j's mapping of
# groups to roles, where ;, = and , are separators.
# CloudWatch Logs takes the key's own ARN, not an alias.
# Source: AssociateKmsKey in the Amazon CloudWatch Logs API reference.
_KMS_KEY = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+"
_SCOPE_NAME = Pattern(
    regex=r"[A-Za-z0-9][A-Za-z0-9._:-]*",
    words="a scope name: letters, digits and, after the first, ._:-",
    maximum=256,
)


class ShellWord(str):
    """An example that the shell expands, and that must not be quoted again."""

    __slots__ = ()


def _matches(regex: str, words: str, *, maximum: int) -> AfterValidator:
    return AfterValidator(Pattern(regex=regex, words=words, maximum=maximum))


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def is_scope_name(text: str) -> bool:
    """Return whether a scope can have this short name."""
    return re.fullmatch(_SCOPE_NAME.regex, text) is not None


Boolean = Annotated[bool, BeforeValidator(rules.boolean)]
Whole = Annotated[int, BeforeValidator(rules.whole_number)]
Text = Annotated[str, BeforeValidator(rules.text)]
Number = Annotated[float, BeforeValidator(rules.positive_number)]
RotationDays = Annotated[Whole, AfterValidator(rules.rotation_days)]
# Thirty days: what a caller needs that is updated by hand once a month.
OverlapHours = Annotated[Whole, Ge(0), Le(30 * 24)]
Url = Annotated[str, AfterValidator(rules.base_url)]
ScopeName = Annotated[str, AfterValidator(_SCOPE_NAME)]
ClientName = Annotated[
    str,
    _matches(
        r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
        "a client name: lower-case letters, digits and hyphens between them",
        maximum=100,
    ),
]
SubscriberName = Annotated[
    str,
    _matches(
        r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
        "a subscriber's name: lower-case letters, digits and hyphens between them",
        maximum=100,
    ),
]
SubnetId = Annotated[str, _matches(rf"subnet-{_HEX}", "a subnet id, subnet-…", maximum=_ID_LENGTH)]
VpcId = Annotated[str, _matches(rf"vpc-{_HEX}", "a VPC id, vpc-…", maximum=_ID_LENGTH)]
SecurityGroupId = Annotated[
    str, _matches(rf"sg-{_HEX}", "a security group id, sg-…", maximum=_ID_LENGTH)
]
# Source: route53 ResourceId.
HostedZoneId = Annotated[
    str, _matches(r"Z[A-Z0-9]+", "the id of a Route 53 hosted zone, Z…", maximum=_ID_LENGTH)
]
# Narrower than the services' own rules in one way: no spaces at the ends, which nobody sees.
TagKey = Annotated[
    str,
    _matches(
        r"(?! )[\w .:/=+@-]+(?<! )",
        "a tag key: letters, digits, spaces between them and .:/=+-@_",
        maximum=128,
    ),
]
TagValue = Annotated[
    Text,
    _matches(r"[\w .:/=+@-]*", "a tag value: letters, digits, spaces and .:/=+-@_", maximum=256),
]


class Hosting(enum.StrEnum):
    """Where the server runs."""

    APP_RUNNER = "apprunner"
    LAMBDA = "lambda"
    FARGATE = "fargate"


class Settings(BaseModel):
    """Immutable, in camelCase in the configuration; an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_camel_case, hide_input_in_errors=True
    )


class HostSettings(Settings):
    """The configuration keys of one host; `components.hosting` has a subclass for each.

    Pulumi.yaml can't have a default for them, since each host has its own.
    """

    @classmethod
    def names_by_key(cls) -> Mapping[str, str]:
        """Return the names of the fields by key."""
        return fields_by_key(cls)


HostKeys = TypeVar("HostKeys", bound=HostSettings)


def fields_by_key(model: type[Settings]) -> Mapping[str, str]:
    """Return the names of a model's fields by configuration key."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


class Scope(Settings):
    """A permission that a client can have."""

    # Source: "Manage roles" in the Neo4j Operations Manual.
    role: Annotated[
        Text,
        _matches(
            r"[A-Za-z][A-Za-z0-9_]*",
            "a Neo4j role: a letter, then letters, digits and underscores",
            maximum=128,
        ),
        Field(description="The Neo4j role of the scope's holders.", examples=["reader"]),
    ]
    # Source: cognito-idp ResourceServerScopeDescriptionType.
    description: Annotated[
        Text,
        _matches(
            r"(?=.*\S)[^\x00-\x1F\x7F-\x9F\u2028\u2029]+", "a description of one line", maximum=256
        ),
        Field(description="Shown in the Cognito console.", examples=["Read the graph"]),
    ]


class Client(Settings):
    """A program that calls the server: one app client with its own secret."""

    # Source: cognito-idp ScopeListType.
    scopes: Annotated[
        tuple[Text, ...],
        Field(
            min_length=1,
            max_length=50,
            description="The scopes it may request, by their short names.",
            examples=[["reader"]],
        ),
        AfterValidator(rules.distinct),
    ]
    # Source: cognito-idp AccessTokenValidity: five minutes to one day.
    token_validity_minutes: Annotated[
        Whole, Field(ge=5, le=24 * 60, description="How long its tokens are valid, in minutes.")
    ] = 60
    rotation_days: Annotated[
        RotationDays | None,
        Field(description="Replaces the stack's rotationDays for this client.", examples=[30]),
    ] = None
    overlap_hours: Annotated[
        OverlapHours | None,
        Field(description="Replaces the stack's overlapHours for this client.", examples=[24]),
    ] = None
    enabled: Annotated[
        Boolean, Field(description="Whether Cognito issues tokens to it; false refuses them.")
    ] = True

    def rotation(self, *, days: int, overlap_hours: int) -> Rotation:
        """Return how the client's secret is rotated.

        Args:
            days: the stack's rotationDays.
            overlap_hours: the stack's overlapHours.
        """
        return Rotation(
            days=days if self.rotation_days is None else self.rotation_days,
            overlap_hours=overlap_hours if self.overlap_hours is None else self.overlap_hours,
        )


LogKeyArn = Annotated[
    # Source: logs KmsKeyId, for the length.
    str, _matches(_KMS_KEY, "the ARN of a KMS key, not of an alias", maximum=256)
]


class CustomDomain(Settings):
    """A custom domain of the token endpoint."""

    # Source: cognito-idp DomainType, for the length.
    name: Annotated[
        str,
        _matches(_DOMAIN_NAME, "a domain name in lower case, such as auth.example.com", maximum=63),
        Field(description="The fully qualified domain name.", examples=["auth.example.com"]),
    ]
    certificate_arn: Annotated[
        str,
        _matches(
            _US_EAST_1_CERTIFICATE,
            "the ARN of an ACM certificate in us-east-1, where Cognito looks for it",
            maximum=2048,
        ),
        Field(
            description="ARN of the domain's ACM certificate, in us-east-1 as Cognito demands.",
            examples=["arn:aws:acm:us-east-1:<account>:certificate/<id>"],
        ),
    ]


class EdgeDomain(Settings):
    """A custom domain of the edge."""

    # Source: RFC 1035, section 2.3.4, for the length.
    name: Annotated[
        str,
        _matches(_DOMAIN_NAME, "a domain name in lower case, such as mcp.example.com", maximum=253),
        Field(description="The fully qualified domain name.", examples=["mcp.example.com"]),
    ]
    certificate_arn: Annotated[
        str,
        _matches(
            _US_EAST_1_CERTIFICATE,
            "the ARN of an ACM certificate in us-east-1, where CloudFront looks for it",
            maximum=2048,
        ),
        Field(
            description="ARN of the domain's ACM certificate, in us-east-1 as CloudFront demands.",
            examples=["arn:aws:acm:us-east-1:<account>:certificate/<id>"],
        ),
    ]


class EndpointOverrides(Settings):
    """Base URLs that replace Cognito's public ones."""

    cognito_idp: Annotated[
        Url | None,
        Field(
            description=(
                "Replaces https://cognito-idp.<region>.amazonaws.com in the discovery and key set"
                " URLs."
            ),
            examples=["http://localhost:4566"],
        ),
    ] = None
    cognito_domain: Annotated[
        Url | None,
        Field(
            description="Replaces the user pool's domain in the token URL.",
            examples=["http://localhost:4566"],
        ),
    ] = None


class Subscription(Settings):
    """A receiver of the alarms' messages."""

    protocol: Annotated[
        Literal["email", "https", "sqs", "lambda"],
        Field(description="How messages are delivered.", examples=["email"]),
    ]
    # Source: "endpoint" of Subscribe in the Amazon SNS API reference.
    endpoint: Annotated[
        Text,
        Field(
            description="An e-mail address, a URL, or the ARN of a queue or a function.",
            examples=["oncall@example.com"],
        ),
    ]

    @model_validator(mode="after")
    def _endpoint_fits(self) -> "Subscription":
        rules.subscription_endpoint(self.protocol, self.endpoint)
        return self


class Monitoring(Settings):
    """Whether the stack has a canary, alarms and a dashboard, and who receives their messages."""

    enabled: Annotated[
        Boolean, Field(description="Adds the canary, the alarms, their topic and the dashboard.")
    ] = False
    subscriptions: Annotated[
        dict[SubscriberName, Subscription],
        Field(
            description="Receivers of messages, by name, each with protocol and endpoint.",
            examples=[{"oncall": {"protocol": "email", "endpoint": "oncall@example.com"}}],
        ),
    ] = Field(default_factory=dict)
    # A period of an alarm of less than an hour can't be longer.
    canary_minutes: Annotated[
        Whole, Field(ge=1, le=60, description="Minutes from one run of the canary to the next.")
    ] = 5
    canary_scope: Annotated[
        Text | None,
        Field(
            description=(
                "The scope of the canary's client. By default the first one with the role reader."
            ),
            examples=["reader"],
        ),
    ] = None
    thresholds: Annotated[
        dict[str, Number],
        Field(
            description="Thresholds that replace the defaults, by the alarms' keys.",
            examples=[{"high-latency": 20_000}],
        ),
    ] = Field(default_factory=dict)


CANARY: Final = "canary"
"""The name of the canary's client, which the program adds with monitoring."""

# Source: "Built-in roles" in the Neo4j Operations Manual: it reads the graph and nothing else.
_READER: Final = "reader"


def canary_scope(monitoring: Monitoring, scopes: Mapping[str, Scope]) -> str | None:
    """Return the canary's scope: the configured one, or else the first with the role reader.

    The canary reads a constant, so it needs no other right. Another role may also write.

    Returns:
        The scope's short name; None if it has to be configured.
    """
    if monitoring.canary_scope is not None:
        return monitoring.canary_scope
    return next((name for name, scope in scopes.items() if scope.role == _READER), None)


def with_canary(
    clients: Mapping[str, Client], monitoring: Monitoring, scopes: Mapping[str, Scope]
) -> Mapping[str, Client]:
    """Return the clients of a stack; the canary's is the first, and the last can be removed."""
    scope = canary_scope(monitoring, scopes) if monitoring.enabled else None
    return clients if scope is None else {CANARY: Client(scopes=(scope,)), **clients}


class NextHost(Settings):
    """The host that a stack moves to; in the configuration, it also has that host's own keys."""

    # The other keys are validated as that host's.
    model_config = ConfigDict(extra="allow")

    hosting: Annotated[
        Hosting,
        Field(description="Where the server runs next.", examples=["lambda"]),
    ]
    serving: Annotated[
        Boolean,
        Field(description="Whether callers use this host, rather than the stack's earlier one."),
    ] = False


class CommonSettings(Settings):
    """The configuration keys of every stack, whatever its host."""

    neo4j_uri: Annotated[
        str,
        AfterValidator(rules.neo4j_uri),
        Field(
            description=(
                "Address of the Neo4j database, neo4j+s://<host> or bolt+s://<host>. Without"
                " credentials: every request brings its own token."
            ),
            examples=["neo4j+s://<instance>.databases.neo4j.io"],
        ),
    ]
    # Source: "Database names" in the Neo4j Operations Manual; Aura's may begin with a digit.
    neo4j_database: Annotated[
        str,
        _matches(
            r"[A-Za-z0-9][A-Za-z0-9.-]{2,}",
            "a database name: three or more letters, digits, dots and hyphens",
            maximum=63,
        ),
        AfterValidator(rules.user_database),
        Field(description="Name of the database."),
    ] = "neo4j"
    read_only: Annotated[
        Boolean, Field(description="Disables write-cypher, whatever a token's role allows.")
    ] = False
    name_prefix: Annotated[
        str,
        _matches(
            r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
            "lower-case letters, digits and hyphens between them",
            maximum=63,
        ),
        Field(
            description=(
                "Prefix of every AWS name, <prefix>-<stack>-…, so that several environments fit in"
                " one account."
            )
        ),
    ] = "neo4j-mcp"
    # Source: cognito-idp ResourceServerIdentifierType.
    resource_server_identifier: Annotated[
        str,
        _matches(
            r"[\x21\x23-\x5B\x5D-\x7E]*[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]",
            'printable characters but spaces, " and \\, without a / at the end',
            maximum=256,
        ),
        Field(
            description=(
                "Identifier of the OAuth 2.0 resource server; the first part of full scope names."
            )
        ),
    ] = "neo4j-mcp"
    # Source: cognito-idp ResourceServerScopeListType.
    scopes: Annotated[
        dict[ScopeName, Scope],
        Field(
            min_length=1,
            max_length=100,
            description=(
                "The OAuth 2.0 scopes, by name. Each has a description and the Neo4j role of its"
                " holders. A stack that sets any scope replaces all the defaults."
            ),
        ),
    ] = Field(
        default_factory=lambda: {
            "reader": Scope(description="Read the graph", role="reader"),
            "writer": Scope(description="Read and write the graph", role="publisher"),
        }
    )
    clients: Annotated[
        dict[ClientName, Client],
        Field(
            min_length=1,
            description=(
                "The programs that may call the server, by name. Each has its scopes and,"
                " optionally, tokenValidityMinutes (5 to 1440, default 60), rotationDays and"
                " overlapHours (0 to 720) instead of the stack's, and enabled (false refuses it"
                " new tokens)."
            ),
            examples=[{"agent": {"scopes": ["reader"]}}],
        ),
    ]
    rotation_days: Annotated[
        RotationDays,
        Field(
            description=(
                "Days from one rotation of a client's secret to the next, 2 to 1000; 0 for never."
            )
        ),
    ] = 30
    overlap_hours: Annotated[
        OverlapHours,
        Field(
            description=(
                "Hours in which a client's replaced secret stays valid, 0 to 720. It has to end at"
                " least a day and an hour before the next rotation. A caller that keeps the secret"
                " must read it again within this time."
            )
        ),
    ] = 24
    cognito_domain_prefix: Annotated[
        str | None,
        BeforeValidator(rules.empty_is_unset),
        Field(
            description=(
                "Prefix of the token endpoint's hosted domain. Empty for one made from the names"
                " and a random suffix."
            ),
            examples=["my-own-prefix"],
        ),
    ] = None
    custom_domain: Annotated[
        CustomDomain | None,
        BeforeValidator(rules.empty_is_unset),
        Field(
            description=(
                "A custom domain for the token endpoint instead of the hosted one. It has name"
                " and certificateArn (ACM, us-east-1)."
            )
        ),
    ] = None
    # Only these tiers run the trigger that adds claims to a machine's token.
    user_pool_tier: Annotated[
        Literal["ESSENTIALS", "PLUS"],
        Field(description="Tier of the user pool, ESSENTIALS or PLUS."),
    ] = "ESSENTIALS"
    hosting: Annotated[
        Hosting,
        Field(
            description=(
                "Where the server runs: apprunner (AWS App Runner), fargate (AWS Fargate) or lambda"
                " (AWS Lambda)."
            )
        ),
    ] = Hosting.APP_RUNNER
    next_host: Annotated[
        NextHost | None,
        BeforeValidator(rules.empty_is_unset),
        Field(
            description=(
                "A second host, while the stack moves to it. It has hosting (apprunner, fargate or"
                " lambda), the keys of that host, and serving: false keeps callers on the first"
                " host, true sends them to the second one."
            )
        ),
    ] = None
    edge: Annotated[
        Boolean,
        Field(
            description=(
                "Adds an address, the output edgeUrl, at which MCP clients discover how to get a"
                " token. It is a CloudFront distribution in front of the host."
            )
        ),
    ] = False
    edge_domain: Annotated[
        EdgeDomain | None,
        BeforeValidator(rules.empty_is_unset),
        Field(
            description=(
                "A custom domain for the edge instead of CloudFront's own. It has name and"
                " certificateArn (ACM, us-east-1)."
            )
        ),
    ] = None
    edge_requests_per_ip: Annotated[
        Whole,
        AfterValidator(rules.edge_requests),
        Field(
            description=(
                "Requests that the edge accepts from one IP address in five minutes, 10 to"
                " 2000000000; 0 for no limit. A limit adds a web ACL, which costs a monthly fee."
            )
        ),
    ] = 0
    allow_unauthenticated_ping: Annotated[
        Boolean, Field(description="Answers MCP's ping without a token.")
    ] = True
    allow_unauthenticated_tools_list: Annotated[
        Boolean, Field(description="Answers tools/list without a token.")
    ] = True
    server_version: Annotated[
        str,
        AfterValidator(rules.pinned_version),
        Field(description="Version of the MCP server; one that server/releases.py pins."),
    ] = "1.6.1"
    log_level: Annotated[
        Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"],
        Field(
            description=(
                "The server's log level: debug, info, notice, warning, error, critical, alert or"
                " emergency. Up to info, the server logs the text of every query; up to error,"
                " the text of failed queries."
            )
        ),
    ] = "info"
    log_retention_days: Annotated[
        Whole,
        AfterValidator(_RETENTION),
        Field(
            description=(
                "Days that logs are kept; one of the numbers that CloudWatch offers. App Runner's"
                " own log groups follow it with monitoring, and with logKeyArn."
            )
        ),
    ] = 30
    access_logs: Annotated[
        Boolean,
        Field(
            description=(
                "Records each request that Fargate's load balancer and the edge receive, in log"
                " groups. App Runner and Lambda write no access log."
            )
        ),
    ] = False
    log_key_arn: Annotated[
        LogKeyArn | None,
        BeforeValidator(rules.empty_is_unset),
        Field(
            description=(
                "ARN of a KMS key that encrypts every log group of the stack, App Runner's"
                " included. It is in the stack's region, and its policy lets CloudWatch Logs use"
                " it."
            ),
            examples=["arn:aws:kms:<region>:<account>:key/<id>"],
        ),
    ] = None
    monitoring: Annotated[
        Monitoring,
        Field(
            description=(
                "The canary, the alarms and the dashboard. It has enabled (true adds them),"
                " subscriptions (receivers of messages, by name, each with protocol: email, https,"
                " sqs or lambda, and endpoint), canaryMinutes (1 to 60, default 5),"
                " canaryScope (the canary's scope; default: the first with the role reader) and"
                " thresholds (numbers by the alarms' keys, see docs/monitoring.md)."
            )
        ),
    ] = Monitoring()
    schema_sample_size: Annotated[
        Whole,
        Field(ge=1, le=_LARGEST_SAMPLE, description="How many nodes get-schema samples."),
    ] = 100
    tags: Annotated[
        dict[TagKey, TagValue],
        Field(
            max_length=_TAGS_PER_RESOURCE - len(RESERVED_TAGS),
            description="Tags of every resource, in addition to Project, Stack and ManagedBy.",
            examples=[{"Team": "<value>"}],
        ),
    ] = Field(default_factory=dict)
    deletion_protection: Annotated[
        Boolean,
        Field(
            description=(
                "Refuses to delete what can't be created again as it was. That is the user pool,"
                " its domain, resource server and app clients, the clients' secrets, the"
                " repository, the service, the edge and the permissions to invoke the functions. To"
                " remove a client or the stack, set it to false and deploy that first."
            )
        ),
    ] = True
    secret_recovery_days: Annotated[
        Whole,
        AfterValidator(rules.recovery_days),
        Field(
            description=(
                "Days in which a deleted client secret can be restored, 7 to 30; 0 deletes it at"
                " once."
            )
        ),
    ] = 30
    retain_claims_log: Annotated[
        Boolean,
        Field(
            description=(
                "Keeps the claims function's log group when the stack is destroyed. It records"
                " who got which token; its events expire after logRetentionDays."
            )
        ),
    ] = True
    trusted_certificates: Annotated[
        str,
        AfterValidator(rules.certificates),
        Field(
            description=(
                "More certificate authorities that the server trusts, in PEM form. For a Neo4j"
                " with a private certificate."
            ),
            examples=[ShellWord('"$(cat <file>.pem)"')],
        ),
    ] = ""
    endpoint_overrides: Annotated[
        EndpointOverrides,
        Field(
            description=(
                "Base URLs that replace Cognito's public ones. It has cognitoIdp, for the"
                " discovery and key set URLs, and cognitoDomain, for the token URL."
            )
        ),
    ] = EndpointOverrides()

    @property
    def all_clients(self) -> Mapping[str, Client]:
        """The configured clients and, with monitoring, the canary's, by name."""
        return with_canary(self.clients, self.monitoring, self.scopes)

    def rotation(self, client: str) -> Rotation:
        """Return how a client's secret is rotated."""
        return self.all_clients[client].rotation(
            days=self.rotation_days, overlap_hours=self.overlap_hours
        )


@dataclass(frozen=True, kw_only=True)
class OtherHost:
    """The host of a moving stack that callers don't use, because they will or did.

    Attributes:
        hosting: which host it is.
        host: its keys.
    """

    hosting: Hosting
    host: HostSettings


class StackSettings(CommonSettings):
    """The configuration of one stack.

    Attributes:
        hosting: the host that callers use, also where that is the next one.
        host: the keys of that host.
        other: the host that they don't use; None unless the stack moves.
    """

    host: HostSettings
    other: OtherHost | None = None

    @property
    def host_path(self) -> tuple[str, ...]:
        """The key that has the host's keys as parts; empty where they are keys of the stack."""
        following = self.next_host
        return (NEXT_HOST,) if following and following.hosting is self.hosting else ()

    def host_key(self, *path: str) -> str:
        """Return a part of the host's configuration as `pulumi config --path` spells it."""
        return ".".join((*self.host_path, *path))

    def on_other_host(self) -> "StackSettings":
        """Return the configuration as if callers used the other host.

        Raises:
            ValueError: the stack doesn't move, so it has no other host.
        """
        if self.other is None:
            raise ValueError("nextHost is not set, so there is only one host")
        serving = OtherHost(hosting=self.hosting, host=self.host)
        return self.model_copy(
            update={"hosting": self.other.hosting, "host": self.other.host, "other": serving}
        )

    def host_as(self, kind: type[HostKeys]) -> HostKeys:
        """Return the keys of the host that the caller is part of.

        Raises:
            TypeError: the stack has another host.
        """
        if not isinstance(self.host, kind):
            raise TypeError(f"hosting is {self.hosting}, which has no {kind.__name__}")
        return self.host
