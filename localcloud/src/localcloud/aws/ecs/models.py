"""ECS's clusters, task definitions, services, deployments and tasks."""

import datetime as dt
import itertools
import secrets
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]

_CPU_UNITS = 1024
_NANO = 1_000_000_000
_MEBIBYTE = 1024 * 1024
_DEFAULT_STOP_TIMEOUT = 30
_MAX_EVENTS = 100
"""DescribeServices returns the 100 most recent events (API reference, Service)."""


def new_id() -> str:
    """Return a new id in the form of a task's: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def from_timestamp(seconds: float | None) -> dt.datetime | None:
    """Return a time as the API encodes it; None for None."""
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)


def tags_to_api(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags in the API's structure."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def tags_from_api(tags: Iterable[dict[str, str]]) -> dict[str, str]:
    """Read tags from the API's structure."""
    return {tag["key"]: tag.get("value", "") for tag in tags}


@dataclass(kw_only=True)
class Cluster:
    """A cluster's record."""

    name: str
    arn: str
    settings: list[JsonObject]
    tags: dict[str, str]
    active: bool = True


@dataclass(kw_only=True)
class TaskDefinition:
    """A revision of a task definition with one container.

    Attributes:
        settings: the members of the API's structure that never change, with defaults filled in.
    """

    arn: str
    family: str
    revision: int
    settings: JsonObject = field(repr=False)
    tags: dict[str, str]
    registered_at: float
    deregistered_at: float | None = None

    @property
    def active(self) -> bool:
        """Whether new tasks and services can use it."""
        return self.deregistered_at is None

    @property
    def container(self) -> JsonObject:
        """The definition of its container."""
        definition: JsonObject = self.settings["containerDefinitions"][0]
        return definition

    @property
    def execution_role_arn(self) -> str:
        """The role that pulls the image and writes the log."""
        return str(self.settings["executionRoleArn"])

    @property
    def port(self) -> int | None:
        """The port that the container listens on, if any."""
        mappings = self.container["portMappings"]
        return int(mappings[0]["containerPort"]) if mappings else None

    @property
    def nano_cpus(self) -> int:
        """A task's processors, in billionths."""
        return int(self.settings["cpu"]) * _NANO // _CPU_UNITS

    @property
    def memory_bytes(self) -> int:
        """A task's memory."""
        return int(self.settings["memory"]) * _MEBIBYTE

    @property
    def stop_timeout(self) -> int:
        """Seconds from SIGTERM to SIGKILL."""
        return int(self.container.get("stopTimeout", _DEFAULT_STOP_TIMEOUT))

    def description(self) -> JsonObject:
        """Return the API's TaskDefinition."""
        return {
            "taskDefinitionArn": self.arn,
            "family": self.family,
            "revision": self.revision,
            "status": "ACTIVE" if self.active else "INACTIVE",
            "registeredAt": from_timestamp(self.registered_at),
            "deregisteredAt": from_timestamp(self.deregistered_at),
            **self.settings,
        }


@dataclass(frozen=True, kw_only=True)
class Network:
    """The network of a service's tasks.

    Attributes:
        subnets: the subnets' ids.
        security_groups: the security groups' ids.
        public_ip: whether a task gets a public address.
    """

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    public_ip: bool

    @classmethod
    def from_api(cls, configuration: JsonObject) -> "Network":
        """Read a NetworkConfiguration."""
        vpc = configuration["awsvpcConfiguration"]
        return cls(
            subnets=tuple(vpc["subnets"]),
            security_groups=tuple(vpc.get("securityGroups", ())),
            public_ip=vpc.get("assignPublicIp") == "ENABLED",
        )

    def description(self) -> JsonObject:
        """Return the API's NetworkConfiguration."""
        return {
            "awsvpcConfiguration": {
                "subnets": list(self.subnets),
                "securityGroups": list(self.security_groups),
                "assignPublicIp": "ENABLED" if self.public_ip else "DISABLED",
            }
        }


