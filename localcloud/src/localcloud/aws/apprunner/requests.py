"""App Runner's requests, typed. botocore's model has validated them before they get here.

Source: the App Runner API reference.
"""

from typing import Any, NotRequired, TypedDict

JsonObject = dict[str, Any]


class Tag(TypedDict, total=False):
    """A resource's tag."""

    Key: str
    Value: str


class ImageConfiguration(TypedDict, total=False):
    """How an image is run."""

    Port: str
    StartCommand: str
    RuntimeEnvironmentVariables: dict[str, str]
    RuntimeEnvironmentSecrets: dict[str, str]


class ImageRepository(TypedDict):
    """An image and how it is run."""

    ImageIdentifier: str
    ImageRepositoryType: str
    ImageConfiguration: NotRequired[ImageConfiguration]


class AuthenticationConfiguration(TypedDict, total=False):
    """How an image is pulled."""

    AccessRoleArn: str
    ConnectionArn: str


class SourceConfiguration(TypedDict, total=False):
    """What a service runs."""

    ImageRepository: ImageRepository
    CodeRepository: JsonObject
    AuthenticationConfiguration: AuthenticationConfiguration
    AutoDeploymentsEnabled: bool


class InstanceConfiguration(TypedDict, total=False):
    """An instance's size and role."""

    Cpu: str
    Memory: str
    InstanceRoleArn: str


class HealthCheckConfiguration(TypedDict, total=False):
    """How instances are checked."""

    Protocol: str
    Path: str
    Interval: int
    Timeout: int
    HealthyThreshold: int
    UnhealthyThreshold: int


class EgressConfiguration(TypedDict, total=False):
    """Where a service's own requests go."""

    EgressType: str
    VpcConnectorArn: str


class IngressConfiguration(TypedDict, total=False):
    """Where a service is reached from."""

    IsPubliclyAccessible: bool


class NetworkConfiguration(TypedDict, total=False):
    """A service's network."""

    EgressConfiguration: EgressConfiguration
    IngressConfiguration: IngressConfiguration
    IpAddressType: str


class ServiceObservability(TypedDict, total=False):
    """Whether and how a service is traced."""

    ObservabilityEnabled: bool
    ObservabilityConfigurationArn: str


class ServiceSettings(TypedDict, total=False):
    """What CreateService and UpdateService have in common."""

    SourceConfiguration: SourceConfiguration
    InstanceConfiguration: InstanceConfiguration
    HealthCheckConfiguration: HealthCheckConfiguration
    NetworkConfiguration: NetworkConfiguration
    ObservabilityConfiguration: ServiceObservability
    AutoScalingConfigurationArn: str


class CreateServiceRequest(ServiceSettings):
    """CreateService."""

    ServiceName: str
    Tags: NotRequired[list[Tag]]
    EncryptionConfiguration: NotRequired[JsonObject]


class ServiceRequest(TypedDict):
    """An operation that needs only the service."""

    ServiceArn: str


class UpdateServiceRequest(ServiceRequest, ServiceSettings):
    """UpdateService."""


class PageRequest(TypedDict, total=False):
    """A list operation."""

    MaxResults: int
    NextToken: str


class ListOperationsRequest(ServiceRequest, PageRequest):
    """ListOperations."""


class ResourceRequest(TypedDict):
    """ListTagsForResource."""

    ResourceArn: str


class TagResourceRequest(ResourceRequest):
    """TagResource."""

    Tags: list[Tag]


class UntagResourceRequest(ResourceRequest):
    """UntagResource."""

    TagKeys: list[str]
