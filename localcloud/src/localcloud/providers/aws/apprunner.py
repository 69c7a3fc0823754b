"""App Runner: services, and their auto-scaling, observability and VPC connector.

Sources: the AWS App Runner API reference and developer guide, and the schemas of
aws_apprunner_service, _auto_scaling_configuration_version, _observability_configuration and
_vpc_connector for what forces a replacement.
"""

from collections.abc import Callable
from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.waiting import wait
from localcloud.providers.schema import (
    Created,
    InitializationError,
    Kind,
    Properties,
    Property,
    ProviderError,
    Request,
    refused,
)
from localcloud.providers.values import Values, text

_LIMIT_SECONDS: Final = 1200.0
_TAGGING: Final = Tagging(resource="ResourceArn")
_RUNNING: Final = frozenset({"PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS"})

_IMAGE: Final = {
    "port": Property(default="8080"),
    "runtimeEnvironmentSecrets": Property(kind=Kind.MAP, items=Property()),
    "runtimeEnvironmentVariables": Property(kind=Kind.MAP, items=Property()),
    "startCommand": Property(),
}
_SOURCE: Final = {
    "authenticationConfiguration": Property(
        kind=Kind.OBJECT,
        properties={"accessRoleArn": Property(), **refused("connectionArn")},
    ),
    "autoDeploymentsEnabled": Property(kind=Kind.BOOLEAN, default=True),
    "imageRepository": Property(
        kind=Kind.OBJECT,
        required=True,
        properties={
            "imageConfiguration": Property(kind=Kind.OBJECT, properties=_IMAGE, computed=True),
            # The pattern knows registries on AWS only.
            "imageIdentifier": Property(required=True, unchecked=True),
            "imageRepositoryType": Property(required=True),
        },
    ),
    **refused("codeRepository"),
}
_HEALTH_CHECK: Final = {
    "healthyThreshold": Property(kind=Kind.INTEGER, default=1),
    "interval": Property(kind=Kind.INTEGER, default=5),
    "path": Property(default="/"),
    "protocol": Property(default="TCP"),
    "timeout": Property(kind=Kind.INTEGER, default=2),
    "unhealthyThreshold": Property(kind=Kind.INTEGER, default=5),
}
_INSTANCE: Final = {
    "cpu": Property(default="1024"),
    "instanceRoleArn": Property(),
    "memory": Property(default="2048"),
}
_NETWORK: Final = {
    "egressConfiguration": Property(
        kind=Kind.OBJECT,
        computed=True,
        properties={"egressType": Property(computed=True), "vpcConnectorArn": Property()},
    ),
    "ingressConfiguration": Property(
        kind=Kind.OBJECT,
        computed=True,
        properties={"isPubliclyAccessible": Property(kind=Kind.BOOLEAN, computed=True)},
    ),
    "ipAddressType": Property(default="IPV4"),
}
_OBSERVABILITY: Final = {
    "observabilityEnabled": Property(kind=Kind.BOOLEAN, required=True),
    "observabilityConfigurationArn": Property(),
}


