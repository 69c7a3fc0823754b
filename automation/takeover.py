"""Finds what a killed deployment had begun, so that the next one can resume from there.

The engine writes to its state what it begins. If it is killed then, the resource may exist while
the state doesn't have its id. The id is looked up by the names in the resource's inputs, and the
resource is added to the state. A refresh then reads the rest from the cloud, or removes the
resource if it doesn't exist.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from graphlib import TopologicalSorter
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.edge_lookups import EDGE_LOOKUPS
from automation.hosting.apprunner import APP_RUNNER_OPERATIONS
from automation.hosting.fargate import FARGATE_OPERATIONS
from automation.hosting.fargate_lookups import FARGATE_LOOKUPS
from automation.hosting.host import HostOperations, aws_of
from automation.hosting.lambda_ import LAMBDA_OPERATIONS
from automation.sessions import Clients
from automation.waiting import is_not_found, wait_while

Values = Mapping[str, Any]

UNREAD: Final = "taken over after an interruption, and not yet read from the cloud"
"""Marks a resource that was added to the state, until a refresh has read it."""


@dataclass(frozen=True, kw_only=True)
class PendingOperation:
    """An operation that a killed engine had begun.

    Attributes:
        kind: "creating", "updating" or "deleting", as the engine names it.
        resource: the resource, as in the state.
    """

    kind: str
    resource: Values

    @property
    def urn(self) -> str:
        """The resource's URN."""
        return str(self.resource["urn"])

    @property
    def type(self) -> str:
        """The resource's type."""
        return str(self.resource["type"])

    @property
    def inputs(self) -> Values:
        """The resource's inputs; secrets are encrypted."""
        return self.resource.get("inputs") or {}

    def __str__(self) -> str:
        """Name the resource and the operation."""
        return f"{self.urn.rpartition('::')[2]} ({self.kind})"


def pending_operations(state: Values) -> tuple[PendingOperation, ...]:
    """List the operations in a state that were cut off."""
    return tuple(
        PendingOperation(kind=operation["type"], resource=operation["resource"])
        for operation in state.get("pending_operations") or []
    )


def has_unread(state: Values) -> bool:
    """Return whether an earlier takeover was itself cut off before its refresh."""
    return any(UNREAD in (each.get("initErrors") or ()) for each in state.get("resources") or [])


def find_ids(operations: Iterable[PendingOperation], state: Values, aws: Clients) -> dict[str, str]:
    """Find the ids of the resources whose creation was cut off.

    Args:
        state: the state; resources that it already has don't count.
        aws: makes clients of the stack's account and region.

    Returns:
        The id by URN, of the resources that may exist. A resource that exists only in the state,
        such as a random string, is simply created again. So is an invocation: nothing shows
        whether the function was invoked, and to publish again changes nothing. So are a topic and
        its subscriptions: SNS returns the existing one.

    Raises:
        ClientError: AWS refuses a lookup.
    """
    known = {each["id"] for each in state.get("resources") or [] if "id" in each}
    found = {}
    for operation in operations:
        if operation.kind != "creating":
            continue
        candidates = [each for each in _candidates(operation, aws) if each not in known]
        if candidates:
            found[operation.urn] = candidates[-1]
    return found


def wait_for_resources(state: Values, aws: Clients) -> None:
    """Wait until AWS has finished what it continues by itself, such as deleting a service.

    Raises:
        ClientError: AWS refuses to describe a resource.
        TimeoutError: a resource is still changing after 20 minutes.
    """
    for resource in state.get("resources") or []:
        is_busy = _BUSY.get(resource["type"])
        if is_busy and not wait_while(partial(is_busy, aws, resource["id"])):
            raise TimeoutError(f"AWS is still changing {resource['id']}")


