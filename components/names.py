"""The name of every AWS resource of a stack, and whether AWS takes it. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Words that a hosted domain's prefix may not contain.
# Source: "Configuring a user pool domain" in the Amazon Cognito Developer Guide.
_RESERVED_IN_DOMAINS = ("aws", "amazon", "cognito")
SUFFIX_LENGTH = 8
"""The characters of a random suffix, for names that stay taken after a deletion."""
_SUFFIX = "0" * SUFFIX_LENGTH


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """What one AWS service takes as a name: the shape's pattern and length in its API."""

    kind: str
    pattern: re.Pattern[str]
    characters: str
    maximum: int
    minimum: int = 1

    def problem(self, name: str) -> str | None:
        """Say what is wrong with a name, or None."""
        if len(name) > self.maximum:
            return (
                f"makes the {self.kind} {name!r} {len(name)} characters long; "
                f"AWS takes at most {self.maximum}"
            )
        if len(name) < self.minimum or not self.pattern.fullmatch(name):
            return f"makes the illegal {self.kind} {name!r}; AWS takes {self.characters}"
        return None


# Source: the API references' shapes, named beside each rule.
_REPOSITORY = _Rule(  # ecr RepositoryName
    kind="ECR repository name",
    pattern=re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"),
    characters="lower-case letters, digits and single separators between them",
    minimum=2,
    maximum=256,
)
_ROLE = _Rule(  # iam roleNameType
    kind="IAM role name",
    pattern=re.compile(r"[\w+=,.@-]+", re.ASCII),
    characters="letters, digits and _+=,.@-",
    maximum=64,
)
_FUNCTION = _Rule(  # lambda FunctionName, and its documentation's 64 characters
    kind="Lambda function name",
    pattern=re.compile(r"[a-zA-Z0-9_-]+"),
    characters="letters, digits, - and _",
    maximum=64,
)
_LOG_GROUP = _Rule(  # logs LogGroupName
    kind="log group name",
    pattern=re.compile(r"[.\-_/#A-Za-z0-9]+"),
    characters="letters, digits and .-_/#",
    maximum=512,
)
_USER_POOL = _Rule(  # cognito-idp UserPoolNameType
    kind="user pool name",
    pattern=re.compile(r"[\w\s+=,.@-]+", re.ASCII),
    characters="letters, digits and +=,.@-",
    maximum=128,
)
_RESOURCE_SERVER = _Rule(  # cognito-idp ResourceServerNameType
    kind="resource server name",
    pattern=_USER_POOL.pattern,
    characters=_USER_POOL.characters,
    maximum=256,
)
_APP_CLIENT = _Rule(  # cognito-idp ClientNameType
    kind="app client name",
    pattern=_USER_POOL.pattern,
    characters=_USER_POOL.characters,
    maximum=128,
)
_SECRET = _Rule(  # secretsmanager CreateSecretRequest$Name
    kind="secret name",
    pattern=re.compile(r"[A-Za-z0-9/_+=.@-]+"),
    characters="letters, digits and /_+=.@-",
    maximum=512,
)
_SERVICE = _Rule(  # apprunner ServiceName
    kind="App Runner service name",
    pattern=re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*"),
    characters="letters, digits, - and _",
    minimum=4,
    maximum=40,
)
_CONFIGURATION = _Rule(  # apprunner AutoScalingConfigurationName, ObservabilityConfigurationName
    kind="App Runner configuration name",
    pattern=_SERVICE.pattern,
    characters=_SERVICE.characters,
    minimum=4,
    maximum=32,
)
_VPC_CONNECTOR = _Rule(  # apprunner VpcConnectorName
    kind="VPC connector name",
    pattern=_SERVICE.pattern,
    characters=_SERVICE.characters,
    minimum=4,
    maximum=40,
)
_DOMAIN = _Rule(  # cognito-idp DomainType
    kind="Cognito domain prefix",
    pattern=re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"),
    characters="lower-case letters, digits and hyphens between them",
    maximum=63,
)


