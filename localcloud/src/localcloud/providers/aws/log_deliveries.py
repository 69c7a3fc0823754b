"""CloudWatch Logs: the delivery of other services' logs.

Sources: the Amazon CloudWatch Logs API reference, and the schemas of
aws_cloudwatch_log_delivery_source, …_destination and …_delivery for the changes that force a
replacement.
"""

from typing import ClassVar

from localcloud.providers.aws.clients import Document
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
    Kind,
    Properties,
    Property,
    unsupported,
)
from localcloud.providers.values import Values

_TAGGING = Tagging(
    resource="resourceArn",
    tags="tags",
    keys="tagKeys",
    pairs=None,
    created_as="tags",
    listed_as="tags",
)


class LogDeliverySource(AwsResource):
    """aws:cloudwatch/logDeliverySource:LogDeliverySource."""

    token = "aws:cloudwatch/logDeliverySource:LogDeliverySource"  # noqa: S105  # a Pulumi type
    service = "logs"
    casing = Casing.CAMEL
    autonamed = "name"
    creates = Operation(name="PutDeliverySource", result="deliverySource")
    reads = Operation(name="GetDeliverySource", result="deliverySource")
    deletes = Operation(name="DeleteDeliverySource")
    id_members = ("name",)
    tagging = _TAGGING
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True),
        "logType": Property(required=True, force_new=True),
        "resourceArn": Property(required=True, force_new=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True),
        "service": Property(output=True),
    }

    def described(self, response: Document) -> Values:
        """Return the one resource that a source has."""
        return {**super().described(response), "resourceArn": response["resourceArns"][0]}


class LogDeliveryDestination(AwsResource):
    """aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination."""

    token = "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination"  # noqa: S105  # a Pulumi type
    service = "logs"
    casing = Casing.CAMEL
    autonamed = "name"
    creates = Operation(name="PutDeliveryDestination", result="deliveryDestination")
    reads = Operation(name="GetDeliveryDestination", result="deliveryDestination")
    updates = Operation(name="PutDeliveryDestination")
    deletes = Operation(name="DeleteDeliveryDestination")
    id_members = ("name",)
    tagging = _TAGGING
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True),
        "deliveryDestinationConfiguration": Property(
            kind=Kind.OBJECT,
            # The real provider needs none for traces, which no component delivers.
            required=True,
            properties={"destinationResourceArn": Property(required=True)},
        ),
        "outputFormat": Property(force_new=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True),
        **unsupported("deliveryDestinationType"),
    }


class LogDelivery(AwsResource):
    """aws:cloudwatch/logDelivery:LogDelivery."""

    token = "aws:cloudwatch/logDelivery:LogDelivery"  # noqa: S105  # a Pulumi type
    service = "logs"
    casing = Casing.CAMEL
    creates = Operation(name="CreateDelivery", result="delivery")
    reads = Operation(name="GetDelivery", result="delivery")
    deletes = Operation(name="DeleteDelivery")
    id_members = ("id",)
    tagging = _TAGGING
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "deliveryDestinationArn": Property(required=True, force_new=True),
        "deliverySourceName": Property(required=True, force_new=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True),
        **unsupported("fieldDelimiter", "recordFields", "s3DeliveryConfigurations"),
    }
