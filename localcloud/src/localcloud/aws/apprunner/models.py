"""App Runner's services, their configuration and their operations."""

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from localcloud.aws.apprunner.requests import (
    HealthCheckConfiguration,
    ImageConfiguration,
    InstanceConfiguration,
    JsonObject,
    NetworkConfiguration,
    ServiceObservability,
    ServiceSettings,
    SourceConfiguration,
)

_VCPU_UNITS = 1024
_NANO = 1_000_000_000
_MEBIBYTE = 1024 * 1024
_DEFAULT_PORT = "8080"
_DEFAULT_INSTANCE: InstanceConfiguration = {"Cpu": "1024", "Memory": "2048"}
_DEFAULT_HEALTH_CHECK: HealthCheckConfiguration = {
    "Protocol": "TCP",
    "Path": "/",
    "Interval": 5,
    "Timeout": 2,
    "HealthyThreshold": 1,
    "UnhealthyThreshold": 5,
}
_DEFAULT_NETWORK: NetworkConfiguration = {
    "EgressConfiguration": {"EgressType": "DEFAULT"},
    "IngressConfiguration": {"IsPubliclyAccessible": True},
    "IpAddressType": "IPV4",
}


def now() -> dt.datetime:
    """Return the time in UTC."""
    return dt.datetime.now(dt.UTC)


class ServiceStatus(StrEnum):
    """The states of a service (API reference, Service)."""

    CREATE_FAILED = "CREATE_FAILED"
    RUNNING = "RUNNING"
    DELETED = "DELETED"
    DELETE_FAILED = "DELETE_FAILED"
    PAUSED = "PAUSED"
    OPERATION_IN_PROGRESS = "OPERATION_IN_PROGRESS"


class OperationType(StrEnum):
    """The kinds of operations (API reference, OperationSummary)."""

    CREATE_SERVICE = "CREATE_SERVICE"
    UPDATE_SERVICE = "UPDATE_SERVICE"
    DELETE_SERVICE = "DELETE_SERVICE"
    PAUSE_SERVICE = "PAUSE_SERVICE"
    RESUME_SERVICE = "RESUME_SERVICE"
    START_DEPLOYMENT = "START_DEPLOYMENT"


class OperationStatus(StrEnum):
    """The states of an operation (API reference, OperationSummary)."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"
    SUCCEEDED = "SUCCEEDED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    ROLLBACK_SUCCEEDED = "ROLLBACK_SUCCEEDED"


ALLOWED_IN: dict[OperationType, frozenset[ServiceStatus]] = {
    OperationType.CREATE_SERVICE: frozenset(),
    OperationType.UPDATE_SERVICE: frozenset(
        {ServiceStatus.RUNNING, ServiceStatus.PAUSED, ServiceStatus.CREATE_FAILED}
    ),
    OperationType.DELETE_SERVICE: frozenset(
        {
            ServiceStatus.RUNNING,
            ServiceStatus.PAUSED,
            ServiceStatus.CREATE_FAILED,
            ServiceStatus.DELETE_FAILED,
        }
    ),
    OperationType.PAUSE_SERVICE: frozenset({ServiceStatus.RUNNING}),
    OperationType.RESUME_SERVICE: frozenset({ServiceStatus.PAUSED}),
    OperationType.START_DEPLOYMENT: frozenset({ServiceStatus.RUNNING, ServiceStatus.CREATE_FAILED}),
}
"""The states of a service in which an operation may start."""


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How an instance's health is checked.

    Attributes:
        protocol: TCP or HTTP.
        path: the path that an HTTP check requests.
        interval: seconds between two checks.
        timeout: seconds until a check counts as failed.
        healthy_threshold: consecutive successes that make an instance healthy.
        unhealthy_threshold: consecutive failures that make it unhealthy.
    """

    protocol: str
    path: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int

    @classmethod
    def from_api(cls, shape: HealthCheckConfiguration) -> "HealthCheck":
        """Read a HealthCheckConfiguration with all its members."""
        return cls(
            protocol=shape["Protocol"],
            path=shape["Path"],
            interval=shape["Interval"],
            timeout=shape["Timeout"],
            healthy_threshold=shape["HealthyThreshold"],
            unhealthy_threshold=shape["UnhealthyThreshold"],
        )