@dataclass(frozen=True, kw_only=True)
class LoadBalancing:
    """The target group that a service registers its tasks with."""

    target_group_arn: str
    container_name: str
    port: int

    def description(self) -> JsonObject:
        """Return the API's LoadBalancer."""
        return {
            "targetGroupArn": self.target_group_arn,
            "containerName": self.container_name,
            "containerPort": self.port,
        }


@dataclass(frozen=True, kw_only=True)
class CircuitBreaker:
    """When a deployment counts as failed."""

    enabled: bool = False
    rollback: bool = False


@dataclass(frozen=True, kw_only=True)
class DeploymentRules:
    """How a service is deployed.

    Attributes:
        minimum_healthy_percent: the fewest healthy tasks, of the desired count.
        maximum_percent: the most tasks, of the desired count.
        circuit_breaker: when a deployment counts as failed.
    """

    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    circuit_breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    @classmethod
    def merged(cls, configuration: JsonObject, current: "DeploymentRules") -> "DeploymentRules":
        """Complete a DeploymentConfiguration with the current rules."""
        breaker = configuration.get("deploymentCircuitBreaker")
        return cls(
            minimum_healthy_percent=configuration.get(
                "minimumHealthyPercent", current.minimum_healthy_percent
            ),
            maximum_percent=configuration.get("maximumPercent", current.maximum_percent),
            circuit_breaker=CircuitBreaker(enabled=breaker["enable"], rollback=breaker["rollback"])
            if breaker
            else current.circuit_breaker,
        )

    def description(self) -> JsonObject:
        """Return the API's DeploymentConfiguration."""
        return {
            "deploymentCircuitBreaker": {
                "enable": self.circuit_breaker.enabled,
                "rollback": self.circuit_breaker.rollback,
            },
            "maximumPercent": self.maximum_percent,
            "minimumHealthyPercent": self.minimum_healthy_percent,
            "strategy": "ROLLING",
        }


class RolloutState(StrEnum):
    """The states of a deployment's rollout (API reference, Deployment)."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class TaskStatus(StrEnum):
    """The states of a task (developer guide, task lifecycle)."""

    PROVISIONING = "PROVISIONING"
    PENDING = "PENDING"
    ACTIVATING = "ACTIVATING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    DEPROVISIONING = "DEPROVISIONING"
    STOPPED = "STOPPED"


class StopCode(StrEnum):
    """Why a task stopped (API reference, Task)."""

    FAILED_TO_START = "TaskFailedToStart"
    CONTAINER_EXITED = "EssentialContainerExited"
    USER = "UserInitiated"
    SCHEDULER = "ServiceSchedulerInitiated"


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a task runs.

    Attributes:
        subnet: the subnet's id.
        availability_zone: its zone.
        address: the task's private address.
        interface: the id of its network interface.
    """

    subnet: str
    availability_zone: str
    address: str
    interface: str = field(default_factory=lambda: f"eni-{secrets.token_hex(8)[:17]}")


