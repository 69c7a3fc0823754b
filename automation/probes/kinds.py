"""The kinds of resources that probes create: how each is found by its name, and removed."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

PREFIX: Final = "neo4j-mcp-probe-"
"""Every name of a resource that a probe creates starts with this."""
NAMESPACE: Final = "neo4j-mcp-probe"
"""The namespace of a probe's metrics, which can't be removed."""
TAG: Final = ("CreatedBy", "neo4j-mcp-probe")
"""The tag of those resources for which IAM can't compare a name."""

_NAME: Final = re.compile(rf"{PREFIX}[0-9a-f]{{8}}(-.*)?")
_GONE: Final = frozenset(
    {
        "ClientException",
        "ClusterNotFoundException",
        "InvalidGroup.NotFound",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "RepositoryNotFoundException",
        "ResourceNotFound",
        "ResourceNotFoundException",
    }
)
"""The codes for a resource that doesn't exist."""
_LATER: Final = frozenset(
    {"ConcurrentModificationException", "DependencyViolation", "ResourceConflictException"}
)
"""The codes for a resource that can be removed a little later."""
_ATTEMPTS: Final = 20
_SECONDS_BETWEEN: Final = 3.0

Sleep = Callable[[float], object]


def is_probes(name: str) -> bool:
    """Return whether a resource's name is one that a probe chose.

    The names of a stack that is called `probe` start in the same way.
    """
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of resource.

    Attributes:
        title: what it is, for messages.
        service: the AWS service that has it, as boto3 names it.
        find: yields the ids of those that probes have created, given the service's client.
        delete: deletes one by its id, given the service's client.
    """

    title: str
    service: str
    find: Callable[[Any], Iterable[str]]
    delete: Callable[[Any, str], object]

    def remove(self, client: Any, resource: str, sleep: Sleep = time.sleep) -> None:  # noqa: ANN401 - boto3's
        """Delete a resource, also if something still uses it for a minute, or if it is gone.

        Raises:
            ClientError: AWS refuses.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self.delete(client, resource)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in _GONE:
                    return
                if code not in _LATER or attempt == _ATTEMPTS - 1:
                    raise
                sleep(_SECONDS_BETWEEN)
            else:
                return


def _pages(client: Any, operation: str, key: str, **parameters: Any) -> Iterator[Any]:  # noqa: ANN401 - boto3's
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page[key]


