"""What App Runner refuses beyond the shapes of its API. Pure.

Sources: the API reference (InstanceConfiguration, CreateAutoScalingConfiguration,
ImageConfiguration) and the developer guide (environment variables, VPC access).
"""

import itertools
from collections.abc import Iterator, Sequence

from localcloud.aws.apprunner.models import ServiceConfiguration
from localcloud.aws.apprunner.requests import (
    InstanceConfiguration,
    JsonObject,
    NetworkConfiguration,
    ServiceSettings,
)
from localcloud.aws.apprunner.revisions import Revision

SERVICE_QUOTA = 30
MAX_SIZE_QUOTA = 25
_MEMORY_FOR_CPU = {
    "256": ("512", "1024"),
    "512": ("1024",),
    "1024": ("2048", "3072", "4096"),
    "2048": ("4096", "6144"),
    "4096": ("8192", "10240", "12288"),
}
_HIGHEST_PORT = 65535
_RESERVED_PREFIX = "AWSAPPRUNNER"


def service_problems(request: ServiceSettings, configuration: ServiceConfiguration) -> list[str]:
    """List all problems of a service's settings.

    Args:
        request: the request, for what the stand-in doesn't support.
        configuration: the complete settings that result from it.
    """
    return list(_unsupported(request)) or list(
        itertools.chain(
            _image_problems(configuration),
            _size_problems(configuration.instance),
            _network_problems(configuration.network),
        )
    )


def auto_scaling_problems(settings: JsonObject) -> list[str]:
    """List the problems of an auto scaling configuration's MaxConcurrency, MinSize and MaxSize."""
    problems = []
    if settings["MinSize"] > settings["MaxSize"]:
        problems.append("MinSize must not be greater than MaxSize.")
    if settings["MaxSize"] > MAX_SIZE_QUOTA:
        problems.append(f"MaxSize must not be greater than {MAX_SIZE_QUOTA}.")
    return problems


def vpc_connector_problems(
    name: str, settings: JsonObject, existing: Sequence[Revision]
) -> list[str]:
    """List what prevents a new VPC connector next to the account's active ones.

    Sources: the API reference (VpcConnector: only one revision per name), and the refusal of a
    combination of security groups that another connector has (pulumi/pulumi-aws#5364).
    """
    if not settings["Subnets"]:
        return ["Subnets must name at least one subnet."]
    groups = set(settings["SecurityGroups"])
    for other in existing:
        if other.name == name:
            return [f"A VPC connector with the provided name already exists: {other.arn}."]
        if set(other.settings["SecurityGroups"]) == groups:
            problem = (
                "The security groups combination provided in the request already exists on existing"
                f" vpc connector. Existing VPC connector arn: {other.arn},"
                f" Security Groups: [{', '.join(sorted(groups))}]"
            )
            return [problem]
    return []


def _unsupported(request: ServiceSettings) -> Iterator[str]:
    source = request.get("SourceConfiguration", {})
    if "CodeRepository" in source:
        yield "SourceConfiguration.CodeRepository is not supported by the stand-in: use an image."
    if source.get("AutoDeploymentsEnabled"):
        yield "SourceConfiguration.AutoDeploymentsEnabled is not supported by the stand-in."
    repository = source.get("ImageRepository")
    if repository and repository.get("ImageRepositoryType") == "ECR_PUBLIC":
        yield "ImageRepositoryType ECR_PUBLIC is not supported by the stand-in: push to ECR."
    network = request.get("NetworkConfiguration", {})
    if network.get("IngressConfiguration", {}).get("IsPubliclyAccessible") is False:
        yield "Private ingress is not supported by the stand-in."
    if network.get("IpAddressType") == "DUAL_STACK":
        yield "IpAddressType DUAL_STACK is not supported by the stand-in."
    if "EncryptionConfiguration" in request:
        yield "EncryptionConfiguration is not supported by the stand-in: it has no KMS."


def _image_problems(configuration: ServiceConfiguration) -> Iterator[str]:
    if "ImageRepository" not in configuration.source:
        yield "SourceConfiguration needs an ImageRepository."
        return
    image = configuration.source["ImageRepository"].get("ImageConfiguration") or {}
    port = image.get("Port")
    if port and not (port.isdecimal() and 1 <= int(port) <= _HIGHEST_PORT):
        yield f"Port {port} is not a port number."
    for name in [*configuration.environment, *configuration.secrets]:
        if name.startswith(_RESERVED_PREFIX):
            yield f"Environment variable {name}: names that begin with AWSAPPRUNNER are reserved."
    both = sorted(configuration.environment.keys() & configuration.secrets.keys())
    if both:
        yield f"Defined both as a variable and as a secret: {', '.join(both)}."
    for name, arn in configuration.secrets.items():
        if not arn.startswith("arn:") or ":secretsmanager:" not in arn:
            yield f"RuntimeEnvironmentSecrets.{name}: only ARNs of Secrets Manager are supported."
    if configuration.secrets and not configuration.instance_role_arn:
        yield "RuntimeEnvironmentSecrets need an InstanceRoleArn that may read them."
    if not configuration.source.get("AuthenticationConfiguration", {}).get("AccessRoleArn"):
        yield "An image in ECR needs AuthenticationConfiguration.AccessRoleArn."


def _size_problems(instance: InstanceConfiguration) -> Iterator[str]:
    cpu, memory = instance["Cpu"], instance["Memory"]
    if memory not in _MEMORY_FOR_CPU[cpu]:
        allowed = ", ".join(_MEMORY_FOR_CPU[cpu])
        yield (
            f"{memory} MB of memory can't be combined with {cpu} CPU units; "
            f"memory must be one of {allowed}."
        )


def _network_problems(network: NetworkConfiguration) -> Iterator[str]:
    egress = network["EgressConfiguration"]
    is_vpc = egress.get("EgressType") == "VPC"
    if is_vpc and not egress.get("VpcConnectorArn"):
        yield "EgressType VPC needs a VpcConnectorArn."
    if not is_vpc and egress.get("VpcConnectorArn"):
        yield "A VpcConnectorArn needs EgressType VPC."
