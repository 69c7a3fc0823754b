"""LambdaHost: the server as a Lambda function with a URL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import policies
from components.context import StackContext
from components.function_code import RUNTIME, relative_to_project
from components.hosting.environment import server_environment
from components.hosting.host import Host, Origin, PublicOrigin
from components.hosting.image_host import StackImage
from components.hosting.keys import VpcConnection
from components.hosting.lambda_.definition import ALIAS, FUNCTION_SECONDS
from components.hosting.lambda_.package import (
    HANDLER,
    HEALTH_EVENT,
    ServerPackage,
    prepare_package,
)
from components.hosting.lambda_.settings import LambdaSettings
from components.monitoring.alarm import Subject
from components.monitoring.subjects import MonitoredHost
from components.roles import FunctionRole, Grant, function_role
from components.settings import StackSettings
from server.errors import ServerImageError

_UNRESERVED = -1


@dataclass(frozen=True, kw_only=True)
class LambdaHostArgs:
    """What a LambdaHost needs.

    Attributes:
        context: what the stack's components share.
        package: the function's code.
    """

    context: StackContext
    package: ServerPackage


class LambdaHost(pulumi.ComponentResource):
    """The server as a Lambda function with a URL (``neo4j-mcp:hosting:LambdaHost``).

    Creates the function, its role (which writes the function's log, sends traces if they are on,
    and lets Lambda enter the VPC if there is one), its log group, its alias, the alias's URL, and
    the two permissions that make the URL public: the server itself demands a token. Deletion
    protection covers the alias and its URL, because a new one has a new address, and the
    permissions.

    Each change of the function publishes a version. Callers reach the alias, which moves to the new
    version once the server has answered its health check there.

    Idle cost: none.

    Attributes:
        service_url: base URL of the service.
        origin: where the edge reaches it.
        function_name: name of the function.
        log_group: name of the log group that the server and its handler write to.
        outputs: the stack's outputs that only some hosts have.
        monitored: what it exposes for its alarms.
    """

    service_url: pulumi.Output[str]
    origin: Origin
    function_name: pulumi.Output[str]
    log_group: pulumi.Output[str]
    outputs: Mapping[str, pulumi.Output[str]]
    monitored: MonitoredHost

    def __init__(
        self, name: str, args: LambdaHostArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the function and its URL."""
        super().__init__("neo4j-mcp:hosting:LambdaHost", name, None, opts)
        context = args.context
        writer = function_role(
            f"{name}-function",
            context,
            parent=self,
            name=context.names.server_function,
            description="The server and its handler: write their log and nothing else",
            log_stem=context.names.server_log_stem,
            retain_log=False,
            grants=list(self._grants(context)),
        )
        function = self._function(args, writer)
        alias = self._alias(context, function)
        url = aws.lambda_.FunctionUrl(
            f"{name}-url",
            function_name=function.name,
            qualifier=alias.name,
            # Every request brings a token, which the database verifies.
            authorization_type="NONE",
            invoke_mode="BUFFERED",
            opts=context.options(aws.lambda_.FunctionUrl, parent=self),
        )
        self._permissions(context, alias, url)
        self.service_url = url.function_url.apply(lambda known: known.rstrip("/"))
        self.origin = PublicOrigin(url=self.service_url)
        self.function_name = function.name
        self.log_group = writer.log_group.name
        self.outputs = {"codeSha256": pulumi.Output.from_input(args.package.code_sha256)}
        # A deployment that fails doesn't reach the alias, and fails itself.
        self.monitored = MonitoredHost(
            dimensions={Subject.SERVICE: {"FunctionName": function.name}}, failed_deployments=None
        )
        self.register_outputs({"serviceUrl": self.service_url, "functionName": function.name})

    def _grants(self, context: StackContext) -> Iterator[Grant]:
        settings = context.settings.host_as(LambdaSettings)
        if settings.tracing:
            yield Grant(
                logical_name=f"{self.pulumi_resource_name}-may-trace",
                name="write-traces",
                policy=policies.write_traces(),
            )
        if settings.vpc_connector:
            yield Grant(
                logical_name=f"{self.pulumi_resource_name}-may-enter-vpc",
                name="enter-vpc",
                policy=policies.enter_vpc(context.names.server_function),
            )

    def _function(self, args: LambdaHostArgs, writer: FunctionRole) -> aws.lambda_.Function:
        context = args.context
        settings = context.settings.host_as(LambdaSettings)
        return aws.lambda_.Function(
            f"{self.pulumi_resource_name}-function",
            name=context.names.server_function,
            description="Neo4j's MCP server",
            role=writer.role.arn,
            runtime=RUNTIME,
            architectures=[settings.architecture.value],
            handler=HANDLER,
            code=pulumi.FileArchive(relative_to_project(args.package.path)),
            memory_size=settings.memory,
            timeout=FUNCTION_SECONDS,
            reserved_concurrent_executions=settings.max_instances or _UNRESERVED,
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(
                log_format="Text", log_group=writer.log_group.name
            ),
            publish=True,
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables=server_environment(context.settings)
            ),
            # Pulumi's provider leaves a mode that is no longer set as it is.
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(
                mode="Active" if settings.tracing else "PassThrough"
            ),
            vpc_config=_vpc_config(settings.vpc_connector),
            tags=context.tags,
            opts=context.options(
                aws.lambda_.Function,
                parent=self,
                depends_on=[writer.log_group, *writer.policies],
            ),
        )

    def _alias(self, context: StackContext, function: aws.lambda_.Function) -> aws.lambda_.Alias:
        """Lead callers to the function's last version, if the server answers there.

        Pulumi invokes the new version because it replaces the invocation with another qualifier,
        and fails before it moves the alias if the invocation fails.
        """
        checked = aws.lambda_.Invocation(
            f"{self.pulumi_resource_name}-health",
            function_name=function.name,
            qualifier=function.version,
            input=json.dumps(HEALTH_EVENT),
            opts=context.options(aws.lambda_.Invocation, parent=self),
        )
        return aws.lambda_.Alias(
            f"{self.pulumi_resource_name}-alias",
            name=ALIAS,
            description="The version that callers reach",
            function_name=function.name,
            function_version=function.version,
            opts=context.options(aws.lambda_.Alias, parent=self, depends_on=[checked]),
        )

    def _permissions(
        self,
        context: StackContext,
        alias: aws.lambda_.Alias,
        url: aws.lambda_.FunctionUrl,
    ) -> None:
        """Let everyone invoke the alias by its URL, and in no other way.

        Lambda demands both since October 2025. Source: "Control access to Lambda function URLs" in
        the AWS Lambda Developer Guide.
        """
        by_url = aws.lambda_.Permission(
            f"{self.pulumi_resource_name}-url-permission",
            statement_id="AllowPublicUrl",
            action="lambda:InvokeFunctionUrl",
            function=alias.function_name,
            qualifier=alias.name,
            principal="*",
            function_url_auth_type="NONE",
            # One change of the function after the other: Lambda refuses two at once.
            opts=context.options(aws.lambda_.Permission, parent=self, depends_on=[url]),
        )
        aws.lambda_.Permission(
            f"{self.pulumi_resource_name}-invoke-permission",
            statement_id="AllowInvocationByUrl",
            action="lambda:InvokeFunction",
            function=alias.function_name,
            qualifier=alias.name,
            principal="*",
            invoked_via_function_url=True,
            opts=context.options(aws.lambda_.Permission, parent=self, depends_on=[by_url]),
        )


def _vpc_config(
    connection: VpcConnection | None,
) -> aws.lambda_.FunctionVpcConfigArgs | None:
    if connection is None:
        return None
    return aws.lambda_.FunctionVpcConfigArgs(
        subnet_ids=connection.subnet_ids, security_group_ids=connection.security_group_ids
    )


class LambdaDeployment:
    """Packs the function, and declares the host."""

    def __init__(self, settings: StackSettings, _image: StackImage) -> None:
        """Fetch and verify what the package is made from, before anything is deployed.

        Raises:
            pulumi.RunError: the binary can't be fetched, or a checksum differs from the pinned one.
        """
        try:
            self._package = prepare_package(
                settings.server_version,
                settings.host_as(LambdaSettings).architecture,
                trusted_certificates=settings.trusted_certificates,
            )
        except ServerImageError as error:
            raise pulumi.RunError(f"the server's function can't be packed: {error}") from error

    def declare(self, context: StackContext) -> Host:
        """Declare the host."""
        return LambdaHost("server", LambdaHostArgs(context=context, package=self._package))