def adopt(state: Values, ids: Mapping[str, str]) -> dict[str, Any]:
    """Add the resources whose creation was cut off to a state, for a refresh to read.

    If the state has a resource with the same URN, which was to be replaced, the new one is marked
    for deletion: the next deployment creates another.

    Args:
        ids: the ids of the resources that may exist, by URN.

    Returns:
        A new state, without pending operations.
    """
    resources: list[Values] = list(state.get("resources") or [])
    for operation in pending_operations(state):
        if operation.kind != "creating" or operation.urn not in ids:
            continue
        entry = {
            **operation.resource,
            "id": ids[operation.urn],
            # A provider reads a resource by what is known of it.
            "outputs": operation.inputs,
            "initErrors": [UNREAD],
        }
        live = [
            position
            for position, each in enumerate(resources)
            if each["urn"] == operation.urn and not each.get("delete")
        ]
        if not live:
            resources.append(entry)
        elif resources[live[0]].get("pendingReplacement"):
            # The old one is deleted already.
            resources[live[0]] = entry
            resources = _ordered(resources)
        else:
            resources.append({**entry, "delete": True})
    return {**state, "resources": resources, "pending_operations": []}


def _ordered(resources: list[Values]) -> list[Values]:
    """Sort the resources so that each follows those that it needs, as the engine requires."""
    live = {each["urn"]: each for each in resources if not each.get("delete")}
    needs = {urn: set(_needs(each)) & live.keys() for urn, each in live.items()}
    ranks = {urn: rank for rank, urn in enumerate(TopologicalSorter(needs).static_order())}
    return sorted(resources, key=lambda each: ranks.get(each["urn"], len(ranks)))


def _needs(resource: Values) -> Iterator[str]:
    yield resource.get("parent") or ""
    yield str(resource.get("provider") or "").rpartition("::")[0]
    yield resource.get("deletedWith") or ""
    yield from resource.get("dependencies") or ()
    for urns in (resource.get("propertyDependencies") or {}).values():
        yield from urns or ()


def _candidates(operation: PendingOperation, aws: Clients) -> list[str]:
    inputs = operation.inputs
    if named := ID_FORMATS.get(operation.type):
        return [named.format_map(inputs)]
    if look_up := LOOKUPS.get(operation.type):
        try:
            return list(look_up(aws, inputs))
        except ClientError as error:
            if is_not_found(error):
                return []
            raise
    return []


