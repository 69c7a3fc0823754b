"""App Runner: services, and their auto-scaling, observability and VPC connector.

Sources: the AWS App Runner API reference and developer guide, and the schemas of
aws_apprunner_service, _auto_scaling_configuration_version, _observability_configuration and
_vpc_connector for the changes that force a replacement.
"""

from dataclasses import replace
from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsRequest,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.waiting import poll_until_done
from localcloud.providers.schema import (
    Created,
    CreateRequest,
    Kind,
    Properties,
    Property,
    ProviderError,
    ResourceRequest,
    UpdateRequest,
    initializing,
    unsupported,
)
from localcloud.providers.values import Values

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
        properties={"accessRoleArn": Property(), **unsupported("connectionArn")},
    ),
    "autoDeploymentsEnabled": Property(kind=Kind.BOOLEAN, default=True),
    "imageRepository": Property(
        kind=Kind.OBJECT,
        required=True,
        properties={
            "imageConfiguration": Property(kind=Kind.OBJECT, properties=_IMAGE, computed=True),
            # The pattern allows registries on AWS only.
            "imageIdentifier": Property(required=True, unchecked=True),
            "imageRepositoryType": Property(required=True),
        },
    ),
    **unsupported("codeRepository"),
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
    id_members = ("ServiceArn",)
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

    def described(self, response: Document) -> Values:
        """Treat a deleted service, which App Runner describes for a while, as deleted."""
        if response["Status"] == "DELETED":
            raise AwsError(self.reads.name, "ResourceNotFoundException", "deleted")
        values = super().described(response)
        if not response.get("ObservabilityConfiguration", {}).get("ObservabilityEnabled"):
            # App Runner returns the configuration for every service, observed or not.
            values.pop("observabilityConfiguration", None)
        return values

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the service and wait until it runs."""
        created = super().create(request)
        with initializing(created.id):
            self._wait_until_running(request, created.id)
        return created

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change the service and wait until it is RUNNING, as it also is after a rollback.

        Pulumi's provider checks nothing else, and reports an update that App Runner rolled back
        as a success. Without a change it doesn't check the status at all.
        """
        inputs = dict(request.inputs)
        if "observabilityConfiguration" in request.state:
            inputs.setdefault("observabilityConfiguration", {"observabilityEnabled": False})
        request = replace(request, inputs=inputs)
        super().update(request)
        if self.is_changed(request):
            self._wait_until_running(request, request.id)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Delete the service and wait until it is gone."""
        try:
            super().delete(request)
            service = self._wait_for_operation(request, request.id)
        except AwsError as error:
            # App Runner describes a deleted service for a while, and refuses to delete it again.
            if error.code in self.not_found_codes or self.read(request) is None:
                return
            raise
        if service["Status"] != "DELETED":
            raise ProviderError(_unexpected(request.id, service["Status"], "DELETED"))

    def _wait_until_running(self, request: AwsRequest, arn: str) -> None:
        status = self._wait_for_operation(request, arn)["Status"]
        if status != "RUNNING":
            raise ProviderError(_unexpected(arn, status, "RUNNING"))

    def _wait_for_operation(self, request: AwsRequest, arn: str) -> Document:
        """Wait for the operation in progress, and return the service."""

        def poll() -> Document | None:
            last = self._last_operation(request, arn)
            service = self.call(request, self.reads, {"ServiceArn": arn})
            in_progress = service["Status"] == "OPERATION_IN_PROGRESS"
            return None if last.get("Status") in _RUNNING or in_progress else service

        what = f"the App Runner service {arn}"
        return poll_until_done(request, poll, what=what, limit=_LIMIT_SECONDS)

    def _last_operation(self, request: AwsRequest, arn: str) -> Document:
        operation = Operation(name="ListOperations")
        response = self.call(request, operation, {"ServiceArn": arn, "MaxResults": 1})
        listed = response["OperationSummaryList"]
        last: Document = listed[0] if listed else {}
        return last


class _Revision(AwsResource):
    """A resource type that App Runner marks as inactive instead of deleting it at once."""

    def described(self, response: Document) -> Values:
        """Treat an inactive revision, which App Runner describes for a while, as deleted."""
        if str(response.get("Status")).upper() == "INACTIVE":
            raise AwsError(self.reads.name, "ResourceNotFoundException", "inactive")
        return super().described(response)


class AutoScalingConfigurationVersion(_Revision):
    """aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion."""

    token = "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion"  # noqa: S105  # a Pulumi type
    service = "apprunner"
    creates = Operation(name="CreateAutoScalingConfiguration", result="AutoScalingConfiguration")
    reads = Operation(name="DescribeAutoScalingConfiguration", result="AutoScalingConfiguration")
    deletes = Operation(name="DeleteAutoScalingConfiguration")
    id_members = ("AutoScalingConfigurationArn",)
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


class ObservabilityConfiguration(_Revision):
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
    id_members = ("ObservabilityConfigurationArn",)
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


class VpcConnector(_Revision):
    """aws:apprunner/vpcConnector:VpcConnector."""

    token = "aws:apprunner/vpcConnector:VpcConnector"  # noqa: S105  # a Pulumi type
    service = "apprunner"
    creates = Operation(name="CreateVpcConnector", result="VpcConnector")
    reads = Operation(name="DescribeVpcConnector", result="VpcConnector")
    deletes = Operation(name="DeleteVpcConnector")
    id_members = ("VpcConnectorArn",)
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


def _unexpected(arn: str, found: str, wanted: str) -> str:
    # Worded as in Pulumi's provider, without the log: `automation deploy` quotes it on AWS too.
    return (
        f"waiting for App Runner Service ({arn}): unexpected state '{found}', wanted target"
        f" '{wanted}'"
    )
