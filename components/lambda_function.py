"""Lambda functions: what those of this program have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.context import StackContext
from components.function_code import RUNTIME, relative_to_project
from components.roles import FunctionRole


@dataclass(frozen=True, kw_only=True)
class FunctionArgs:
    """What is particular to one function.

    Attributes:
        name: its name on AWS.
        description: what it does.
        role: its role, with the log group that it writes to.
        package: its code, a zip file in the project.
        handler: the handler, as Lambda imports it.
        memory: in MB.
        timeout: in seconds.
        environment: its environment variables.
    """

    name: str
    description: str
    role: FunctionRole
    package: Path
    handler: str
    memory: int
    timeout: int
    environment: Mapping[str, pulumi.Input[str]]


def lambda_function(
    logical_name: str,
    context: StackContext,
    args: FunctionArgs,
    *,
    parent: pulumi.ComponentResource,
) -> aws.lambda_.Function:
    """Declare a function, which exists only after its role may do all that it needs."""
    return aws.lambda_.Function(
        logical_name,
        name=args.name,
        description=args.description,
        role=args.role.role.arn,
        runtime=RUNTIME,
        architectures=["arm64"],
        handler=args.handler,
        code=pulumi.FileArchive(relative_to_project(args.package)),
        memory_size=args.memory,
        timeout=args.timeout,
        logging_config=aws.lambda_.FunctionLoggingConfigArgs(
            log_format="Text", log_group=args.role.log_group.name
        ),
        environment=aws.lambda_.FunctionEnvironmentArgs(variables=args.environment),
        tags=context.tags,
        opts=context.options(
            aws.lambda_.Function,
            parent=parent,
            depends_on=[args.role.log_group, *args.role.policies],
        ),
    )