@dataclass(kw_only=True, eq=False)
class Task:
    """A task's record; its runner keeps it up to date.

    Attributes:
        deployment_id: the deployment that started it.
        stopping: whether its desired status is STOPPED.
        healthy: whether the service counts it as healthy.
        unhealthy: whether the load balancer calls it unhealthy, after the grace period.
        was_healthy: whether it has ever been healthy.
    """

    arn: str
    cluster_arn: str
    service: str
    deployment_id: str
    definition: TaskDefinition
    placement: Placement
    network: Network
    created_at: float
    tags: dict[str, str] = field(default_factory=dict)
    attachment_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    container_arn: str = ""
    status: TaskStatus = TaskStatus.PROVISIONING
    stopping: bool = False
    healthy: bool = False
    unhealthy: bool = False
    was_healthy: bool = False
    image_digest: str | None = None
    runtime_id: str | None = None
    exit_code: int | None = None
    container_reason: str | None = None
    stop_code: StopCode | None = None
    stopped_reason: str | None = None
    started_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    version: int = 1

    @property
    def id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def live(self) -> bool:
        """Whether it should run."""
        return not self.stopping and self.status is not TaskStatus.STOPPED

    @property
    def running(self) -> bool:
        """Whether it runs, and should."""
        return self.live and self.status is TaskStatus.RUNNING

    def move_to(self, status: TaskStatus) -> None:
        """Change the status."""
        self.status = status
        self.version += 1

    def description(self) -> JsonObject:
        """Return the API's Task."""
        definition, placement = self.definition, self.placement
        stopped = self.status is TaskStatus.STOPPED
        interface = {
            "attachmentId": self.attachment_id,
            "privateIpv4Address": placement.address,
        }
        container = {
            "containerArn": self.container_arn,
            "taskArn": self.arn,
            "name": definition.container["name"],
            "image": definition.container["image"],
            "imageDigest": self.image_digest,
            "runtimeId": self.runtime_id,
            "lastStatus": self._container_status(),
            "exitCode": self.exit_code,
            "reason": self.container_reason,
            "networkInterfaces": [interface],
            "healthStatus": "UNKNOWN",
            "cpu": str(definition.container.get("cpu", 0)),
        }
        return {
            "taskArn": self.arn,
            "clusterArn": self.cluster_arn,
            "taskDefinitionArn": definition.arn,
            "group": f"service:{self.service}",
            "startedBy": self.deployment_id,
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "availabilityZone": placement.availability_zone,
            "connectivity": "CONNECTED",
            "cpu": definition.settings["cpu"],
            "memory": definition.settings["memory"],
            "ephemeralStorage": {"sizeInGiB": 20},
            "desiredStatus": "STOPPED" if self.stopping or stopped else "RUNNING",
            "lastStatus": self.status.value,
            "healthStatus": "UNKNOWN",
            "enableExecuteCommand": False,
            "containers": [container],
            "attachments": [
                {
                    "id": self.attachment_id,
                    "type": "ElasticNetworkInterface",
                    "status": "DELETED" if stopped else "ATTACHED",
                    "details": [
                        {"name": "subnetId", "value": placement.subnet},
                        {"name": "networkInterfaceId", "value": placement.interface},
                        {"name": "privateIPv4Address", "value": placement.address},
                    ],
                }
            ],
            "overrides": {"containerOverrides": [{"name": definition.container["name"]}]},
            "createdAt": from_timestamp(self.created_at),
            "pullStartedAt": from_timestamp(self.pull_started_at),
            "pullStoppedAt": from_timestamp(self.pull_stopped_at),
            "startedAt": from_timestamp(self.started_at),
            "stoppingAt": from_timestamp(self.stopping_at),
            "stoppedAt": from_timestamp(self.stopped_at),
            "stopCode": self.stop_code and self.stop_code.value,
            "stoppedReason": self.stopped_reason,
            "tags": tags_to_api(self.tags),
            "version": self.version,
        }

    def _container_status(self) -> str:
        if self.status is TaskStatus.STOPPED:
            return "STOPPED"
        return "PENDING" if self.started_at is None else "RUNNING"


@dataclass(kw_only=True, eq=False)
class Deployment:
    """A deployment of a service.

    Attributes:
        desired: the number of tasks that it should have.
        failed_tasks: tasks in a row that failed before they were healthy.
        replaced: whether it should have no more tasks.
    """

    id: str
    definition: TaskDefinition
    network: Network
    desired: int
    created_at: float
    updated_at: float
    primary: bool = True
    failed_tasks: int = 0
    rollout: RolloutState = RolloutState.IN_PROGRESS
    rollout_reason: str = ""
    ever_completed: bool = False

    def move_to(self, rollout: RolloutState, reason: str, at: float) -> None:
        """Change the state of the rollout."""
        self.rollout, self.rollout_reason, self.updated_at = rollout, reason, at
        self.ever_completed = self.ever_completed or rollout is RolloutState.COMPLETED

    def description(self, tasks: Sequence[Task]) -> JsonObject:
        """Return the API's Deployment.

        Args:
            tasks: the service's tasks.
        """
        own = [task for task in tasks if task.deployment_id == self.id and task.live]
        running = sum(task.running for task in own)
        return {
            "id": self.id,
            "status": "PRIMARY" if self.primary else "ACTIVE",
            "taskDefinition": self.definition.arn,
            "desiredCount": self.desired,
            "pendingCount": len(own) - running,
            "runningCount": running,
            "failedTasks": self.failed_tasks,
            "createdAt": from_timestamp(self.created_at),
            "updatedAt": from_timestamp(self.updated_at),
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "networkConfiguration": self.network.description(),
            "rolloutState": self.rollout.value,
            "rolloutStateReason": self.rollout_reason,
        }


