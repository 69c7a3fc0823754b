"""CloudWatch Logs: log groups.

Sources: the Amazon CloudWatch Logs API reference, and the schema of aws_cloudwatch_log_group for
what forces a replacement.
"""

from typing import ClassVar

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.shapes import Casing
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


class LogGroup(AwsResource):
    """aws:cloudwatch/logGroup:LogGroup."""

    token = "aws:cloudwatch/logGroup:LogGroup"  # noqa: S105  # a Pulumi type
    service = "logs"
    casing = Casing.CAMEL
    autonamed = "name"
    creates = Operation(name="CreateLogGroup")
    reads = Operation(name="DescribeLogGroups", result="logGroups")
    deletes = Operation(name="DeleteLogGroup")
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
        "skipDestroy": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True),
        **refused("deletionProtectionEnabled", "kmsKeyId", "namePrefix"),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the group; a description takes a prefix, which its own name heads."""
        del state
        return {"logGroupName": resource_id, "logGroupNamePrefix": resource_id}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the group's name."""
        del result
        return text(inputs["name"])

    def create(self, request: Request[Aws], inputs: Values) -> Created:
        """Make the group and set its retention."""
        created = super().create(request, inputs)
        try:
            if inputs.get("retentionInDays"):
                self._retain(request, created.id, inputs)
        except ProviderError as error:
            raise InitializationError(created.id, str(error)) from error
        return created

    def read(self, request: Request[Aws], resource_id: str, state: Values) -> Values | None:
        """Describe the group of exactly this name."""
        found = super().read(request, resource_id, state)
        return found if found is not None and found["name"] == resource_id else None

    def described(self, answer: Document) -> Values:
        """Tell the ARN without the wildcard for the group's streams."""
        values = super().described(answer)
        values["arn"] = text(values["arn"]).removesuffix(":*")
        values.setdefault("retentionInDays", 0)
        return values

    def update(self, request: Request[Aws], resource_id: str, olds: Values, news: Values) -> None:
        """Set the retention and the tags."""
        if news.get("retentionInDays") != olds.get("retentionInDays"):
            self._retain(request, resource_id, news)
        self.retag(request, olds, news)

    def delete(self, request: Request[Aws], resource_id: str, state: Values) -> None:
        """Delete the group, unless the program wants it kept."""
        if state.get("skipDestroy") is not True:
            super().delete(request, resource_id, state)

    def _retain(self, request: Request[Aws], name: str, inputs: Values) -> None:
        group: Document = {"logGroupName": name}
        if days := inputs.get("retentionInDays"):
            operation, parameters = "PutRetentionPolicy", {**group, "retentionInDays": days}
        else:
            operation, parameters = "DeleteRetentionPolicy", group
        try:
            self.call(request, Operation(name=operation), parameters, inputs)
        except AwsError as error:
            if operation != "DeleteRetentionPolicy" or error.code not in self.gone:
                raise