# The provider's ids that follow from the inputs, for the types with unique names. Source: the
# created_id of each, and their ids in `pulumi stack export` on AWS.
ID_FORMATS: Final[Mapping[str, str]] = {
    "aws:appautoscaling/policy:Policy": "{name}",
    "aws:appautoscaling/target:Target": "{resourceId}",
    "aws:cloudfront/function:Function": "{name}",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "{alarmName}",
    "aws:cloudwatch/dashboard:Dashboard": "{dashboardName}",
    "aws:cloudwatch/eventRule:EventRule": "{name}",
    "aws:cloudwatch/eventTarget:EventTarget": "{rule}-{targetId}",
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": "{name}",
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": "{name}",
    "aws:cloudwatch/logGroup:LogGroup": "{name}",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": "{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "{name}",
    "aws:cognito/resourceServer:ResourceServer": "{userPoolId}|{identifier}",
    "aws:cognito/userPoolDomain:UserPoolDomain": "{domain}",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "{repository}",
    "aws:ecr/repository:Repository": "{name}",
    "aws:iam/role:Role": "{name}",
    "aws:iam/rolePolicy:RolePolicy": "{role}:{name}",
    "aws:lambda/function:Function": "{name}",
    "aws:lambda/functionUrl:FunctionUrl": "{functionName}/{qualifier}",
    "aws:lambda/permission:Permission": "{statementId}",
    "aws:route53/record:Record": "{zoneId}_{name}_{type}",
    "aws:secretsmanager/secretRotation:SecretRotation": "{secretId}",
    "aws:sns/topicPolicy:TopicPolicy": "{arn}",
}


def _user_pools(aws: Clients, inputs: Values) -> Iterator[str]:
    cognito = aws("cognito-idp")
    for page in cognito.get_paginator("list_user_pools").paginate(MaxResults=60):
        for pool in page["UserPools"]:
            if pool["Name"] != inputs["name"]:
                continue
            # Names of pools aren't unique, so the pool may belong to another stack.
            described = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
            if (inputs.get("tags") or {}).items() <= (described.get("UserPoolTags") or {}).items():
                yield pool["Id"]


def _app_clients(aws: Clients, inputs: Values) -> Iterator[str]:
    pages = aws("cognito-idp").get_paginator("list_user_pool_clients")
    for page in pages.paginate(UserPoolId=inputs["userPoolId"], MaxResults=60):
        for client in page["UserPoolClients"]:
            if client["ClientName"] == inputs["name"]:
                yield client["ClientId"]


def _log_deliveries(aws: Clients, inputs: Values) -> Iterator[str]:
    for page in aws("logs").get_paginator("describe_deliveries").paginate():
        for delivery in page["deliveries"]:
            if delivery["deliverySourceName"] == inputs["deliverySourceName"]:
                yield delivery["id"]


def _secrets(aws: Clients, inputs: Values) -> Iterator[str]:
    found = aws("secretsmanager").describe_secret(SecretId=inputs["name"])
    if not found.get("DeletedDate"):
        yield found["ARN"]


def _services(aws: Clients, inputs: Values) -> Iterator[str]:
    for service in _pages(aws("apprunner").list_services, "ServiceSummaryList"):
        if service["ServiceName"] == inputs["serviceName"] and service["Status"] != "DELETED":
            yield service["ServiceArn"]


def _auto_scaling(aws: Clients, inputs: Values) -> Iterator[str]:
    for each in _pages(
        aws("apprunner").list_auto_scaling_configurations,
        "AutoScalingConfigurationSummaryList",
        AutoScalingConfigurationName=inputs["autoScalingConfigurationName"],
        LatestOnly=True,
    ):
        yield each["AutoScalingConfigurationArn"]


def _observability(aws: Clients, inputs: Values) -> Iterator[str]:
    for each in _pages(
        aws("apprunner").list_observability_configurations,
        "ObservabilityConfigurationSummaryList",
        ObservabilityConfigurationName=inputs["observabilityConfigurationName"],
        LatestOnly=True,
    ):
        yield each["ObservabilityConfigurationArn"]


def _vpc_connectors(aws: Clients, inputs: Values) -> Iterator[str]:
    for each in _pages(aws("apprunner").list_vpc_connectors, "VpcConnectors"):
        if each["VpcConnectorName"] == inputs["vpcConnectorName"] and each["Status"] == "ACTIVE":
            yield each["VpcConnectorArn"]


def _pages(operation: Callable[..., Values], member: str, **parameters: Any) -> Iterator[Values]:  # noqa: ANN401 - boto3's own
    token: dict[str, str] = {}
    while True:
        page = operation(**parameters, **token)
        yield from page[member]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _aliases(aws: Clients, inputs: Values) -> Iterator[str]:
    function, name = inputs["functionName"], inputs["name"]
    yield aws("lambda").get_alias(FunctionName=function, Name=name)["AliasArn"]


LOOKUPS: Final[Mapping[str, Callable[[Clients, Values], Iterator[str]]]] = {
    "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion": _auto_scaling,
    "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration": _observability,
    "aws:apprunner/service:Service": _services,
    "aws:apprunner/vpcConnector:VpcConnector": _vpc_connectors,
    "aws:cloudwatch/logDelivery:LogDelivery": _log_deliveries,
    "aws:cognito/userPool:UserPool": _user_pools,
    "aws:cognito/userPoolClient:UserPoolClient": _app_clients,
    "aws:lambda/alias:Alias": _aliases,
    "aws:secretsmanager/secret:Secret": _secrets,
    **EDGE_LOOKUPS,
    **FARGATE_LOOKUPS,
}


def _is_domain_busy(aws: Clients, domain: str) -> bool:
    described = aws("cognito-idp").describe_user_pool_domain(Domain=domain)
    status = described["DomainDescription"].get("Status")
    return status in {"CREATING", "UPDATING", "DELETING"}


def _is_service_busy(host: HostOperations, aws: Clients, service: str) -> bool:
    return host.is_busy(aws_of(aws), service)


_BUSY: Final[Mapping[str, Callable[[Clients, str], bool]]] = {
    "aws:apprunner/service:Service": partial(_is_service_busy, APP_RUNNER_OPERATIONS),
    "aws:ecs/service:Service": partial(_is_service_busy, FARGATE_OPERATIONS),
    "aws:lambda/function:Function": partial(_is_service_busy, LAMBDA_OPERATIONS),
    "aws:cognito/userPoolDomain:UserPoolDomain": _is_domain_busy,
}