class Service(AwsResource):
    """aws:apprunner/service:Service."""

    token = "aws:apprunner/service:Service"  # noqa: S105  # a Pulumi type
    service = "apprunner"
    creates = Operation(name="CreateService", result="Service")
    reads = Operation(name="DescribeService", result="Service")
    updates = Operation(name="UpdateService")
    deletes = Operation(name="DeleteService")
    tagging = _TAGGING
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "serviceName": Property(required=True, force_new=True),
        "autoScalingConfigurationArn": Property(
            computed=True,
            aws_read="AutoScalingConfigurationSummary.AutoScalingConfigurationArn",
        ),
        "encryptionConfiguration": Property(
            kind=Kind.OBJECT,
            force_new=True,
            properties={"kmsKey": Property(required=True)},
        ),
        "healthCheckConfiguration": Property(
            kind=Kind.OBJECT, properties=_HEALTH_CHECK, computed=True
        ),
        "instanceConfiguration": Property(kind=Kind.OBJECT, properties=_INSTANCE, computed=True),
        "networkConfiguration": Property(kind=Kind.OBJECT, properties=_NETWORK, computed=True),
        "observabilityConfiguration": Property(kind=Kind.OBJECT, properties=_OBSERVABILITY),
        "sourceConfiguration": Property(kind=Kind.OBJECT, required=True, properties=_SOURCE),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="ServiceArn"),
        "serviceId": Property(output=True),
        "serviceUrl": Property(output=True),
        "status": Property(output=True),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the service by its ARN."""
        del state
        return {"ServiceArn": resource_id}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the service's ARN."""
        del inputs
        return text(result["ServiceArn"])

    def described(self, answer: Document) -> Values:
        """Take a deleted service, which App Runner describes for a while, as gone."""
        if answer["Status"] == "DELETED":
            raise AwsError(self.reads.name, "ResourceNotFoundException", "deleted")
        values = super().described(answer)
        if not answer.get("ObservabilityConfiguration", {}).get("ObservabilityEnabled"):
            # App Runner says of every service whether it is observed.
            values.pop("observabilityConfiguration", None)
        return values

    def create(self, request: Request[Aws], inputs: Values) -> Created:
        """Make the service and wait until it runs."""
        created = super().create(request, inputs)
        try:
            self._await(request, created.id, inputs, "RUNNING")
        except ProviderError as error:
            raise InitializationError(created.id, str(error)) from error
        return created

    def update(self, request: Request[Aws], resource_id: str, olds: Values, news: Values) -> None:
        """Change the service and wait until it is RUNNING, as it also is after a rollback.

        Pulumi's provider looks at nothing else, and reports an update that App Runner rolled back
        as a success. Without a change it asks nothing, not even of a service that isn't RUNNING.
        """
        wanted = dict(news)
        if "observabilityConfiguration" in olds and "observabilityConfiguration" not in news:
            wanted["observabilityConfiguration"] = {"observabilityEnabled": False}
        super().update(request, resource_id, olds, wanted)
        if self.changed(olds, wanted):
            self._await(request, resource_id, news, "RUNNING")

    def delete(self, request: Request[Aws], resource_id: str, state: Values) -> None:
        """Delete the service and wait until it is gone."""
        try:
            super().delete(request, resource_id, state)
            service = self._settle(request, resource_id, state)
        except AwsError as error:
            # App Runner describes a deleted service for a while, and refuses to delete it again.
            if error.code in self.gone or self.read(request, resource_id, state) is None:
                return
            raise
        if service["Status"] != "DELETED":
            raise ProviderError(_unexpected(resource_id, service["Status"], "DELETED"))

    def _await(self, request: Request[Aws], arn: str, values: Values, status: str) -> None:
        found = self._settle(request, arn, values)["Status"]
        if found != status:
            raise ProviderError(_unexpected(arn, found, status))

    def _settle(self, request: Request[Aws], arn: str, values: Values) -> Document:
        """Wait for the end of the operation in progress."""

        def poll() -> Document | None:
            last = self._last_operation(request, arn, values)
            found = self.call(request, self.reads, {"ServiceArn": arn}, values)
            running = last.get("Status") in _RUNNING or found["Status"] == "OPERATION_IN_PROGRESS"
            return None if running else found

        return wait(request, poll, what=f"the App Runner service {arn}", limit=_LIMIT_SECONDS)

    def _last_operation(self, request: Request[Aws], arn: str, values: Values) -> Document:
        operation = Operation(name="ListOperations")
        answer = self.call(request, operation, {"ServiceArn": arn, "MaxResults": 1}, values)
        listed = answer["OperationSummaryList"]
        last: Document = listed[0] if listed else {}
        return last


