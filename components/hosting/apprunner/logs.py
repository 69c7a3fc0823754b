"""AppRunnerLogs: retention and encryption of the log groups that App Runner creates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components import policies
from components.context import StackContext
from components.function_code import LOG_HANDLER, write_log_package
from components.hosting.apprunner.log_groups import configuration_event, log_group_names
from components.lambda_function import FunctionArgs, lambda_function
from components.roles import FunctionRole, Grant, function_role

# A new role's permissions can take a minute to apply.
_SECONDS: Final = 120
# boto3 takes seconds to load with Lambda's least.
_MEGABYTES: Final = 256


@dataclass(frozen=True, kw_only=True)
class AppRunnerLogsArgs:
    """What AppRunnerLogs needs.

    Attributes:
        context: what the stack's components share.
        service_arn: ARN of the service.
    """

    context: StackContext
    service_arn: pulumi.Output[str]


class AppRunnerLogs(pulumi.ComponentResource):
    """Configures the log groups that App Runner creates (``neo4j-mcp:hosting:AppRunnerLogs``).

    App Runner creates them with a service's first event, without retention, under a name that is
    known only then. So a function configures them, and creates them where App Runner hasn't yet.
    The deployment invokes it for each new service, and whenever the retention or the key changes.
    Creates the function, its role and its log group. The groups themselves outlive the stack, as
    App Runner leaves them, and their events expire.

    Idle cost: none.

    Attributes:
        application: the name of the log group that the server writes to, which exists by then.
    """

    application: pulumi.Output[str]

    def __init__(
        self, name: str, args: AppRunnerLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the function, and have it configure the log groups."""
        super().__init__("neo4j-mcp:hosting:AppRunnerLogs", name, None, opts)
        context = args.context
        function = lambda_function(
            name,
            context,
            FunctionArgs(
                name=context.names.log_function,
                description="Sets the retention and encryption of App Runner's log groups",
                role=self._role(args),
                package=write_log_package(),
                handler=LOG_HANDLER,
                memory=_MEGABYTES,
                timeout=_SECONDS,
                environment={},
            ),
            parent=self,
        )
        configured = aws.lambda_.Invocation(
            f"{name}-configuration",
            function_name=function.name,
            input=args.service_arn.apply(
                lambda arn: configuration_event(
                    arn,
                    retention_days=context.protection.log_retention_days,
                    key_arn=context.settings.log_key_arn,
                )
            ),
            opts=context.options(aws.lambda_.Invocation, parent=self),
        )
        self.application = pulumi.Output.all(args.service_arn, configured.result).apply(
            lambda known: log_group_names(known[0])[0]
        )
        self.register_outputs({"application": self.application})

    def _role(self, args: AppRunnerLogsArgs) -> FunctionRole:
        context, name = args.context, self.pulumi_resource_name
        configures = Grant(
            logical_name=f"{name}-may-configure",
            name="configure-log-groups",
            policy=args.service_arn.apply(
                lambda arn: policies.configure_log_groups(
                    log_group_names(arn), region=arn.split(":")[3], account=arn.split(":")[4]
                )
            ),
        )
        return function_role(
            name,
            context,
            parent=self,
            name=context.names.log_function,
            description="The log function: configures App Runner's log groups",
            log_stem=context.names.log_function_log_stem,
            retain_log=False,
            grants=[configures],
        )
