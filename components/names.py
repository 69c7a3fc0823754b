"""The name of every AWS resource of a stack, and whether AWS accepts it. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

# Words that a hosted domain's prefix must not contain.
# Source: "Configuring a user pool domain" in the Amazon Cognito Developer Guide.
_RESERVED_IN_DOMAINS = ("aws", "amazon", "cognito")
SUFFIX_LENGTH = 8
"""The characters of a random suffix, for names that stay taken after a deletion."""
_SUFFIX = "0" * SUFFIX_LENGTH

_COGNITO_NAME = r"[\w\s+=,.@-]+"
_COGNITO_CHARACTERS = "letters, digits, spaces and +=,.@-_"
_APP_RUNNER_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_APP_RUNNER_CHARACTERS = "letters, digits, - and _"
_ECS_NAME = r"[A-Za-z0-9_-]+"
_ECS_CHARACTERS = "letters, digits, - and _"


@dataclass(frozen=True, kw_only=True)
class NameRule:
    """What an AWS service accepts as a name.

    Attributes:
        shape: the service and the shape in its API reference, such as ``iam roleNameType``.
        kind: what is named.
        regex: the pattern of a whole name.
        characters: the pattern in words.
        minimum: the shortest name, in characters.
        maximum: the longest name, in characters.
    """

    shape: str
    kind: str
    regex: str
    characters: str
    minimum: int = 1
    maximum: int

    def problem(self, name: str) -> str | None:
        """Return what is wrong with a name, as the end of a sentence; None for a legal name."""
        if len(name) > self.maximum:
            return (
                f"makes the {self.kind} {name!r} {len(name)} characters long; "
                f"AWS accepts at most {self.maximum}"
            )
        if len(name) < self.minimum or not re.fullmatch(self.regex, name, re.ASCII):
            return f"makes the invalid {self.kind} {name!r}; AWS accepts {self.characters}"
        return None


REPOSITORY: Final = NameRule(
    shape="ecr RepositoryName",
    kind="ECR repository name",
    regex=r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*",
    characters="lower-case letters, digits and single separators between them",
    minimum=2,
    maximum=256,
)
ROLE: Final = NameRule(
    shape="iam roleNameType",
    kind="IAM role name",
    regex=r"[\w+=,.@-]+",
    characters="letters, digits and _+=,.@-",
    maximum=64,
)
FUNCTION: Final = NameRule(
    # The shape allows a whole ARN; Lambda's documentation says 64 characters for the name.
    shape="lambda FunctionName",
    kind="Lambda function name",
    regex=r"[a-zA-Z0-9_-]+",
    characters="letters, digits, - and _",
    maximum=64,
)
LOG_GROUP: Final = NameRule(
    shape="logs LogGroupName",
    kind="log group name",
    regex=r"[.\-_/#A-Za-z0-9]+",
    characters="letters, digits and .-_/#",
    maximum=512,
)
RULE: Final = NameRule(
    shape="events RuleName",
    kind="EventBridge rule name",
    regex=r"[._A-Za-z0-9-]+",
    characters="letters, digits and ._-",
    maximum=64,
)
LOG_DELIVERY: Final = NameRule(
    # Of the source; a destination's has the same rule.
    shape="logs DeliverySourceName",
    kind="log delivery name",
    regex=r"[\w-]+",
    characters="letters, digits, - and _",
    maximum=60,
)
MUTE_RULE: Final = NameRule(
    shape="cloudwatch Name",
    kind="alarm mute rule name",
    regex=r".+",
    characters="any characters",
    maximum=255,
)
USER_POOL: Final = NameRule(
    shape="cognito-idp UserPoolNameType",
    kind="user pool name",
    regex=_COGNITO_NAME,
    characters=_COGNITO_CHARACTERS,
    maximum=128,
)
RESOURCE_SERVER: Final = NameRule(
    shape="cognito-idp ResourceServerNameType",
    kind="resource server name",
    regex=_COGNITO_NAME,
    characters=_COGNITO_CHARACTERS,
    maximum=256,
)
APP_CLIENT: Final = NameRule(
    shape="cognito-idp ClientNameType",
    kind="app client name",
    regex=_COGNITO_NAME,
    characters=_COGNITO_CHARACTERS,
    maximum=128,
)
SECRET: Final = NameRule(
    shape="secretsmanager NameType",
    kind="secret name",
    regex=r"[A-Za-z0-9/_+=.@-]+",
    characters="letters, digits and /_+=.@-",
    maximum=512,
)
SERVICE: Final = NameRule(
    shape="apprunner ServiceName",
    kind="App Runner service name",
    regex=_APP_RUNNER_NAME,
    characters=_APP_RUNNER_CHARACTERS,
    minimum=4,
    maximum=40,
)
AUTO_SCALING: Final = NameRule(
    shape="apprunner AutoScalingConfigurationName",
    kind="App Runner auto-scaling configuration name",
    regex=_APP_RUNNER_NAME,
    characters=_APP_RUNNER_CHARACTERS,
    minimum=4,
    maximum=32,
)
OBSERVABILITY: Final = NameRule(
    shape="apprunner ObservabilityConfigurationName",
    kind="App Runner observability configuration name",
    regex=_APP_RUNNER_NAME,
    characters=_APP_RUNNER_CHARACTERS,
    minimum=4,
    maximum=32,
)
VPC_CONNECTOR: Final = NameRule(
    shape="apprunner VpcConnectorName",
    kind="VPC connector name",
    regex=_APP_RUNNER_NAME,
    characters=_APP_RUNNER_CHARACTERS,
    minimum=4,
    maximum=40,
)
CLUSTER: Final = NameRule(
    # Source: CreateCluster in the Amazon ECS API reference; the model has no pattern.
    shape="ecs CreateClusterRequest",
    kind="ECS cluster name",
    regex=_ECS_NAME,
    characters=_ECS_CHARACTERS,
    maximum=255,
)
CONTAINER_SERVICE: Final = NameRule(
    shape="ecs CreateServiceRequest",
    kind="ECS service name",
    regex=_ECS_NAME,
    characters=_ECS_CHARACTERS,
    maximum=255,
)
TASK_FAMILY: Final = NameRule(
    shape="ecs RegisterTaskDefinitionRequest",
    kind="task definition family",
    regex=_ECS_NAME,
    characters=_ECS_CHARACTERS,
    maximum=255,
)
LOAD_BALANCER: Final = NameRule(
    # Source: CreateLoadBalancer and CreateTargetGroup in the Elastic Load Balancing API reference.
    shape="elbv2 LoadBalancerName",
    kind="load balancer name",
    regex=r"(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?",
    characters="letters, digits and hyphens between them, not internal- at the beginning",
    maximum=32,
)
SECURITY_GROUP: Final = NameRule(
    # Source: CreateSecurityGroup in the Amazon EC2 API reference; the model has no pattern.
    shape="ec2 CreateSecurityGroupRequest",
    kind="security group name",
    regex=r"(?!sg-)[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]+",
    characters="letters, digits and .-_:/()#,@[]+=&;{}!$*, not sg- at the beginning",
    maximum=255,
)
TOPIC: Final = NameRule(
    # Source: CreateTopic in the Amazon SNS API reference; the model has no pattern.
    shape="sns topicName",
    kind="SNS topic name",
    regex=r"[A-Za-z0-9_-]+",
    characters="letters, digits, - and _",
    maximum=256,
)
ALARM: Final = NameRule(
    shape="cloudwatch AlarmName",
    kind="alarm name",
    regex=r"[ -~]+",
    characters="printable characters",
    maximum=255,
)
DASHBOARD: Final = NameRule(
    # Source: PutDashboard in the Amazon CloudWatch API reference; the model has no pattern.
    shape="cloudwatch DashboardName",
    kind="dashboard name",
    regex=r"[A-Za-z0-9_-]+",
    characters="letters, digits, - and _",
    maximum=255,
)
METRIC_FILTER: Final = NameRule(
    shape="logs FilterName",
    kind="metric filter name",
    regex=r"[^:*]+",
    characters="any characters but : and *",
    maximum=512,
)
EDGE_FUNCTION: Final = NameRule(
    shape="cloudfront FunctionName",
    kind="CloudFront function name",
    regex=r"[a-zA-Z0-9_-]+",
    characters="letters, digits, - and _",
    maximum=64,
)
WEB_ACL: Final = NameRule(
    shape="wafv2 EntityName",
    kind="web ACL name",
    regex=r"[\w-]+",
    characters="letters, digits, - and _",
    maximum=128,
)
DOMAIN: Final = NameRule(
    shape="cognito-idp DomainType",
    kind="Cognito domain prefix",
    regex=r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
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
        """The claims function's log group, without its random suffix."""
        return f"/aws/lambda/{self.claims_function}-"

    @property
    def rotation_function(self) -> str:
        """The Lambda function that writes and rotates the clients' secrets, and its role."""
        return self._name("rotation")

    @property
    def rotation_log_stem(self) -> str:
        """The rotation function's log group, without its random suffix."""
        return f"/aws/lambda/{self.rotation_function}-"

    @property
    def log_function(self) -> str:
        """The Lambda function that configures App Runner's log groups, and its role."""
        return self._name("logs")

    @property
    def log_function_log_stem(self) -> str:
        """The log function's own log group, without its random suffix."""
        return f"/aws/lambda/{self.log_function}-"

    @property
    def retirement_rule(self) -> str:
        """The rule that has replaced client secrets deleted."""
        return self._name("retirement")

    @property
    def mute_rule(self) -> str:
        """The rule that mutes the alarms during a deployment."""
        return self._name("deployment")

    @property
    def canary_function(self) -> str:
        """The Lambda function that calls the server as a caller does, and its role."""
        return self._name("canary")

    @property
    def canary_log_stem(self) -> str:
        """The canary's log group, without its random suffix."""
        return f"/aws/lambda/{self.canary_function}-"

    @property
    def canary_rule(self) -> str:
        """The rule that runs the canary."""
        return self._name("canary")

    @property
    def alarm_topic(self) -> str:
        """The topic that the alarms notify."""
        return self._name("alarms")

    @property
    def failed_deployment_rule(self) -> str:
        """The rule that finds the host's events of failed deployments."""
        return self._name("deployment-failed")

    @property
    def dashboard(self) -> str:
        """The dashboard."""
        return self._name("monitoring")

    @property
    def failed_calls_filter(self) -> str:
        """The metric filter that counts failed tool calls."""
        return self._name("failed-tool-calls")

    @property
    def tokens_filter(self) -> str:
        """The metric filter that counts the tokens of each client."""
        return self._name("tokens-issued")

    def alarm(self, key: str) -> str:
        """Return the name of an alarm."""
        return self._name(key)

    @property
    def edge_function(self) -> str:
        """The edge's CloudFront function."""
        return self._name("edge")

    @property
    def edge_web_acl(self) -> str:
        """The edge's web ACL."""
        return self._name("edge")

    @property
    def edge_log_delivery(self) -> str:
        """The delivery of the edge's access log."""
        return self._name("edge")

    @property
    def edge_log_stem(self) -> str:
        """The log group of the edge's access log, without its random suffix."""
        return f"/aws/vendedlogs/{self.edge_log_delivery}-"

    def edge_vpc_origin(self, load_balancer_arn: str) -> str:
        """Return the name of the edge's way to a load balancer in a VPC: one for each."""
        return f"{self._name('edge')}-{load_balancer_arn.rpartition('/')[2]}"

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
        """The VPC connector's name, without the hash of its content."""
        return self._name("egress")

    def vpc_connector(self, *, subnets: Iterable[str], security_groups: Iterable[str]) -> str:
        """Return a name with a hash of the connector's content.

        App Runner allows one connector per name and doesn't delete one that a service uses, so a
        changed connector is created under a new name before the service leaves the old one. The
        order of the ids doesn't matter.
        """
        content = json.dumps([sorted(subnets), sorted(security_groups)])
        return f"{self.vpc_connector_stem}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"

    @property
    def cluster(self) -> str:
        """The ECS cluster."""
        return self._name("server")

    @property
    def container_service(self) -> str:
        """The ECS service."""
        return self._name("server")

    @property
    def task_family(self) -> str:
        """The family of the task definitions."""
        return self._name("server")

    @property
    def task_log_stem(self) -> str:
        """The tasks' log group, without its random suffix."""
        return f"/ecs/{self.container_service}-"

    @property
    def task_execution_role(self) -> str:
        """The role that pulls the tasks' image and writes their log."""
        return self._name("task-execution")

    @property
    def task_role(self) -> str:
        """The role that the tasks run as."""
        return self._name("task")

    @property
    def load_balancer_stem(self) -> str:
        """The load balancer's and its target group's name, without the hash."""
        return self._name("")

    def load_balancer(self, *, vpc_id: str, internal: bool) -> str:
        """Return the name of a load balancer and of its target group.

        Neither can change what the hash is made of, and a target group belongs to one load
        balancer. So both are replaced, new ones first, under new names.
        """
        content = json.dumps([vpc_id, internal])
        return f"{self.load_balancer_stem}{hashlib.sha256(content.encode()).hexdigest()[:7]}"

    @property
    def load_balancer_log_delivery(self) -> str:
        """The delivery of the load balancer's access log."""
        return self._name("load-balancer")

    @property
    def load_balancer_log_stem(self) -> str:
        """The log group of the load balancer's access log, without its random suffix."""
        return f"/aws/vendedlogs/{self.load_balancer_log_delivery}-"

    @property
    def load_balancer_security_group(self) -> str:
        """The load balancer's security group."""
        return self._name("load-balancer")

    @property
    def task_security_group(self) -> str:
        """The tasks' security group."""
        return self._name("tasks")

    @property
    def server_function(self) -> str:
        """The Lambda function that runs the server, and its role."""
        return self._name("function")

    @property
    def server_log_stem(self) -> str:
        """The server function's log group, without its random suffix."""
        return f"/aws/lambda/{self.server_function}-"

    @property
    def domain_stem(self) -> str:
        """The hosted domain's prefix, without its random suffix."""
        return self._name("")

    @property
    def service_dimension(self) -> str:
        """What the stack's own metrics name it."""
        return f"{self.prefix}-{self.stack}"

    def app_client(self, client: str) -> str:
        """Return the name of a configured client's app client."""
        return self._name(client)

    def secret(self, client: str) -> str:
        """Return the name of a configured client's secret, without its random suffix.

        The suffix is longer than six characters, because Secrets Manager appends a hyphen and six
        characters to the name in the ARN, and advises against names that look like that.
        """
        return self._name(f"{client}-credentials")

    def default_domain_problem(self) -> str | None:
        """Return why the names make no hosted domain prefix; None where they make one."""
        return domain_prefix_problem(self.domain_stem + _SUFFIX)

    def checked(self, clients: Iterable[str]) -> Iterator[tuple[NameRule, str]]:
        """Return the names that a stack has on every host, with the rule that each must follow.

        Args:
            clients: the names of the configured clients.
        """
        yield USER_POOL, self.user_pool
        yield RESOURCE_SERVER, self.resource_server
        yield FUNCTION, self.claims_function
        yield LOG_GROUP, self.claims_log_stem + _SUFFIX
        yield ROLE, self.claims_function
        yield FUNCTION, self.rotation_function
        yield LOG_GROUP, self.rotation_log_stem + _SUFFIX
        yield ROLE, self.rotation_function
        yield RULE, self.retirement_rule
        yield MUTE_RULE, self.mute_rule
        yield FUNCTION, self.canary_function
        yield LOG_GROUP, self.canary_log_stem + _SUFFIX
        yield ROLE, self.canary_function
        yield RULE, self.canary_rule
        yield TOPIC, self.alarm_topic
        yield RULE, self.failed_deployment_rule
        yield DASHBOARD, self.dashboard
        yield METRIC_FILTER, self.failed_calls_filter
        yield METRIC_FILTER, self.tokens_filter
        # The longest key.
        yield ALARM, self.alarm("instances-at-maximum")
        yield EDGE_FUNCTION, self.edge_function
        yield WEB_ACL, self.edge_web_acl
        yield LOG_DELIVERY, self.edge_log_delivery
        yield LOG_GROUP, self.edge_log_stem + _SUFFIX
        for client in clients:
            yield ALARM, self.alarm(f"token-runaway-{client}")
            yield APP_CLIENT, self.app_client(client)
            yield SECRET, f"{self.secret(client)}-{_SUFFIX}"

    def _name(self, purpose: str) -> str:
        return f"{self.prefix}-{self.stack}-{purpose}"


def name_problems(checked: Iterable[tuple[NameRule, str]]) -> Iterator[str]:
    """Find the names that AWS would refuse.

    Args:
        checked: names in their full length, each with its rule.

    Yields:
        The end of a sentence that begins with the prefix and the stack's name.
    """
    for rule, name in checked:
        problem = rule.problem(name)
        if problem:
            yield problem


def domain_prefix_problem(prefix: str) -> str | None:
    """Return why Cognito would refuse the prefix of a hosted domain; None for a legal one."""
    reserved = next((word for word in _RESERVED_IN_DOMAINS if word in prefix.lower()), None)
    if reserved:
        return (
            f"makes the Cognito domain prefix {prefix!r}, and Cognito accepts none with "
            f"{reserved!r}"
        )
    return DOMAIN.problem(prefix)