class AutoScalingConfigurationVersion(AwsResource):
    """aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion."""

    token = "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion"  # noqa: S105  # a Pulumi type
    service = "apprunner"
    creates = Operation(name="CreateAutoScalingConfiguration", result="AutoScalingConfiguration")
    reads = Operation(name="DescribeAutoScalingConfiguration", result="AutoScalingConfiguration")
    deletes = Operation(name="DeleteAutoScalingConfiguration")
    tagging = _TAGGING
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "autoScalingConfigurationName": Property(required=True, force_new=True),
        "maxConcurrency": Property(kind=Kind.INTEGER, force_new=True, default=100),
        "maxSize": Property(kind=Kind.INTEGER, force_new=True, default=25),
        "minSize": Property(kind=Kind.INTEGER, force_new=True, default=1),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="AutoScalingConfigurationArn"),
        "autoScalingConfigurationRevision": Property(kind=Kind.INTEGER, output=True),
        "hasAssociatedService": Property(kind=Kind.BOOLEAN, output=True, volatile=True),
        "isDefault": Property(kind=Kind.BOOLEAN, output=True, volatile=True),
        "latest": Property(kind=Kind.BOOLEAN, output=True, volatile=True),
        "status": Property(output=True),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the revision by its ARN."""
        del state
        return {"AutoScalingConfigurationArn": resource_id}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the revision's ARN."""
        del inputs
        return text(result["AutoScalingConfigurationArn"])

    def described(self, answer: Document) -> Values:
        """Take an inactive revision, which App Runner describes for a while, as gone."""
        return _active(super().described, answer, self.reads)


class ObservabilityConfiguration(AwsResource):
    """aws:apprunner/observabilityConfiguration:ObservabilityConfiguration."""

    token = "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration"  # noqa: S105  # a Pulumi type
    service = "apprunner"
    creates = Operation(
        name="CreateObservabilityConfiguration", result="ObservabilityConfiguration"
    )
    reads = Operation(
        name="DescribeObservabilityConfiguration", result="ObservabilityConfiguration"
    )
    deletes = Operation(name="DeleteObservabilityConfiguration")
    tagging = _TAGGING
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "observabilityConfigurationName": Property(required=True, force_new=True),
        "traceConfiguration": Property(
            kind=Kind.OBJECT, force_new=True, properties={"vendor": Property(required=True)}
        ),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="ObservabilityConfigurationArn"),
        "latest": Property(kind=Kind.BOOLEAN, output=True, volatile=True),
        "observabilityConfigurationRevision": Property(kind=Kind.INTEGER, output=True),
        "status": Property(output=True),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the revision by its ARN."""
        del state
        return {"ObservabilityConfigurationArn": resource_id}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the revision's ARN."""
        del inputs
        return text(result["ObservabilityConfigurationArn"])

    def described(self, answer: Document) -> Values:
        """Take an inactive revision, which App Runner describes for a while, as gone."""
        return _active(super().described, answer, self.reads)


class VpcConnector(AwsResource):
    """aws:apprunner/vpcConnector:VpcConnector."""

    token = "aws:apprunner/vpcConnector:VpcConnector"  # noqa: S105  # a Pulumi type
    service = "apprunner"
    creates = Operation(name="CreateVpcConnector", result="VpcConnector")
    reads = Operation(name="DescribeVpcConnector", result="VpcConnector")
    deletes = Operation(name="DeleteVpcConnector")
    tagging = _TAGGING
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "vpcConnectorName": Property(required=True, force_new=True),
        "securityGroups": Property(kind=Kind.SET, items=Property(), required=True, force_new=True),
        "subnets": Property(kind=Kind.SET, items=Property(), required=True, force_new=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="VpcConnectorArn"),
        "status": Property(output=True),
        "vpcConnectorRevision": Property(kind=Kind.INTEGER, output=True),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the connector by its ARN."""
        del state
        return {"VpcConnectorArn": resource_id}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the connector's ARN."""
        del inputs
        return text(result["VpcConnectorArn"])

    def described(self, answer: Document) -> Values:
        """Take an inactive connector, which App Runner describes for a while, as gone."""
        return _active(super().described, answer, self.reads)


def _active(
    described: Callable[[Document], Values], answer: Document, operation: Operation
) -> Values:
    if str(answer.get("Status")).upper() == "INACTIVE":
        raise AwsError(operation.name, "ResourceNotFoundException", "inactive")
    return described(answer)


def _unexpected(arn: str, found: str, wanted: str) -> str:
    # As Pulumi's provider says it, without the log: `automation deploy` quotes that on AWS too.
    return (
        f"waiting for App Runner Service ({arn}): unexpected state '{found}', wanted target"
        f" '{wanted}'"
    )