def _named(operation: str, key: str, name: str, identity: str = "") -> Callable[[Any], Any]:
    """Return a function that lists resources, and yields those with a probe's name.

    Args:
        operation: the operation that lists all.
        key: its result.
        name: the member with the name.
        identity: the member with the id, if it isn't the name.
    """

    def find(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
        for each in _pages(client, operation, key):
            if is_probes(str(each[name]).rpartition(":")[2]):
                yield str(each[identity or name])

    return find


def _delete_user_pool(client: Any, pool: str) -> None:  # noqa: ANN401 - boto3's
    # A domain keeps its pool from being deleted.
    domain = client.describe_user_pool(UserPoolId=pool)["UserPool"].get("Domain")
    if domain:
        client.delete_user_pool_domain(UserPoolId=pool, Domain=domain)
    client.delete_user_pool(UserPoolId=pool)


def _find_user_pools(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
    for each in _pages(client, "list_user_pools", "UserPools", MaxResults=60):
        if is_probes(each["Name"]):
            yield each["Id"]


def _find_secrets(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
    filters = [{"Key": "name", "Values": [PREFIX]}]
    for each in _pages(
        client, "list_secrets", "SecretList", Filters=filters, IncludePlannedDeletion=True
    ):
        if is_probes(each["Name"]):
            yield each["ARN"]


def _find_log_groups(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
    for prefix in (PREFIX, f"/aws/lambda/{PREFIX}"):
        for each in _pages(client, "describe_log_groups", "logGroups", logGroupNamePrefix=prefix):
            if is_probes(each["logGroupName"].removeprefix("/aws/lambda/")):
                yield each["logGroupName"]


def _find_alarms(kind: str) -> Callable[[Any], Iterator[str]]:
    def find(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
        for page in client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=PREFIX, AlarmTypes=[kind]
        ):
            for each in page[f"{kind}s"]:
                if is_probes(each["AlarmName"]):
                    yield each["AlarmName"]

    return find


def _find_rules(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
    for each in client.list_rules(NamePrefix=PREFIX)["Rules"]:
        if is_probes(each["Name"]):
            yield each["Name"]


def _delete_rule(client: Any, rule: str) -> None:  # noqa: ANN401 - boto3's
    targets = client.list_targets_by_rule(Rule=rule)["Targets"]
    if targets:
        client.remove_targets(Rule=rule, Ids=[each["Id"] for each in targets])
    client.delete_rule(Name=rule)


def _delete_role(client: Any, role: str) -> None:  # noqa: ANN401 - boto3's
    for policy in client.list_role_policies(RoleName=role)["PolicyNames"]:
        client.delete_role_policy(RoleName=role, PolicyName=policy)
    client.delete_role(RoleName=role)


def _find_auto_scaling(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
    listed = client.list_auto_scaling_configurations()
    for each in listed["AutoScalingConfigurationSummaryList"]:
        if is_probes(each["AutoScalingConfigurationName"]):
            yield each["AutoScalingConfigurationArn"]


def _find_vpc_connectors(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
    for each in client.list_vpc_connectors()["VpcConnectors"]:
        if is_probes(each["VpcConnectorName"]) and each["Status"] == "ACTIVE":
            yield each["VpcConnectorArn"]


def _delete_vpc_connector(client: Any, arn: str) -> None:  # noqa: ANN401 - boto3's
    # One that was deleted can still be described.
    found = client.describe_vpc_connector(VpcConnectorArn=arn)["VpcConnector"]
    if found["Status"] == "ACTIVE":
        client.delete_vpc_connector(VpcConnectorArn=arn)


def _find_security_groups(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
    filters = [{"Name": f"tag:{TAG[0]}", "Values": [TAG[1]]}]
    for each in client.describe_security_groups(Filters=filters)["SecurityGroups"]:
        if is_probes(each["GroupName"]):
            yield each["GroupId"]


def _delete_security_group(client: Any, group: str) -> None:  # noqa: ANN401 - boto3's
    [found] = client.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    if found["IpPermissions"]:
        # Two groups can name each other.
        client.revoke_security_group_ingress(GroupId=group, IpPermissions=found["IpPermissions"])
    client.delete_security_group(GroupId=group)


def _find_clusters(client: Any) -> Iterator[str]:  # noqa: ANN401 - boto3's
    for page in client.get_paginator("list_clusters").paginate():
        for arn in page["clusterArns"]:
            name = arn.rpartition("/")[2]
            if is_probes(name):
                yield name


COMPOSITE_ALARM: Final = Kind(
    title="composite alarm",
    service="cloudwatch",
    find=_find_alarms("CompositeAlarm"),
    delete=lambda client, name: client.delete_alarms(AlarmNames=[name]),
)
ALARM: Final = Kind(
    title="alarm",
    service="cloudwatch",
    find=_find_alarms("MetricAlarm"),
    delete=lambda client, name: client.delete_alarms(AlarmNames=[name]),
)
RULE: Final = Kind(
    title="EventBridge rule", service="events", find=_find_rules, delete=_delete_rule
)
TOPIC: Final = Kind(
    title="topic",
    service="sns",
    find=_named("list_topics", "Topics", "TopicArn"),
    delete=lambda client, arn: client.delete_topic(TopicArn=arn),
)
SECRET: Final = Kind(
    title="secret",
    service="secretsmanager",
    find=_find_secrets,
    delete=lambda client, secret: client.delete_secret(
        SecretId=secret, ForceDeleteWithoutRecovery=True
    ),
)
USER_POOL: Final = Kind(
    title="user pool", service="cognito-idp", find=_find_user_pools, delete=_delete_user_pool
)
FUNCTION: Final = Kind(
    title="function",
    service="lambda",
    find=_named("list_functions", "Functions", "FunctionName"),
    delete=lambda client, name: client.delete_function(FunctionName=name),
)
LOG_GROUP: Final = Kind(
    title="log group",
    service="logs",
    find=_find_log_groups,
    delete=lambda client, name: client.delete_log_group(logGroupName=name),
)
ROLE: Final = Kind(
    title="role",
    service="iam",
    find=_named("list_roles", "Roles", "RoleName"),
    delete=_delete_role,
)
REPOSITORY: Final = Kind(
    title="ECR repository",
    service="ecr",
    find=_named("describe_repositories", "repositories", "repositoryName"),
    delete=lambda client, name: client.delete_repository(repositoryName=name, force=True),
)
AUTO_SCALING: Final = Kind(
    title="auto scaling configuration",
    service="apprunner",
    find=_find_auto_scaling,
    delete=lambda client, arn: client.delete_auto_scaling_configuration(
        AutoScalingConfigurationArn=arn
    ),
)
VPC_CONNECTOR: Final = Kind(
    title="VPC connector",
    service="apprunner",
    find=_find_vpc_connectors,
    delete=_delete_vpc_connector,
)
CLUSTER: Final = Kind(
    title="ECS cluster",
    service="ecs",
    find=_find_clusters,
    delete=lambda client, name: client.delete_cluster(cluster=name),
)
SECURITY_GROUP: Final = Kind(
    title="security group",
    service="ec2",
    find=_find_security_groups,
    delete=_delete_security_group,
)
KINDS: Final = (
    COMPOSITE_ALARM,
    ALARM,
    RULE,
    TOPIC,
    SECRET,
    USER_POOL,
    FUNCTION,
    LOG_GROUP,
    ROLE,
    REPOSITORY,
    AUTO_SCALING,
    VPC_CONNECTOR,
    CLUSTER,
    SECURITY_GROUP,
)
"""Every kind, in the order in which they can be removed."""


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A resource that an interrupted run has left.

    Attributes:
        kind: what it is.
        resource: its id.
    """

    kind: Kind
    resource: str


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What interrupted runs have left.

    Attributes:
        found: the resources, in the order in which they can be removed.
        unread: why a kind couldn't be listed, by its title.
    """

    found: tuple[Leftover, ...]
    unread: Mapping[str, str]


def find_leftovers(clients: Callable[[str], Any]) -> Leftovers:
    """Find every resource that probes have created in the region and that still exists.

    Args:
        clients: makes the boto3 client of a service.
    """
    found, unread = [], {}
    for kind in KINDS:
        try:
            listed = list(kind.find(clients(kind.service)))
        except ClientError as error:
            unread[kind.title] = str(error)
        else:
            found += [Leftover(kind=kind, resource=resource) for resource in listed]
    return Leftovers(found=tuple(found), unread=unread)
