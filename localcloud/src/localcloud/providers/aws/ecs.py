"""ECS: clusters, task definitions and services on Fargate.

Sources: the Amazon ECS API reference, and the schemas of aws_ecs_cluster, aws_ecs_task_definition
and aws_ecs_service for the changes that force a replacement.
"""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.rules import parameter_errors
from localcloud.providers.aws.shapes import Casing, to_aws
from localcloud.providers.aws.waiting import poll_until_done, retry_while_refused
from localcloud.providers.diffing import same
from localcloud.providers.schema import (
    CheckRequest,
    Created,
    CreateRequest,
    Failure,
    Kind,
    Properties,
    Property,
    ProviderError,
    ResourceRequest,
    UpdateRequest,
    initializing,
    unsupported,
)
from localcloud.providers.values import Values, as_object, as_string, is_known

# Source: the timeouts of aws_ecs_service.
_LIMIT_SECONDS: Final = 20 * 60.0
_TAGGING: Final = Tagging(
    resource="resourceArn",
    tags="tags",
    keys="tagKeys",
    pairs=("key", "value"),
    created_as="tags",
    listed_as="tags",
)
_INACTIVE: Final = "INACTIVE"
# Source: findDeploymentStatus in hashicorp/terraform-provider-aws, internal/service/ecs/service.go.
_SUCCESSFUL: Final = "SUCCESSFUL"
_FAILED: Final = frozenset({"STOPPED", "ROLLBACK_FAILED", "ROLLBACK_SUCCESSFUL"})
# Source: resourceServiceDelete in the same file.
_DEPLOYING: Final = "The service cannot be stopped while deployments are active."


class _Described(AwsResource):
    """A resource type that ECS describes as inactive for a while after its deletion."""

    service = "ecs"
    casing = Casing.CAMEL
    tagging = _TAGGING

    def described(self, response: Document) -> Values:
        """Treat an inactive resource as deleted."""
        if response.get("status") == _INACTIVE:
            raise AwsError(self.reads.name, next(iter(self.not_found_codes)), "inactive")
        return super().described(response)