@dataclass(frozen=True, kw_only=True)
class ServiceConfiguration:
    """A service's settings in the API's structures, with every default filled in."""

    source: SourceConfiguration = field(repr=False)
    instance: InstanceConfiguration
    health_check: HealthCheckConfiguration
    network: NetworkConfiguration
    observability: ServiceObservability
    auto_scaling_arn: str

    @classmethod
    def merged(
        cls,
        settings: ServiceSettings,
        auto_scaling_arn: str,
        current: "ServiceConfiguration | None",
    ) -> "ServiceConfiguration":
        """Complete a request's settings with the service's current ones, or with the defaults.

        Args:
            settings: a CreateService or UpdateService request.
            auto_scaling_arn: the auto scaling configuration to use.
            current: the service's settings; None while it is created.
        """
        source = settings.get("SourceConfiguration") or (current.source if current else {})
        return cls(
            source={"AutoDeploymentsEnabled": False, **source},
            instance={
                **(current.instance if current else _DEFAULT_INSTANCE),
                **_normalize_size(settings.get("InstanceConfiguration", {})),
            },
            health_check={
                **(current.health_check if current else _DEFAULT_HEALTH_CHECK),
                **settings.get("HealthCheckConfiguration", {}),
            },
            network={
                **(current.network if current else _DEFAULT_NETWORK),
                **settings.get("NetworkConfiguration", {}),
            },
            observability=settings.get("ObservabilityConfiguration")
            or (current.observability if current else {"ObservabilityEnabled": False}),
            auto_scaling_arn=auto_scaling_arn,
        )

    @property
    def image_identifier(self) -> str:
        """The image, as the caller named it."""
        return self.source["ImageRepository"]["ImageIdentifier"]

    @property
    def _image_configuration(self) -> ImageConfiguration:
        return self.source["ImageRepository"].get("ImageConfiguration") or {}

    @property
    def port(self) -> int:
        """The port that the application listens on."""
        return int(self._image_configuration.get("Port") or _DEFAULT_PORT)

    @property
    def start_command(self) -> str | None:
        """The command that replaces the image's, if any."""
        return self._image_configuration.get("StartCommand")

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables in plain text."""
        return dict(self._image_configuration.get("RuntimeEnvironmentVariables") or {})

    @property
    def secrets(self) -> dict[str, str]:
        """The ARNs of secrets, by the name of the environment variable."""
        return dict(self._image_configuration.get("RuntimeEnvironmentSecrets") or {})

    @property
    def access_role_arn(self) -> str:
        """The role that pulls the image."""
        return self.source["AuthenticationConfiguration"]["AccessRoleArn"]

    @property
    def instance_role_arn(self) -> str | None:
        """The role of the instances, if any."""
        return self.instance.get("InstanceRoleArn")

    @property
    def vpc_connector_arn(self) -> str | None:
        """The VPC connector, if any."""
        return self.network["EgressConfiguration"].get("VpcConnectorArn")

    @property
    def observability_arn(self) -> str | None:
        """The observability configuration, if any."""
        return self.observability.get("ObservabilityConfigurationArn")

    @property
    def nano_cpus(self) -> int:
        """An instance's processors, in billionths."""
        return int(self.instance["Cpu"]) * _NANO // _VCPU_UNITS

    @property
    def memory_bytes(self) -> int:
        """An instance's memory."""
        return int(self.instance["Memory"]) * _MEBIBYTE

    def same_application(self, other: "ServiceConfiguration") -> bool:
        """Return whether only the auto scaling configuration differs."""
        return (
            self.source,
            self.instance,
            self.health_check,
            self.network,
            self.observability,
        ) == (other.source, other.instance, other.health_check, other.network, other.observability)


def _normalize_size(instance: InstanceConfiguration) -> InstanceConfiguration:
    """Convert CPU and memory to units and MB, as DescribeService returns them."""
    normalized = instance.copy()
    if "Cpu" in normalized and normalized["Cpu"].endswith(" vCPU"):
        normalized["Cpu"] = str(int(float(normalized["Cpu"].removesuffix(" vCPU")) * _VCPU_UNITS))
    if "Memory" in normalized and normalized["Memory"].endswith(" GB"):
        gigabytes = float(normalized["Memory"].removesuffix(" GB"))
        normalized["Memory"] = str(int(gigabytes * _VCPU_UNITS))
    return normalized


@dataclass(kw_only=True)
class Operation:
    """An asynchronous operation on a service."""

    kind: OperationType
    target_arn: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: OperationStatus = OperationStatus.PENDING
    started_at: dt.datetime = field(default_factory=now)
    updated_at: dt.datetime = field(default_factory=now)
    ended_at: dt.datetime | None = None

    def move_to(self, status: OperationStatus) -> None:
        """Change the status, and the times with it."""
        self.status = status
        self.updated_at = now()
        unfinished = {
            OperationStatus.PENDING,
            OperationStatus.IN_PROGRESS,
            OperationStatus.ROLLBACK_IN_PROGRESS,
        }
        self.ended_at = None if status in unfinished else self.updated_at

    def summary(self) -> JsonObject:
        """Return the API's OperationSummary."""
        return {
            "Id": self.id,
            "Type": self.kind.value,
            "Status": self.status.value,
            "TargetArn": self.target_arn,
            "StartedAt": self.started_at,
            "UpdatedAt": self.updated_at,
            "EndedAt": self.ended_at,
        }


@dataclass(kw_only=True)
class Service:
    """A service's record; its controller runs it.

    Attributes:
        url: host and port of its HTTPS proxy.
        operations: all its operations, oldest first.
    """

    name: str
    arn: str
    url: str
    configuration: ServiceConfiguration
    id: str
    status: ServiceStatus = ServiceStatus.OPERATION_IN_PROGRESS
    tags: dict[str, str] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    created_at: dt.datetime = field(default_factory=now)
    updated_at: dt.datetime = field(default_factory=now)
    deleted_at: dt.datetime | None = None

    def move_to(self, status: ServiceStatus) -> None:
        """Change the status, and the times with it."""
        self.status = status
        self.updated_at = now()
        if status is ServiceStatus.DELETED:
            self.deleted_at = self.updated_at

    def summary(self) -> JsonObject:
        """Return the API's ServiceSummary."""
        return {
            "ServiceName": self.name,
            "ServiceId": self.id,
            "ServiceArn": self.arn,
            "ServiceUrl": self.url,
            "CreatedAt": self.created_at,
            "UpdatedAt": self.updated_at,
            "Status": self.status.value,
        }

    def description(self, auto_scaling_summary: JsonObject) -> JsonObject:
        """Return the API's Service structure."""
        configuration = self.configuration
        return {
            **self.summary(),
            "DeletedAt": self.deleted_at,
            "SourceConfiguration": configuration.source,
            "InstanceConfiguration": configuration.instance,
            "HealthCheckConfiguration": configuration.health_check,
            "AutoScalingConfigurationSummary": auto_scaling_summary,
            "NetworkConfiguration": configuration.network,
            "ObservabilityConfiguration": configuration.observability,
        }


def new_resource_id() -> str:
    """Return a new id in the form of App Runner's ARNs: 32 hexadecimal digits."""
    return secrets.token_hex(16)
