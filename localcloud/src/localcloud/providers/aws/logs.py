"""CloudWatch Logs: log groups.

Sources: the Amazon CloudWatch Logs API reference, and the schema of aws_cloudwatch_log_group for
the changes that force a replacement.
"""

from typing import ClassVar

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
from localcloud.providers.aws.shapes import Casing
from localcloud.providers.schema import (
    Created,
    CreateRequest,
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    initializing,
    unsupported,
)
from localcloud.providers.values import Values, as_string


class LogGroup(AwsResource):
    """aws:cloudwatch/logGroup:LogGroup."""

    token = "aws:cloudwatch/logGroup:LogGroup"  # noqa: S105  # a Pulumi type
    service = "logs"
    casing = Casing.CAMEL
    autonamed = "name"
    creates = Operation(name="CreateLogGroup")
    reads = Operation(name="DescribeLogGroups", result="logGroups")
    deletes = Operation(name="DeleteLogGroup")
    id_members = ("logGroupName",)
    tagging = Tagging(
        resource="resourceArn",
        tags="tags",
        keys="tagKeys",
        pairs=None,
        created_as="tags",
        listed_as="tags",
    )
    handled = HANDLED | {"retentionInDays", "skipDestroy"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="logGroupName"),
        "logGroupClass": Property(force_new=True, computed=True),
        "retentionInDays": Property(kind=Kind.INTEGER, default=0),
        "kmsKeyId": Property(),
        "skipDestroy": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True),
        **unsupported("deletionProtectionEnabled", "namePrefix"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the group, also by the prefix that DescribeLogGroups takes."""
        return super().identity(request) | {"logGroupNamePrefix": request.id}

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the group and set its retention."""
        created = super().create(request)
        with initializing(created.id):
            if request.inputs.get("retentionInDays"):
                self._set_retention(request, created.id, request.inputs)
        return created

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Describe the group with exactly this name, not a longer one."""
        found = super().read(request)
        return found if found is not None and found["name"] == request.id else None

    def described(self, response: Document) -> Values:
        """Remove the wildcard for the group's streams from the ARN."""
        values = super().described(response)
        values["arn"] = as_string(values["arn"]).removesuffix(":*")
        values.setdefault("retentionInDays", 0)
        return values

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change the retention, the key and the tags."""
        if request.inputs.get("retentionInDays") != request.state.get("retentionInDays"):
            self._set_retention(request, request.id, request.inputs)
        if request.inputs.get("kmsKeyId") != request.state.get("kmsKeyId"):
            self._set_key(request)
        self.update_tags(request)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Delete the group, unless the program sets skipDestroy."""
        if request.state.get("skipDestroy") is not True:
            super().delete(request)

    def _set_key(self, request: UpdateRequest[Aws]) -> None:
        group: Document = {"logGroupName": request.id}
        if key := request.inputs.get("kmsKeyId"):
            self.call(request, Operation(name="AssociateKmsKey"), {**group, "kmsKeyId": key})
        else:
            self.call(request, Operation(name="DisassociateKmsKey"), group)

    def _set_retention(self, request: AwsRequest, name: str, inputs: Values) -> None:
        group: Document = {"logGroupName": name}
        if days := inputs.get("retentionInDays"):
            operation, parameters = "PutRetentionPolicy", {**group, "retentionInDays": days}
        else:
            operation, parameters = "DeleteRetentionPolicy", group
        try:
            self.call(request, Operation(name=operation), parameters)
        except AwsError as error:
            if operation != "DeleteRetentionPolicy" or error.code not in self.not_found_codes:
                raise