class ServiceStatus(StrEnum):
    """The states of a service (API reference, Service)."""

    ACTIVE = "ACTIVE"
    DRAINING = "DRAINING"
    INACTIVE = "INACTIVE"


@dataclass(kw_only=True, eq=False)
class Service:
    """A service's record; its controller runs it.

    Attributes:
        deployments: the primary one first.
        tasks: all tasks that haven't been forgotten yet.
        events: newest first.
    """

    arn: str
    name: str
    cluster_arn: str
    created_at: float
    desired: int
    rules: DeploymentRules
    load_balancing: LoadBalancing | None
    grace_period: int
    zone_rebalancing: str
    propagate_tags: str
    platform_version: str
    request: JsonObject = field(repr=False)
    tags: dict[str, str] = field(default_factory=dict)
    status: ServiceStatus = ServiceStatus.ACTIVE
    deployments: list[Deployment] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    events: list[JsonObject] = field(default_factory=list)

    @property
    def primary(self) -> Deployment:
        """The deployment that the service should run."""
        return self.deployments[0]

    @property
    def live_tasks(self) -> Iterator[Task]:
        """The tasks that should run."""
        return (task for task in self.tasks if task.live)

    def add_event(self, text: str, at: float) -> None:
        """Add an event with the text that follows the service's name."""
        event = {
            "id": str(uuid.uuid4()),
            "createdAt": from_timestamp(at),
            "message": f"(service {self.name}) {text}",
        }
        self.events = [event, *itertools.islice(self.events, _MAX_EVENTS - 1)]

    def description(self) -> JsonObject:
        """Return the API's Service, without its tags."""
        live = list(self.live_tasks)
        running = sum(task.running for task in live)
        balancing = self.load_balancing
        return {
            "serviceArn": self.arn,
            "serviceName": self.name,
            "clusterArn": self.cluster_arn,
            "status": self.status.value,
            "desiredCount": self.desired,
            "runningCount": running,
            "pendingCount": len(live) - running,
            "launchType": "FARGATE",
            "platformVersion": self.platform_version,
            "platformFamily": "Linux",
            "taskDefinition": self.primary.definition.arn,
            "deploymentConfiguration": self.rules.description(),
            "deploymentController": {"type": "ECS"},
            "deployments": [each.description(self.tasks) for each in self.deployments],
            "loadBalancers": [balancing.description()] if balancing else [],
            "serviceRegistries": [],
            "networkConfiguration": self.primary.network.description(),
            "healthCheckGracePeriodSeconds": self.grace_period if balancing else None,
            "schedulingStrategy": "REPLICA",
            "placementConstraints": [],
            "placementStrategy": [],
            "enableECSManagedTags": False,
            "enableExecuteCommand": False,
            "propagateTags": self.propagate_tags,
            "availabilityZoneRebalancing": self.zone_rebalancing,
            "roleArn": f"{_role_base(self.arn)}:role/aws-service-role/ecs.amazonaws.com/"
            "AWSServiceRoleForECS",
            "createdAt": from_timestamp(self.created_at),
            "events": self.events,
        }


def _role_base(arn: str) -> str:
    return f"arn:aws:iam::{arn.split(':')[4]}"
