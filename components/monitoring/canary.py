"""Canary: calls the server as a caller does, every few minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components import policies
from components.context import StackContext
from components.function_code import CANARY_HANDLER, write_canary_package
from components.lambda_function import FunctionArgs, lambda_function
from components.monitoring.alarm import NAMESPACE
from components.monitoring.canary_alarms import CANARY_DIMENSION
from components.monitoring.canary_schedule import schedule
from components.roles import FunctionRole, Grant, function_role

# More than the function's time limits for its requests, with those of AWS's APIs.
_SECONDS: Final = 90
# boto3 takes seconds to load with Lambda's least.
_MEGABYTES: Final = 256


@dataclass(frozen=True, kw_only=True)
class CanaryArgs:
    """What Canary needs.

    Attributes:
        context: what the stack's components share.
        secret_arn: ARN of the canary's own client's secret.
        minutes: minutes from one run to the next.
        ready: what must exist before the first run, such as the secret's value.
    """

    context: StackContext
    secret_arn: pulumi.Input[str]
    minutes: int
    ready: Sequence[pulumi.Resource] = ()


class Canary(pulumi.ComponentResource):
    """Calls the server as a caller does (``neo4j-mcp:monitoring:Canary``).

    Creates the function with its role and log group, and the rule that runs it, with the permission
    to do so. The function takes a token with the canary's own client, which it keeps while it is
    valid, lists the tools and has the database run a trivial query. It publishes CanarySuccess (1
    or 0) and CanaryLatency in the namespace Neo4jMcp, and its log names the hop that failed. The
    role may read this client's secret and write these metrics.

    It is in no VPC, so it reaches the server as callers on the internet do.

    Deletion protection covers the permission.

    Idle cost: its two metrics, and one token for each hour; the invocations are within Lambda's
    free tier.

    Attributes:
        name: the function's name.
        log_group: the name of its log group.
        dimensions: the dimensions of its metrics.
    """

    name: pulumi.Output[str]
    log_group: pulumi.Output[str]
    dimensions: dict[str, str]

    def __init__(
        self, name: str, args: CanaryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the function and what runs it."""
        super().__init__("neo4j-mcp:monitoring:Canary", name, None, opts)
        context = args.context
        service = context.names.service_dimension
        role = self._role(args)
        function = lambda_function(
            name,
            context,
            FunctionArgs(
                name=context.names.canary_function,
                description="Calls the server as a caller does, and publishes whether that worked",
                role=role,
                package=write_canary_package(),
                handler=CANARY_HANDLER,
                memory=_MEGABYTES,
                timeout=_SECONDS,
                environment={"CREDENTIALS_ARN": args.secret_arn, "SERVICE_NAME": service},
            ),
            parent=self,
        )
        self.name, self.log_group = function.name, role.log_group.name
        self.dimensions = {CANARY_DIMENSION: service}
        self._schedule(args, function)
        self.register_outputs({"name": self.name})

    def _role(self, args: CanaryArgs) -> FunctionRole:
        context, name = args.context, self.pulumi_resource_name
        calls = Grant(
            logical_name=f"{name}-may-call",
            name="call-as-canary",
            policy=pulumi.Output.from_input(args.secret_arn).apply(policies.call_as),
        )
        publishes = Grant(
            logical_name=f"{name}-may-publish",
            name="write-metrics",
            policy=policies.write_metrics(NAMESPACE),
        )
        return function_role(
            name,
            context,
            parent=self,
            name=context.names.canary_function,
            description="The canary: reads its own client's secret and writes its metrics",
            log_stem=context.names.canary_log_stem,
            retain_log=False,
            grants=[calls, publishes],
        )

    def _schedule(self, args: CanaryArgs, function: aws.lambda_.Function) -> None:
        context, name = args.context, self.pulumi_resource_name
        rule = aws.cloudwatch.EventRule(
            f"{name}-schedule",
            name=context.names.canary_rule,
            description="Runs the canary",
            schedule_expression=schedule(args.minutes),
            state="ENABLED",
            tags=context.tags,
            opts=context.options(aws.cloudwatch.EventRule, parent=self),
        )
        permission = aws.lambda_.Permission(
            f"{name}-schedule-permission",
            statement_id="AllowSchedule",
            action="lambda:InvokeFunction",
            function=function.name,
            principal=policies.EVENT_BRIDGE,
            source_arn=rule.arn,
            opts=context.options(aws.lambda_.Permission, parent=self),
        )
        aws.cloudwatch.EventTarget(
            f"{name}-schedule-target",
            rule=rule.name,
            target_id="canary",
            arn=function.arn,
            opts=context.options(
                aws.cloudwatch.EventTarget, parent=self, depends_on=[permission, *args.ready]
            ),
        )