@dataclass(frozen=True, kw_only=True)
class ResourceNames:
    """The physical names of a stack's resources, all of them ``<prefix>-<stack>-…``.

    Attributes:
        prefix: the configured prefix.
        stack: the stack's name.
    """

    prefix: str
    stack: str

    @property
    def repository(self) -> str:
        """The ECR repository of the server's image."""
        return self._name("server")

    @property
    def user_pool(self) -> str:
        """The Cognito user pool."""
        return self._name("clients")

    @property
    def resource_server(self) -> str:
        """The resource server's display name; its identifier is configuration."""
        return self._name("neo4j")

    @property
    def claims_function(self) -> str:
        """The Lambda function that writes the claims, and its role."""
        return self._name("claims")

    @property
    def claims_log_stem(self) -> str:
        """The claims function's log group without its random suffix."""
        return f"/aws/lambda/{self.claims_function}-"

    @property
    def service(self) -> str:
        """The running service."""
        return self._name("server")

    @property
    def access_role(self) -> str:
        """The role that pulls the image."""
        return self._name("image-pull")

    @property
    def instance_role(self) -> str:
        """The role that the server runs as."""
        return self._name("instance")

    @property
    def auto_scaling(self) -> str:
        """The auto-scaling configuration."""
        return self._name("scaling")

    @property
    def observability(self) -> str:
        """The observability configuration."""
        return self._name("tracing")

    @property
    def vpc_connector_stem(self) -> str:
        """The VPC connector's name without what is made of its content."""
        return self._name("egress")

    def vpc_connector(self, *, subnets: Iterable[str], security_groups: Iterable[str]) -> str:
        """Name the VPC connector after its content, as another content needs another connector.

        App Runner allows one connector per name and doesn't delete one that a service uses, so a
        changed connector is created under a new name before the service leaves the old one.

        Args:
            subnets: ids of its subnets, in any order.
            security_groups: ids of its security groups, in any order.
        """
        content = json.dumps([sorted(subnets), sorted(security_groups)])
        return f"{self.vpc_connector_stem}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"

    @property
    def domain_stem(self) -> str:
        """The hosted domain's prefix without its random end."""
        return self._name("")

    def app_client(self, client: str) -> str:
        """The app client of a configured client.

        Args:
            client: the client's name in the configuration.
        """
        return self._name(client)

    def secret(self, client: str) -> str:
        """The secret of a configured client, without its random suffix.

        The suffix is longer than six characters, because Secrets Manager appends a hyphen and six
        characters to the name in the ARN and advises against names that look like that.

        Args:
            client: the client's name in the configuration.
        """
        return self._name(f"{client}-credentials")

    def problems(self, clients: Iterable[str]) -> Iterator[str]:
        """Find the names that AWS would refuse.

        Args:
            clients: the names of the configured clients.

        Yields:
            For each illegal name a half-sentence, to follow the prefix and the stack's name.
        """
        for rule, name in self._rules(clients):
            problem = rule.problem(name)
            if problem:
                yield problem

    def default_domain_problem(self) -> str | None:
        """Say why the names make no hosted domain prefix.

        Returns:
            A half-sentence, to follow the prefix and the stack's name; None where they make one.
        """
        return domain_prefix_problem(self.domain_stem + _SUFFIX)

    def _rules(self, clients: Iterable[str]) -> Iterator[tuple[_Rule, str]]:
        yield _REPOSITORY, self.repository
        yield _USER_POOL, self.user_pool
        yield _RESOURCE_SERVER, self.resource_server
        yield _FUNCTION, self.claims_function
        yield _LOG_GROUP, self.claims_log_stem + _SUFFIX
        yield from ((_ROLE, role) for role in (self.claims_function, self.access_role))
        yield _ROLE, self.instance_role
        yield _SERVICE, self.service
        yield from ((_CONFIGURATION, name) for name in (self.auto_scaling, self.observability))
        yield _VPC_CONNECTOR, self.vpc_connector(subnets=(), security_groups=())
        for client in clients:
            yield _APP_CLIENT, self.app_client(client)
            yield _SECRET, f"{self.secret(client)}-{_SUFFIX}"

    def _name(self, purpose: str) -> str:
        return f"{self.prefix}-{self.stack}-{purpose}"


def domain_prefix_problem(prefix: str) -> str | None:
    """Say why Cognito would refuse the prefix of a hosted domain.

    Args:
        prefix: the whole prefix.

    Returns:
        A half-sentence; None for a legal prefix.
    """
    reserved = next((word for word in _RESERVED_IN_DOMAINS if word in prefix.lower()), None)
    if reserved:
        return (
            f"makes the Cognito domain prefix {prefix!r}, and Cognito takes none with {reserved!r}"
        )
    return _DOMAIN.problem(prefix)
