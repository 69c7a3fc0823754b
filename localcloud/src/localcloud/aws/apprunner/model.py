"""What App Runner keeps: services, operations and the resources that services share."""

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]

_VCPU_UNITS = 1024
_NANO = 1_000_000_000
_MEBIBYTE = 1024 * 1024
_DEFAULT_PORT = "8080"
_DEFAULT_INSTANCE = {"Cpu": "1024", "Memory": "2048"}
_DEFAULT_HEALTH_CHECK = {
    "Protocol": "TCP",
    "Path": "/",
    "Interval": 5,
    "Timeout": 2,
    "HealthyThreshold": 1,
    "UnhealthyThreshold": 5,
}
_DEFAULT_NETWORK = {
    "EgressConfiguration": {"EgressType": "DEFAULT"},
    "IngressConfiguration": {"IsPubliclyAccessible": True},
    "IpAddressType": "IPV4",
}


def now() -> dt.datetime:
    """Tell the time.

    Returns:
        The time, with its zone.
    """
    return dt.datetime.now(dt.UTC)


class ServiceStatus(StrEnum):
    """States of a service (API reference, Service)."""

    CREATE_FAILED = "CREATE_FAILED"
    RUNNING = "RUNNING"
    DELETED = "DELETED"
    DELETE_FAILED = "DELETE_FAILED"
    PAUSED = "PAUSED"
    OPERATION_IN_PROGRESS = "OPERATION_IN_PROGRESS"


class OperationType(StrEnum):
    """What an operation does (API reference, OperationSummary)."""

    CREATE_SERVICE = "CREATE_SERVICE"
    UPDATE_SERVICE = "UPDATE_SERVICE"
    DELETE_SERVICE = "DELETE_SERVICE"
    PAUSE_SERVICE = "PAUSE_SERVICE"
    RESUME_SERVICE = "RESUME_SERVICE"
    START_DEPLOYMENT = "START_DEPLOYMENT"


class OperationStatus(StrEnum):
    """States of an operation (API reference, OperationSummary)."""

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
"""In which states of a service an operation may start."""


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How an instance is asked whether it is healthy.

    Attributes:
        protocol: TCP or HTTP.
        path: what an HTTP check asks for.
        interval: seconds from check to check.
        timeout: seconds until a check counts as failed.
        healthy_threshold: checks in a row that make an instance healthy.
        unhealthy_threshold: failed checks in a row that make it unhealthy.
    """

    protocol: str
    path: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int

    @classmethod
    def from_api(cls, shape: JsonObject) -> "HealthCheck":
        """Read a complete HealthCheckConfiguration.

        Args:
            shape: the API's structure.

        Returns:
            The health check.
        """
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
    """A service's settings, as the API's structures with every default filled in.

    Attributes:
        source: SourceConfiguration.
        instance: InstanceConfiguration.
        health_check: HealthCheckConfiguration.
        network: NetworkConfiguration.
        observability: ObservabilityConfiguration.
        encryption: EncryptionConfiguration; None where AWS's own key is used.
        auto_scaling_arn: the auto scaling configuration's full ARN.
    """

    source: JsonObject = field(repr=False)
    instance: JsonObject
    health_check: JsonObject
    network: JsonObject
    observability: JsonObject
    encryption: JsonObject | None
    auto_scaling_arn: str

    @classmethod
    def merged(
        cls, parameters: JsonObject, auto_scaling_arn: str, current: "ServiceConfiguration | None"
    ) -> "ServiceConfiguration":
        """Fill a request's settings in from what the service has, and from the defaults.

        Args:
            parameters: a CreateService or UpdateService request.
            auto_scaling_arn: the auto scaling configuration to use.
            current: the service's settings; None while it is created.

        Returns:
            The complete settings.
        """
        source = parameters.get("SourceConfiguration") or (current.source if current else {})
        instance = parameters.get("InstanceConfiguration", {})
        health_check = parameters.get("HealthCheckConfiguration", {})
        network = parameters.get("NetworkConfiguration", {})
        instance_base = current.instance if current else _DEFAULT_INSTANCE
        return cls(
            source={"AutoDeploymentsEnabled": False, **source},
            instance={**instance_base, **_normalized_size(instance)},
            health_check={
                **(current.health_check if current else _DEFAULT_HEALTH_CHECK),
                **health_check,
            },
            network={**(current.network if current else _DEFAULT_NETWORK), **network},
            observability=parameters.get("ObservabilityConfiguration")
            or (current.observability if current else {"ObservabilityEnabled": False}),
            encryption=current.encryption if current else parameters.get("EncryptionConfiguration"),
            auto_scaling_arn=auto_scaling_arn,
        )

    @property
    def image_identifier(self) -> str:
        """The image, as the caller named it."""
        return str(self.source["ImageRepository"]["ImageIdentifier"])

    @property
    def _image_configuration(self) -> JsonObject:
        return self.source["ImageRepository"].get("ImageConfiguration") or {}

    @property
    def port(self) -> int:
        """The port that the application listens on."""
        return int(self._image_configuration.get("Port") or _DEFAULT_PORT)

    @property
    def start_command(self) -> str | None:
        """What replaces the image's command."""
        return self._image_configuration.get("StartCommand")

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables in plain text."""
        return dict(self._image_configuration.get("RuntimeEnvironmentVariables") or {})

    @property
    def secrets(self) -> dict[str, str]:
        """Environment variables whose values are kept elsewhere: name to ARN."""
        return dict(self._image_configuration.get("RuntimeEnvironmentSecrets") or {})

    @property
    def access_role_arn(self) -> str:
        """The role that pulls the image."""
        return str(self.source["AuthenticationConfiguration"]["AccessRoleArn"])

    @property
    def instance_role_arn(self) -> str | None:
        """The role that instances act in."""
        return self.instance.get("InstanceRoleArn")

    @property
    def nano_cpus(self) -> int:
        """An instance's processors, in billionths."""
        return int(self.instance["Cpu"]) * _NANO // _VCPU_UNITS

    @property
    def memory_bytes(self) -> int:
        """An instance's memory."""
        return int(self.instance["Memory"]) * _MEBIBYTE

    def same_application(self, other: "ServiceConfiguration") -> bool:
        """Tell whether instances of the one settings can serve under the other.

        Args:
            other: other settings of the service.

        Returns:
            True where only the auto scaling configuration differs.
        """
        return (self.source, self.instance, self.health_check, self.network) == (
            other.source,
            other.instance,
            other.health_check,
            other.network,
        ) and self.observability == other.observability


