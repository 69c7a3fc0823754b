"""ECS's API: one handler per operation, from its validated request to its response."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from localcloud.aws.context import ServiceContext
from localcloud.aws.ecs import requests, rules, supported
from localcloud.aws.ecs.controller import ServiceController, Timing
from localcloud.aws.ecs.models import (
    Cluster,
    DeploymentRules,
    JsonObject,
    LoadBalancing,
    Network,
    Service,
    ServiceStatus,
    Task,
    TaskDefinition,
    TaskStatus,
    tags_from_api,
    tags_to_api,
)
from localcloud.aws.ecs.placement import Placements
from localcloud.aws.ecs.runner import TaskPlatform
from localcloud.aws.ecs.task_definitions import TaskDefinitions
from localcloud.aws.protocol import ApiError

_Handler = Callable[[Any], Awaitable[JsonObject]]
_DEFAULT = "default"
# Source of both: the API reference, ListServices and ListServiceDeployments.
_SERVICES_PAGE = 10
_SERVICE_DEPLOYMENTS_PAGE = 20


class Ecs:
    """The ECS of one account in one region."""

    def __init__(self, platform: TaskPlatform, context: ServiceContext, timing: Timing) -> None:
        """Start without clusters.

        Args:
            platform: what tasks run on.
            context: where and when the service runs.
            timing: the times.
        """
        self._platform = platform
        self._context = context
        self._timing = timing
        self._placements = Placements(platform.account.subnets)
        self._clusters: dict[str, Cluster] = {}
        self._definitions = TaskDefinitions(context)
        self._controllers: dict[str, ServiceController] = {}
        self._in_creation: set[str] = set()
        self._handlers: Mapping[str, _Handler] = {
            "CreateCluster": self._create_cluster,
            "DescribeClusters": self._describe_clusters,
            "ListClusters": self._list_clusters,
            "DeleteCluster": self._delete_cluster,
            "RegisterTaskDefinition": self._definitions.register,
            "DescribeTaskDefinition": self._definitions.describe,
            "DeregisterTaskDefinition": self._definitions.deregister,
            "DeleteTaskDefinitions": self._definitions.delete,
            "ListTaskDefinitions": self._definitions.list,
            "CreateService": self._create_service,
            "UpdateService": self._update_service,
            "DescribeServices": self._describe_services,
            "ListServices": self._list_services,
            "DeleteService": self._delete_service,
            "ListServiceDeployments": self._list_service_deployments,
            "DescribeServiceDeployments": self._describe_service_deployments,
            "ListTasks": self._list_tasks,
            "DescribeTasks": self._describe_tasks,
            "StopTask": self._stop_task,
            "TagResource": self._tag_resource,
            "UntagResource": self._untag_resource,
            "ListTagsForResource": self._list_tags,
        }

    @property
    def controllers(self) -> Sequence[ServiceController]:
        """The controllers of all services."""
        return tuple(self._controllers.values())

    @property
    def security_groups(self) -> frozenset[str]:
        """The ids of the security groups that tasks use, now or in a deployment in progress."""
        return frozenset(
            group
            for controller in self.controllers
            if controller.service.status is not ServiceStatus.INACTIVE
            for deployment in controller.service.deployments
            for group in deployment.network.security_groups
        )

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request, and return its response.

        Raises:
            ApiError: the operation fails, or the stand-in doesn't support it.
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError(
                "UnsupportedFeatureException",
                f"{operation} is not supported by the stand-in's ECS.",
            )
        return await handler(parameters)

    async def stop(self) -> None:
        """Stop all services at once; their containers stay."""
        await asyncio.gather(*(each.stop() for each in self._controllers.values()))

    # Clusters

    async def _create_cluster(self, request: JsonObject) -> JsonObject:
        requests.require_supported(request, supported.CLUSTER)
        name = request.get("clusterName", _DEFAULT)
        if not rules.valid_name(name):
            raise requests.invalid("Identifier contains invalid characters.")
        existing = self._clusters.get(name)
        if existing is None or not existing.active:
            settings = request.get("settings") or [
                {"name": "containerInsights", "value": "disabled"}
            ]
            self._clusters[name] = Cluster(
                name=name,
                arn=self._context.arn("ecs", f"cluster/{name}"),
                settings=settings,
                tags=tags_from_api(request.get("tags", [])),
            )
        include = {"SETTINGS", "TAGS"}
        return {"cluster": self._cluster_description(self._clusters[name], include)}

    async def _describe_clusters(self, request: JsonObject) -> JsonObject:
        requests.check_number(request, "clusters", 100)
        include = set(request.get("include", ()))
        found, failures = [], []
        for reference in request.get("clusters") or [_DEFAULT]:
            cluster = self._clusters.get(requests.name_of(reference))
            if cluster is None:
                arn = self._context.arn("ecs", f"cluster/{requests.name_of(reference)}")
                failures.append({"arn": arn, "reason": requests.MISSING})
            else:
                found.append(self._cluster_description(cluster, include))
        return {"clusters": found, "failures": failures}

    async def _list_clusters(self, request: JsonObject) -> JsonObject:
        arns = [each.arn for each in self._clusters.values() if each.active]
        return requests.page("clusterArns", arns, request)

    async def _delete_cluster(self, request: JsonObject) -> JsonObject:
        cluster = self._cluster(request)
        if any(each.service.status is not ServiceStatus.INACTIVE for each in self._of(cluster)):
            raise ApiError(
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            )
        cluster.active = False
        return {"cluster": self._cluster_description(cluster, set())}

    def _cluster_description(self, cluster: Cluster, include: set[str]) -> JsonObject:
        controllers = self._of(cluster)
        live = [task for each in controllers for task in each.service.live_tasks]
        running = sum(task.running for task in live)
        return {
            "clusterArn": cluster.arn,
            "clusterName": cluster.name,
            "status": "ACTIVE" if cluster.active else "INACTIVE",
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": running,
            "pendingTasksCount": len(live) - running,
            "activeServicesCount": sum(
                each.service.status is ServiceStatus.ACTIVE for each in controllers
            ),
            "statistics": [],
            "tags": tags_to_api(cluster.tags) if "TAGS" in include else [],
            "settings": cluster.settings if "SETTINGS" in include else [],
            "capacityProviders": [],
            "defaultCapacityProviderStrategy": [],
        }

    def _cluster(self, request: JsonObject) -> Cluster:
        cluster = self._clusters.get(requests.name_of(request.get("cluster", _DEFAULT)))
        if cluster is None or not cluster.active:
            raise ApiError("ClusterNotFoundException", "Cluster not found.")
        return cluster

    def _of(self, cluster: Cluster) -> list[ServiceController]:
        return [
            each for each in self._controllers.values() if each.service.cluster_arn == cluster.arn
        ]

    # Services

    async def _create_service(self, request: JsonObject) -> JsonObject:
        cluster, name = self._cluster(request), request["serviceName"]
        requests.require_supported(request, supported.CREATE_SERVICE)
        if not rules.valid_name(name):
            raise requests.invalid("Service name contains invalid characters.")
        arn = self._context.arn("ecs", f"service/{cluster.name}/{name}")
        existing = self._controllers.get(arn)
        if existing is not None and existing.service.status is ServiceStatus.DRAINING:
            raise requests.invalid("Unable to Start a service that is still Draining.")
        if existing is not None and existing.service.status is ServiceStatus.ACTIVE:
            if "clientToken" in request and existing.service.request == request:
                return {"service": self._described(existing, with_tags=True)}
            raise requests.invalid("Creation of service was not idempotent.")
        # The checks take a while, and a second request with the name may arrive meanwhile.
        if arn in self._in_creation:
            raise requests.invalid("Creation of service was not idempotent.")
        self._in_creation.add(arn)
        try:
            controller = await self._new_service(request, cluster, arn)
        finally:
            self._in_creation.discard(arn)
        self._controllers[arn] = controller
        controller.start()
        return {"service": self._described(controller, with_tags=True)}

    async def _new_service(
        self, request: JsonObject, cluster: Cluster, arn: str
    ) -> ServiceController:
        if request.get("launchType") != "FARGATE":
            raise requests.invalid(
                "launchType must be FARGATE: the stand-in has no other launch type."
            )
        if "desiredCount" not in request:
            raise requests.invalid("desiredCount is required for schedulingStrategy REPLICA.")
        if "taskDefinition" not in request:
            raise requests.invalid("TaskDefinition cannot be empty.")
        definition = self._definitions.usable(request["taskDefinition"])
        network = await self._network(request.get("networkConfiguration", {}))
        balancing = await self._load_balancing(request.get("loadBalancers", []), definition)
        deployment_rules = _deployment_rules(request, DeploymentRules())
        service = Service(
            arn=arn,
            name=request["serviceName"],
            cluster_arn=cluster.arn,
            created_at=self._context.clock(),
            desired=request["desiredCount"],
            rules=deployment_rules,
            load_balancing=balancing,
            grace_period=_grace_period(request, 0, balancing),
            zone_rebalancing=request.get("availabilityZoneRebalancing", "ENABLED"),
            propagate_tags=request.get("propagateTags", "NONE"),
            platform_version=request.get("platformVersion", "LATEST"),
            request=request,
            tags=tags_from_api(request.get("tags", [])),
        )
        controller = ServiceController(
            service, self._platform, self._placements, self._timing, self._remove_unused_images
        )
        controller.deploy(definition, network)
        return controller

    async def _update_service(self, request: JsonObject) -> JsonObject:
        controller = self._controller(request)
        requests.require_supported(request, supported.UPDATE_SERVICE)
        service = controller.service
        _require_active(service)
        primary = service.primary
        definition, network = primary.definition, primary.network
        if "taskDefinition" in request:
            definition = self._definitions.usable(request["taskDefinition"])
        if "networkConfiguration" in request:
            network = await self._network(request["networkConfiguration"])
        balancing = service.load_balancing
        if "loadBalancers" in request:
            balancing = await self._load_balancing(request["loadBalancers"], definition)
        elif balancing is not None and (
            problem := rules.balanced_container_problem(balancing.description(), definition)
        ):
            raise requests.invalid(problem)
        deployment_rules = _deployment_rules(request, service.rules)
        grace_period = _grace_period(request, service.grace_period, balancing)
        # The checks take a while, and the service may have been deleted meanwhile.
        _require_active(service)
        deploys = request.get("forceNewDeployment", False) or (
            definition.arn,
            network,
            balancing,
            request.get("platformVersion", service.platform_version),
        ) != (
            service.primary.definition.arn,
            service.primary.network,
            service.load_balancing,
            service.platform_version,
        )
        service.rules, service.grace_period = deployment_rules, grace_period
        service.load_balancing = balancing
        service.platform_version = request.get("platformVersion", service.platform_version)
        service.propagate_tags = request.get("propagateTags", service.propagate_tags)
        service.zone_rebalancing = request.get(
            "availabilityZoneRebalancing", service.zone_rebalancing
        )
        if deploys:
            controller.deploy(definition, network)
        controller.scale(request.get("desiredCount", service.desired))
        return {"service": self._described(controller, with_tags=True)}

    async def _describe_services(self, request: JsonObject) -> JsonObject:
        cluster = self._cluster(request)
        requests.check_number(request, "services", 10)
        with_tags = "TAGS" in request.get("include", ())
        found, failures = [], []
        for reference in request["services"]:
            arn = self._context.arn("ecs", f"service/{cluster.name}/{requests.name_of(reference)}")
            controller = self._controllers.get(arn)
            if controller is None:
                failures.append({"arn": arn, "reason": requests.MISSING})
            else:
                found.append(self._described(controller, with_tags=with_tags))
        return {"services": found, "failures": failures}

    async def _list_services(self, request: JsonObject) -> JsonObject:
        cluster = self._cluster(request)
        requests.require_supported(request, supported.LIST_SERVICES)
        arns = [
            each.service.arn
            for each in self._of(cluster)
            if each.service.status is ServiceStatus.ACTIVE
        ]
        return requests.page("serviceArns", arns, request, default=_SERVICES_PAGE)

    async def _delete_service(self, request: JsonObject) -> JsonObject:
        controller = self._controller(request)
        service = controller.service
        _require_active(service)
        if service.desired and not request.get("force", False):
            raise requests.invalid("The service cannot be stopped while it is scaled above 0.")
        if len(service.deployments) > 1 and not request.get("force", False):
            raise requests.invalid("The service cannot be stopped while deployments are active.")
        controller.delete()
        return {"service": self._described(controller, with_tags=True)}

    def _controller(self, request: JsonObject) -> ServiceController:
        cluster = self._cluster(request)
        name = requests.name_of(request["service"])
        arn = self._context.arn("ecs", f"service/{cluster.name}/{name}")
        controller = self._controllers.get(arn)
        if controller is None:
            raise ApiError("ServiceNotFoundException", "Service not found.")
        return controller

    async def _network(self, configuration: JsonObject) -> Network:
        if problem := rules.network_problem(configuration):
            raise requests.invalid(problem)
        network, account = Network.from_api(configuration), self._platform.account
        try:
            await account.subnets(network.subnets)
        except LookupError as error:
            listed = ", ".join(network.subnets)
            raise requests.invalid(
                f"Error retrieving subnet information for [{listed}]: {error}"
            ) from error
        try:
            await account.require_security_groups(network.security_groups)
        except LookupError as error:
            listed = ", ".join(network.security_groups)
            raise requests.invalid(
                f"Error retrieving security group information for [{listed}]: {error}"
            ) from error
        return network

    async def _load_balancing(
        self, load_balancers: list[JsonObject], definition: TaskDefinition
    ) -> LoadBalancing | None:
        if not load_balancers:
            return None
        arn = load_balancers[0].get("targetGroupArn", "")
        group = await self._platform.targets.target_group(arn)
        if problem := rules.load_balancer_problem(load_balancers, definition, group):
            raise requests.invalid(problem)
        return LoadBalancing(
            target_group_arn=arn,
            container_name=load_balancers[0]["containerName"],
            port=load_balancers[0]["containerPort"],
        )

    def _described(self, controller: ServiceController, *, with_tags: bool) -> JsonObject:
        service, current = controller.service, controller.service_deployments[0]
        return {
            **service.description(),
            "currentServiceDeployment": current.arn,
            "tags": tags_to_api(service.tags) if with_tags else [],
        }

    async def _remove_unused_images(self) -> None:
        in_use = {image for each in self._controllers.values() for image in each.images}
        await self._platform.engine.remove_unused_images(in_use)

    # Service deployments

    async def _list_service_deployments(self, request: JsonObject) -> JsonObject:
        controller = self._controller(request)
        created = request.get("createdAt", {})
        statuses = request.get("status")
        found = [
            each.summary()
            for each in controller.service_deployments
            if created.get("after", 0) <= each.created_at <= created.get("before", math.inf)
            and (not statuses or each.status.value in statuses)
        ]
        return requests.page(
            "serviceDeployments", found, request, default=_SERVICE_DEPLOYMENTS_PAGE
        )

    async def _describe_service_deployments(self, request: JsonObject) -> JsonObject:
        requests.check_number(request, "serviceDeploymentArns", 20)
        known = {
            each.arn: each
            for controller in self._controllers.values()
            for each in controller.service_deployments
        }
        arns = request["serviceDeploymentArns"]
        return {
            "serviceDeployments": [known[arn].description() for arn in arns if arn in known],
            "failures": [
                {"arn": arn, "reason": requests.MISSING} for arn in arns if arn not in known
            ],
        }

    # Tasks

    async def _list_tasks(self, request: JsonObject) -> JsonObject:
        cluster = self._cluster(request)
        requests.require_supported(request, supported.LIST_TASKS)
        if "serviceName" in request:
            self._controller({**request, "service": request["serviceName"]})
        # No task has the desired status PENDING, says the API reference.
        desired = request.get("desiredStatus", "RUNNING")
        arns = [
            task.arn
            for task in self._tasks(cluster)
            if desired == ("RUNNING" if task.live else "STOPPED")
            and requests.name_of(request.get("serviceName", task.service)) == task.service
            and request.get("family") in {None, task.definition.family}
            and request.get("startedBy") in {None, task.deployment_id}
        ]
        return requests.page("taskArns", arns, request)

    async def _describe_tasks(self, request: JsonObject) -> JsonObject:
        cluster = self._cluster(request)
        requests.check_number(request, "tasks", 100)
        with_tags = "TAGS" in request.get("include", ())
        by_id = {task.id: task for task in self._tasks(cluster)}
        found, failures = [], []
        for reference in request["tasks"]:
            task = by_id.get(requests.name_of(reference))
            if task is None:
                arn = self._context.arn("ecs", f"task/{cluster.name}/{requests.name_of(reference)}")
                failures.append({"arn": arn, "reason": requests.MISSING})
            else:
                description = task.description()
                found.append(description if with_tags else {**description, "tags": []})
        return {"tasks": found, "failures": failures}

    async def _stop_task(self, request: JsonObject) -> JsonObject:
        cluster = self._cluster(request)
        for controller in self._of(cluster):
            for task in controller.service.tasks:
                if task.id == requests.name_of(request["task"]):
                    if task.status is not TaskStatus.STOPPED:
                        reason = request.get("reason", "Task stopped by user")
                        controller.stop_task(task, reason)
                    return {"task": task.description()}
        raise requests.invalid("The referenced task was not found.")

    def _tasks(self, cluster: Cluster) -> Iterable[Task]:
        return (task for each in self._of(cluster) for task in each.service.tasks)

    # Tags

    async def _tag_resource(self, request: JsonObject) -> JsonObject:
        self._tags_of(request["resourceArn"]).update(tags_from_api(request["tags"]))
        return {}

    async def _untag_resource(self, request: JsonObject) -> JsonObject:
        tags = self._tags_of(request["resourceArn"])
        for key in request["tagKeys"]:
            tags.pop(key, None)
        return {}

    async def _list_tags(self, request: JsonObject) -> JsonObject:
        return {"tags": tags_to_api(self._tags_of(request["resourceArn"]))}

    def _tags_of(self, arn: str) -> dict[str, str]:
        clusters = {each.arn: each.tags for each in self._clusters.values() if each.active}
        services = {
            each.service.arn: each.service.tags
            for each in self._controllers.values()
            if each.service.status is not ServiceStatus.INACTIVE
        }
        tasks = {
            task.arn: task.tags
            for each in self._controllers.values()
            for task in each.service.tasks
        }
        tags = (clusters | self._definitions.tags | services | tasks).get(arn)
        if tags is None:
            raise requests.invalid("The specified resource could not be found.")
        return tags


def _require_active(service: Service) -> None:
    if service.status is not ServiceStatus.ACTIVE:
        raise ApiError("ServiceNotActiveException", "Service was not ACTIVE.")


def _deployment_rules(request: JsonObject, current: DeploymentRules) -> DeploymentRules:
    merged = DeploymentRules.merged(request.get("deploymentConfiguration", {}), current)
    if problem := rules.deployment_problem(merged):
        raise requests.invalid(problem)
    return merged


def _grace_period(request: JsonObject, current: int, balancing: LoadBalancing | None) -> int:
    seconds: int = request.get("healthCheckGracePeriodSeconds", current)
    if problem := rules.grace_period_problem(seconds, balanced=balancing is not None):
        raise requests.invalid(problem)
    return seconds
