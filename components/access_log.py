"""AccessLog: an entry for each request that a load balancer or a distribution receives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.context import StackContext
from components.log_group import log_group

# Source: PutDeliverySource in the Amazon CloudWatch Logs API reference.
LOAD_BALANCER_LOG: Final = "ALB_ACCESS_LOGS"
EDGE_LOG: Final = "ACCESS_LOGS"


@dataclass(frozen=True, kw_only=True)
class AccessLogArgs:
    """What an AccessLog needs.

    Attributes:
        context: what the stack's components share.
        name: name of the delivery's source and destination.
        log_stem: name of the log group without its random suffix.
        resource_arn: ARN of what receives the requests.
        log_type: the type of log, as CloudWatch Logs names it.
        region: where the log is; by default in the stack's region.
    """

    context: StackContext
    name: str
    log_stem: str
    resource_arn: pulumi.Output[str]
    log_type: str
    region: str | None = None


class AccessLog(pulumi.ComponentResource):
    """Delivers access logs to CloudWatch Logs (``neo4j-mcp:logs:AccessLog``).

    Creates the log group, and the delivery's source, destination and connection. Entries have the
    caller's address, the path and the status, and neither headers with tokens nor bodies.
    CloudWatch Logs itself lets the delivery write: the group's name begins with /aws/vendedlogs/,
    so that one statement in the account's resource policy covers all such groups.

    Idle cost: none.

    Attributes:
        log_group: name of the log group.
    """

    log_group: pulumi.Output[str]

    def __init__(
        self, name: str, args: AccessLogArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the log group and the delivery."""
        super().__init__("neo4j-mcp:logs:AccessLog", name, None, opts)
        context = args.context
        group = log_group(name, context, parent=self, stem=args.log_stem, region=args.region)
        source = aws.cloudwatch.LogDeliverySource(
            f"{name}-source",
            name=args.name,
            resource_arn=args.resource_arn,
            log_type=args.log_type,
            region=args.region,
            tags=context.tags,
            opts=context.options(aws.cloudwatch.LogDeliverySource, parent=self),
        )
        destination = aws.cloudwatch.LogDeliveryDestination(
            f"{name}-destination",
            name=args.name,
            output_format="json",
            delivery_destination_configuration=(
                aws.cloudwatch.LogDeliveryDestinationDeliveryDestinationConfigurationArgs(
                    destination_resource_arn=group.arn
                )
            ),
            region=args.region,
            tags=context.tags,
            opts=context.options(aws.cloudwatch.LogDeliveryDestination, parent=self),
        )
        aws.cloudwatch.LogDelivery(
            f"{name}-delivery",
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            region=args.region,
            tags=context.tags,
            opts=context.options(aws.cloudwatch.LogDelivery, parent=self),
        )
        self.log_group = group.name
        self.register_outputs({"logGroup": self.log_group})