def _normalized_size(instance: JsonObject) -> JsonObject:
    """Write CPU and memory in units and MB, as DescribeService answers them."""
    normalized = dict(instance)
    if "Cpu" in normalized and normalized["Cpu"].endswith(" vCPU"):
        normalized["Cpu"] = str(int(float(normalized["Cpu"].removesuffix(" vCPU")) * _VCPU_UNITS))
    if "Memory" in normalized and normalized["Memory"].endswith(" GB"):
        gigabytes = float(normalized["Memory"].removesuffix(" GB"))
        normalized["Memory"] = str(int(gigabytes * _VCPU_UNITS))
    return normalized


@dataclass(kw_only=True)
class Operation:
    """One asynchronous piece of work on a service.

    Attributes:
        kind: what it does.
        target_arn: the service.
        id: its id.
        status: how far it is.
        started_at: when it was asked for.
        updated_at: when its status changed last.
        ended_at: when it ended.
    """

    kind: OperationType
    target_arn: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: OperationStatus = OperationStatus.PENDING
    started_at: dt.datetime = field(default_factory=now)
    updated_at: dt.datetime = field(default_factory=now)
    ended_at: dt.datetime | None = None

    def move_to(self, status: OperationStatus) -> None:
        """Change the status, and the times with it.

        Args:
            status: the new status.
        """
        self.status = status
        self.updated_at = now()
        unfinished = {
            OperationStatus.PENDING,
            OperationStatus.IN_PROGRESS,
            OperationStatus.ROLLBACK_IN_PROGRESS,
        }
        self.ended_at = None if status in unfinished else self.updated_at

    def summary(self) -> JsonObject:
        """Write the operation as ListOperations answers it.

        Returns:
            An OperationSummary.
        """
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
    """A service, but for its instances.

    Attributes:
        name: its name.
        arn: its ARN.
        url: host and port of its HTTPS front.
        configuration: its settings.
        id: its id.
        status: its state.
        tags: its tags.
        operations: what was done to it, oldest first.
        created_at: when it was created.
        updated_at: when it changed last.
        deleted_at: when it was deleted.
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
        """Change the status, and the times with it.

        Args:
            status: the new status.
        """
        self.status = status
        self.updated_at = now()
        if status is ServiceStatus.DELETED:
            self.deleted_at = self.updated_at

    def summary(self) -> JsonObject:
        """Write the service as ListServices answers it.

        Returns:
            A ServiceSummary.
        """
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
        """Write the service as DescribeService answers it.

        Args:
            auto_scaling_summary: its AutoScalingConfigurationSummary.

        Returns:
            A Service structure.
        """
        configuration = self.configuration
        return {
            **self.summary(),
            "DeletedAt": self.deleted_at,
            "SourceConfiguration": configuration.source,
            "InstanceConfiguration": configuration.instance,
            "EncryptionConfiguration": configuration.encryption,
            "HealthCheckConfiguration": configuration.health_check,
            "AutoScalingConfigurationSummary": auto_scaling_summary,
            "NetworkConfiguration": configuration.network,
            "ObservabilityConfiguration": configuration.observability,
        }


def new_resource_id() -> str:
    """Make an id as App Runner's ARNs carry it.

    Returns:
        32 hexadecimal digits.
    """
    return secrets.token_hex(16)
