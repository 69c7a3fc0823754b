"""RotationFunction: the function that owns the values of the clients' secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components import policies
from components.context import StackContext
from components.function_code import ROTATION_HANDLER, write_rotation_package
from components.identity import UserPool
from components.lambda_function import FunctionArgs, lambda_function
from components.roles import FunctionRole, Grant, function_role
from components.rotation import retire_event

# Public reports are of up to 150 seconds until Cognito accepts a new secret, and of a minute until
# a role's new policy applies.
_SECONDS: Final = 300
# boto3 takes seconds to load with Lambda's least.
_MEGABYTES: Final = 256


@dataclass(frozen=True, kw_only=True)
class RotationFunctionArgs:
    """What RotationFunction needs.

    Attributes:
        context: what the stack's components share.
        user_pool: the pool of the app clients.
        secret_arns: ARN of each client's secret, by the client's name.
    """

    context: StackContext
    user_pool: UserPool
    secret_arns: Mapping[str, pulumi.Output[str]]


class RotationFunction(pulumi.ComponentResource):
    """Writes and rotates the clients' secrets (``neo4j-mcp:rotation:RotationFunction``).

    Creates the function with its role and log group, a rule that starts it every hour to delete
    the replaced client secrets, and the permissions of Secrets Manager and EventBridge to invoke
    it. The role may read and write these secrets, and add and delete client secrets of this user
    pool. So whoever can change the function's code is every client.

    Deletion protection covers the permissions.

    Idle cost: none; an invocation every hour is within Lambda's free tier.

    Attributes:
        name: the function's name.
        arn: the function's ARN.
        permission: lets Secrets Manager invoke the function.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    permission: aws.lambda_.Permission

    def __init__(
        self, name: str, args: RotationFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the function and what invokes it."""
        super().__init__("neo4j-mcp:rotation:RotationFunction", name, None, opts)
        context = args.context
        function = lambda_function(
            name,
            context,
            FunctionArgs(
                name=context.names.rotation_function,
                description="Writes the clients' secrets, rotates them and deletes replaced ones",
                role=self._role(args),
                package=write_rotation_package(),
                handler=ROTATION_HANDLER,
                memory=_MEGABYTES,
                timeout=_SECONDS,
                environment={"USER_POOL_ID": args.user_pool.id},
            ),
            parent=self,
        )
        self.name, self.arn = function.name, function.arn
        self.permission = aws.lambda_.Permission(
            f"{name}-secrets-manager-permission",
            statement_id="AllowSecretsManager",
            action="lambda:InvokeFunction",
            function=function.name,
            principal=policies.SECRETS_MANAGER,
            source_account=function.arn.apply(_account),
            opts=context.options(aws.lambda_.Permission, parent=self),
        )
        self._retirement(args, function)
        self.register_outputs({"name": self.name})

    def _role(self, args: RotationFunctionArgs) -> FunctionRole:
        context, name = args.context, self.pulumi_resource_name
        rotates = Grant(
            logical_name=f"{name}-may-rotate",
            name="rotate-client-secrets",
            policy=pulumi.Output.all(
                secrets=list(args.secret_arns.values()), pool=args.user_pool.arn
            ).apply(lambda known: policies.rotate_client_secrets(known["secrets"], known["pool"])),
        )
        return function_role(
            name,
            context,
            parent=self,
            name=context.names.rotation_function,
            description="The rotation function: these secrets, and this pool's client secrets",
            log_stem=context.names.rotation_log_stem,
            retain_log=False,
            grants=[rotates],
        )

    def _retirement(self, args: RotationFunctionArgs, function: aws.lambda_.Function) -> None:
        context, name = args.context, self.pulumi_resource_name
        rule = aws.cloudwatch.EventRule(
            f"{name}-retirement",
            name=context.names.retirement_rule,
            description="Deletes replaced client secrets after their overlap",
            schedule_expression="rate(1 hour)",
            state="ENABLED",
            tags=context.tags,
            opts=context.options(aws.cloudwatch.EventRule, parent=self),
        )
        aws.lambda_.Permission(
            f"{name}-retirement-permission",
            statement_id="AllowRetirementRule",
            action="lambda:InvokeFunction",
            function=function.name,
            principal=policies.EVENT_BRIDGE,
            source_arn=rule.arn,
            opts=context.options(aws.lambda_.Permission, parent=self),
        )
        hours = [context.settings.rotation(client).overlap_hours for client in args.secret_arns]
        aws.cloudwatch.EventTarget(
            f"{name}-retirement-target",
            rule=rule.name,
            target_id="rotation-function",
            arn=function.arn,
            input=pulumi.Output.all(*args.secret_arns.values()).apply(
                lambda arns: retire_event(dict(zip(arns, hours, strict=True)))
            ),
            opts=context.options(aws.cloudwatch.EventTarget, parent=self),
        )


def _account(arn: str) -> str:
    """Return the account of an ARN."""
    return arn.split(":")[4]