class Cluster(_Described):
    """aws:ecs/cluster:Cluster."""

    token = "aws:ecs/cluster:Cluster"  # noqa: S105  # a Pulumi type
    autonamed = "name"
    not_found_codes = frozenset({"ClusterNotFoundException"})
    creates = Operation(name="CreateCluster", result="cluster")
    reads = Operation(name="DescribeClusters", result="clusters")
    updates = Operation(name="UpdateCluster")
    deletes = Operation(name="DeleteCluster")
    id_members = ("clusterArn",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="clusterName"),
        "settings": Property(
            kind=Kind.SET,
            computed=True,
            items=Property(
                kind=Kind.OBJECT,
                properties={"name": Property(required=True), "value": Property(required=True)},
            ),
        ),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="clusterArn"),
        **unsupported("configuration", "serviceConnectDefaults"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the cluster, alone or in a list."""
        return {"cluster": request.id, "clusters": [request.id], "include": ["SETTINGS"]}


class TaskDefinition(_Described):
    """aws:ecs/taskDefinition:TaskDefinition."""

    token = "aws:ecs/taskDefinition:TaskDefinition"  # noqa: S105  # a Pulumi type
    # DescribeTaskDefinition answers so for one that doesn't exist.
    not_found_codes = frozenset({"ClientException"})
    creates = Operation(name="RegisterTaskDefinition", result="taskDefinition")
    reads = Operation(name="DescribeTaskDefinition", result="taskDefinition")
    deletes = Operation(name="DeregisterTaskDefinition")
    id_members = ("family",)
    # A JSON document here, and a list for AWS.
    handled = HANDLED | {"containerDefinitions", "skipDestroy", "trackLatest"}
    properties: ClassVar[Properties] = {
        "containerDefinitions": Property(kind=Kind.JSON, required=True, force_new=True),
        "cpu": Property(force_new=True),
        "executionRoleArn": Property(force_new=True),
        "family": Property(required=True, force_new=True),
        "memory": Property(force_new=True),
        "networkMode": Property(force_new=True, computed=True),
        "requiresCompatibilities": Property(kind=Kind.SET, items=Property(), force_new=True),
        "runtimePlatform": Property(
            kind=Kind.OBJECT,
            force_new=True,
            properties={"cpuArchitecture": Property(), "operatingSystemFamily": Property()},
        ),
        "skipDestroy": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "taskRoleArn": Property(force_new=True),
        "trackLatest": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="taskDefinitionArn"),
        "arnWithoutRevision": Property(output=True),
        "revision": Property(kind=Kind.INTEGER, output=True),
        **unsupported(
            "enableFaultInjection",
            "ephemeralStorage",
            "ipcMode",
            "pidMode",
            "placementConstraints",
            "proxyConfiguration",
            "volumes",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the revision; an import names it instead of the family."""
        return {"taskDefinition": request.state.get("arn") or request.id}

    def check(self, request: CheckRequest[Aws]) -> tuple[Values, list[Failure]]:
        """Check the containers too, and leave out what ECS sets by itself."""
        completed, failures = super().check(request)
        definitions = completed.get("containerDefinitions")
        if isinstance(definitions, str) and is_known(definitions):
            parameters: Document = {
                "family": "f",
                "containerDefinitions": json.loads(definitions),
            }
            shape = request.context.input_shape(self.service, self.creates.name)
            failures = [
                *failures,
                *(
                    Failure(property="containerDefinitions", reason=f"containerDefinitions: {each}")
                    for each in parameter_errors(parameters, shape)
                ),
            ]
            completed["containerDefinitions"] = _without_defaults(json.loads(definitions))
        return completed, failures

    def create_parameters(self, request: CreateRequest[Aws]) -> Document:
        """Parse the containers."""
        containers = json.loads(as_string(request.inputs["containerDefinitions"]))
        return super().create_parameters(request) | {"containerDefinitions": containers}

    def described(self, response: Document) -> Values:
        """Leave out what ECS sets by itself, and add the ARN of the family."""
        arn = response["taskDefinitionArn"]
        return {
            **super().described(response),
            "containerDefinitions": _without_defaults(response["containerDefinitions"]),
            "arnWithoutRevision": arn.rpartition(":")[0],
        }

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Deregister the revision, unless the program sets skipDestroy."""
        if request.state.get("skipDestroy") is not True:
            super().delete(request)


_NETWORK: Final[Properties] = {
    "assignPublicIp": Property(kind=Kind.BOOLEAN, default=False),
    "securityGroups": Property(kind=Kind.SET, items=Property()),
    "subnets": Property(kind=Kind.SET, items=Property(), required=True),
}
_BREAKER: Final[Properties] = {
    "enable": Property(kind=Kind.BOOLEAN, required=True),
    "rollback": Property(kind=Kind.BOOLEAN, required=True),
}
_DEPLOYMENT: Final = "deploymentConfiguration"


class Service(_Described):
    """aws:ecs/service:Service with rolling deployments."""

    token = "aws:ecs/service:Service"  # noqa: S105  # a Pulumi type
    autonamed = "name"
    not_found_codes = frozenset({"ServiceNotFoundException", "ClusterNotFoundException"})
    creates = Operation(name="CreateService", result="service")
    reads = Operation(name="DescribeServices", result="services")
    updates = Operation(name="UpdateService")
    deletes = Operation(name="DeleteService")
    id_members = ("serviceArn",)
    # A service that is being deleted has no tags to list.
    tagging = replace(_TAGGING, list=None)
    # AWS has no boolean for the public address.
    handled = HANDLED | {"networkConfiguration", "waitForSteadyState"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="serviceName"),
        "availabilityZoneRebalancing": Property(computed=True),
        "cluster": Property(required=True, force_new=True, aws_read="clusterArn"),
        "deploymentCircuitBreaker": Property(
            kind=Kind.OBJECT,
            properties=_BREAKER,
            aws=f"{_DEPLOYMENT}.deploymentCircuitBreaker",
        ),
        "deploymentMaximumPercent": Property(
            kind=Kind.INTEGER, default=200, aws=f"{_DEPLOYMENT}.maximumPercent"
        ),
        "deploymentMinimumHealthyPercent": Property(
            kind=Kind.INTEGER, default=100, aws=f"{_DEPLOYMENT}.minimumHealthyPercent"
        ),
        "desiredCount": Property(kind=Kind.INTEGER),
        "enableEcsManagedTags": Property(
            kind=Kind.BOOLEAN, default=False, aws="enableECSManagedTags"
        ),
        "enableExecuteCommand": Property(kind=Kind.BOOLEAN, default=False),
        "healthCheckGracePeriodSeconds": Property(kind=Kind.INTEGER),
        "launchType": Property(computed=True, force_new=True),
        "loadBalancers": Property(
            kind=Kind.SET,
            items=Property(
                kind=Kind.OBJECT,
                properties={
                    "containerName": Property(required=True),
                    "containerPort": Property(kind=Kind.INTEGER, required=True),
                    "targetGroupArn": Property(),
                    **unsupported("advancedConfiguration", "elbName"),
                },
            ),
        ),
        "networkConfiguration": Property(kind=Kind.OBJECT, properties=_NETWORK),
        "platformVersion": Property(computed=True),
        # The real provider treats the value NONE, which ECS returns, as none.
        "propagateTags": Property(default="NONE"),
        "schedulingStrategy": Property(default="REPLICA", force_new=True),
        "taskDefinition": Property(),
        "waitForSteadyState": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="serviceArn"),
        **unsupported(
            "alarms",
            "capacityProviderStrategies",
            "deploymentConfiguration",
            "deploymentController",
            "forceDelete",
            "forceNewDeployment",
            "iamRole",
            "orderedPlacementStrategies",
            "placementConstraints",
            "serviceConnectConfiguration",
            "serviceRegistries",
            "sigintRollback",
            "triggers",
            "volumeConfiguration",
            "vpcLatticeConfigurations",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the service, alone or in a list, and its cluster, which the ARN contains."""
        cluster = request.state.get("cluster") or request.id.split("/")[-2]
        return {
            "cluster": cluster,
            "service": request.id,
            "services": [request.id],
            "include": ["TAGS"],
        }

    def create_parameters(self, request: CreateRequest[Aws]) -> Document:
        """Add the network."""
        network = _network(as_object(request.inputs.get("networkConfiguration")))
        return super().create_parameters(request) | network

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the service, and wait until its tasks run if the program wants that."""
        started = dt.datetime.now(dt.UTC)
        created = super().create(request)
        resource = request.for_resource(created.id, request.inputs)
        with initializing(created.id):
            if request.inputs.get("waitForSteadyState"):
                self._wait_until_steady(resource, started, "create")
        return created

    def described(self, response: Document) -> Values:
        """Add the network in Pulumi's form."""
        values = super().described(response)
        network = response.get("networkConfiguration", {}).get("awsvpcConfiguration")
        if network is not None:
            values["networkConfiguration"] = {
                "assignPublicIp": network.get("assignPublicIp") == "ENABLED",
                "securityGroups": network.get("securityGroups", []),
                "subnets": network["subnets"],
            }
        return values

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change what differs, and wait until the new tasks run if the program wants that."""
        if parameters := self._changes(request):
            started = dt.datetime.now(dt.UTC)
            self.call(request, self.updates, self._identity(request, self.updates) | parameters)
            if request.inputs.get("waitForSteadyState"):
                self._wait_until_steady(request, started, "update")
        self.update_tags(request)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Stop the tasks, and delete the service once no deployment is active."""
        if self.read(request) is None:
            return
        try:
            drained = self._identity(request, self.updates) | {"desiredCount": 0}
            self.call(request, self.updates, drained)
            retry_while_refused(
                request,
                lambda: super(Service, self).delete(request),
                is_transient=lambda error: _DEPLOYING in str(error),
                limit=_LIMIT_SECONDS,
            )
        except AwsError as error:
            if error.code not in self.not_found_codes and error.code != "ServiceNotActiveException":
                raise
        poll_until_done(
            request,
            lambda: True if self.read(request) is None else None,
            what=f"the ECS service {request.id}",
            limit=_LIMIT_SECONDS,
        )

    def _changes(self, request: UpdateRequest[Aws]) -> Document:
        """Return the parameters of what differs; ECS keeps what isn't in them."""
        shape = request.context.input_shape(self.service, self.updates.name)
        changed = {
            name: declared
            for name, declared in self.properties.items()
            if not (declared.output or declared.unsupported or declared.write_only)
            and name not in HANDLED
            and (name in request.inputs or not declared.computed)
            and not same(declared, request.state.get(name), request.inputs.get(name))
        }
        parameters = to_aws(changed, request.inputs, shape, self.casing)
        if "networkConfiguration" in changed:
            parameters |= _network(as_object(request.inputs.get("networkConfiguration")))
        if (
            "deploymentCircuitBreaker" in changed
            and "deploymentCircuitBreaker" not in request.inputs
        ):
            off = {"enable": False, "rollback": False}
            parameters.setdefault(_DEPLOYMENT, {})["deploymentCircuitBreaker"] = off
        for name in ("desiredCount", "healthCheckGracePeriodSeconds"):
            if name in changed and name not in request.inputs:
                parameters[name] = 0
        if "loadBalancers" in changed and "loadBalancers" not in request.inputs:
            parameters["loadBalancers"] = []
        return parameters

    def _wait_until_steady(
        self, request: ResourceRequest[Aws], started: dt.datetime, verb: str
    ) -> None:
        """Wait as the real provider does, for the deployment that the operation has started.

        Raises:
            ProviderError: the deployment failed, whether ECS rolled it back or not.
        """
        deployment: list[str] = []

        def poll() -> bool | None:
            service = self.call(request, self.reads, self._identity(request, self.reads))
            deployments = service["deployments"]
            primary = next((each for each in deployments if each["status"] == "PRIMARY"), None)
            if primary is None:
                raise ProviderError("the service has no deployment")
            if primary["createdAt"] <= started and not deployment:
                settled = len(deployments) == 1
                return (settled and service["runningCount"] == service["desiredCount"]) or None
            if not deployment:
                deployment.extend(self._deployments(request, started, primary["id"]))
            return self._deployment_ended(request, deployment[0]) if deployment else None

        what = f"the ECS service {request.id}"
        try:
            poll_until_done(request, poll, what=what, limit=_LIMIT_SECONDS)
        except ProviderError as error:
            # Worded as in Pulumi's provider.
            raise ProviderError(f"waiting for ECS Service ({request.id}) {verb}: {error}") from None

    def _deployments(
        self, request: ResourceRequest[Aws], started: dt.datetime, primary: str
    ) -> list[str]:
        """Return the service deployment that belongs to a primary deployment, if it is listed."""
        parameters = {
            "cluster": self.identity(request)["cluster"],
            "service": request.id.rpartition("/")[2],
            "createdAt": {"after": started},
        }
        operation = Operation(name="ListServiceDeployments")
        listed = self.call(request, operation, parameters)["serviceDeployments"]
        revision = primary.rpartition("/")[2]
        return [
            each["serviceDeploymentArn"]
            for each in listed
            if revision in each.get("targetServiceRevisionArn", "")
        ]

    def _deployment_ended(self, request: ResourceRequest[Aws], arn: str) -> bool | None:
        operation = Operation(name="DescribeServiceDeployments", result="serviceDeployments")
        found = self.call(request, operation, {"serviceDeploymentArns": [arn]})
        if found["status"] in _FAILED:
            raise ProviderError(found.get("statusReason") or "Deployment failed")
        return True if found["status"] == _SUCCESSFUL else None


def _network(configured: Values) -> Document:
    """Return the parameter for a network; nothing without one."""
    if not configured:
        return {}
    address = "ENABLED" if configured.get("assignPublicIp") else "DISABLED"
    lists = {name: configured[name] for name in ("securityGroups", "subnets") if name in configured}
    return {"networkConfiguration": {"awsvpcConfiguration": {**lists, "assignPublicIp": address}}}


# What ECS adds to a container that doesn't have it.
_DEFAULTS: Final[dict[str, Callable[[Any], bool]]] = {
    "cpu": lambda value: value == 0,
    "essential": lambda value: value is True,
    "environment": lambda value: value == [],
    "mountPoints": lambda value: value == [],
    "portMappings": lambda value: value == [],
    "systemControls": lambda value: value == [],
    "volumesFrom": lambda value: value == [],
}


def _without_defaults(containers: list[Document]) -> str:
    """Return containers as the real provider compares them, as JSON.

    Source: containerDefinitionsAreEquivalent in hashicorp/terraform-provider-aws.
    """
    return json.dumps([_container(each) for each in containers], sort_keys=True)


def _container(container: Document) -> Document:
    kept = {
        name: value
        for name, value in container.items()
        if name not in _DEFAULTS or not _DEFAULTS[name](value)
    }
    if "environment" in kept:
        kept["environment"] = sorted(kept["environment"], key=lambda each: str(each["name"]))
    if "portMappings" in kept:
        kept["portMappings"] = [_port(each) for each in kept["portMappings"]]
    return kept


def _port(mapping: Document) -> Document:
    """Return a mapping without the host's port, which awsvpc makes the container's."""
    kept = {name: value for name, value in mapping.items() if name != "hostPort"}
    return {"protocol": "tcp", **kept}
