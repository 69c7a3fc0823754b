"""AppRunnerHost: the server on AWS App Runner."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components import policies
from components.context import StackContext
from components.hosting.apprunner.alarms import failed_deployments
from components.hosting.apprunner.log_groups import log_group_names, owns_logs
from components.hosting.apprunner.logs import AppRunnerLogs, AppRunnerLogsArgs
from components.hosting.apprunner.settings import AppRunnerSettings, HealthCheck
from components.hosting.environment import PORT, server_environment
from components.hosting.host import Origin, PublicOrigin
from components.hosting.image_host import ImageHostArgs
from components.hosting.keys import VpcConnection
from components.monitoring.alarm import Subject
from components.monitoring.subjects import MonitoredHost
from components.roles import Grant, ServiceRole, service_role
from components.settings import StackSettings


def health_check(settings: HealthCheck) -> aws.apprunner.ServiceHealthCheckConfigurationArgs:
    """Return App Runner's form of a health check; a TCP check has no path."""
    return aws.apprunner.ServiceHealthCheckConfigurationArgs(
        protocol=settings.protocol,
        path=settings.path if settings.protocol == "HTTP" else None,
        interval=settings.interval,
        timeout=settings.timeout,
        healthy_threshold=settings.healthy_threshold,
        unhealthy_threshold=settings.unhealthy_threshold,
    )


class AppRunnerHost(pulumi.ComponentResource):
    """The server on App Runner (``neo4j-mcp:hosting:AppRunnerHost``).

    Creates the service, the role that pulls the image, the role that the server runs as (without
    permissions, unless tracing is on), the auto-scaling configuration, the observability
    configuration and, where configured, the VPC connector and what configures App Runner's log
    groups. Deletion protection covers the service,
    because a new one has a new address.

    Idle cost: the memory of the minimum of instances, about 0.007 USD per GB and hour.

    Attributes:
        service_url: base URL of the service.
        origin: where the edge reaches it.
        service_arn: ARN of the service.
        service_name: name of the service in its logs and metrics.
        log_group: name of the log group that the server writes to; where the stack configures
            App Runner's log groups, it exists when it is known.
        outputs: the stack's outputs that only some hosts have.
        monitored: what it exposes for its alarms.
    """

    service_url: pulumi.Output[str]
    origin: Origin
    service_arn: pulumi.Output[str]
    service_name: pulumi.Output[str]
    log_group: pulumi.Output[str]
    outputs: Mapping[str, pulumi.Output[str]]
    monitored: MonitoredHost

    def __init__(
        self, name: str, args: ImageHostArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the service and what it needs."""
        super().__init__("neo4j-mcp:hosting:AppRunnerHost", name, None, opts)
        context = args.context
        settings = context.settings.host_as(AppRunnerSettings)
        access = self._access_role(args)
        service = aws.apprunner.Service(
            f"{name}-service",
            service_name=context.names.service,
            source_configuration=_source(args, access.role),
            instance_configuration=aws.apprunner.ServiceInstanceConfigurationArgs(
                cpu=str(settings.cpu),
                memory=str(settings.memory),
                instance_role_arn=self._instance_role(context, settings).arn,
            ),
            auto_scaling_configuration_arn=self._auto_scaling(context, settings).arn,
            health_check_configuration=health_check(settings.health_check),
            network_configuration=self._network(context, settings.vpc_connector),
            observability_configuration=self._observability(context, enabled=settings.tracing),
            tags=context.tags,
            # App Runner pulls the image while it creates the service.
            opts=context.options(aws.apprunner.Service, parent=self, depends_on=access.policies),
        )
        self.service_url = pulumi.Output.concat("https://", service.service_url)
        self.origin = PublicOrigin(url=self.service_url)
        self.service_arn = service.arn
        self.service_name = service.service_name
        self.log_group = self._log_group(context, service)
        self.outputs = {"imageDigest": args.image.digest}
        self.monitored = MonitoredHost(
            dimensions={
                Subject.SERVICE: {
                    "ServiceName": service.service_name,
                    "ServiceID": service.service_id,
                }
            },
            failed_deployments=service.arn.apply(failed_deployments),
        )
        self.register_outputs({"serviceUrl": self.service_url, "serviceArn": self.service_arn})

    def _log_group(
        self, context: StackContext, service: aws.apprunner.Service
    ) -> pulumi.Output[str]:
        if owns_logs(context.settings):
            return AppRunnerLogs(
                f"{self.pulumi_resource_name}-logs",
                AppRunnerLogsArgs(context=context, service_arn=service.arn),
                pulumi.ResourceOptions(parent=self),
            ).application
        return service.arn.apply(lambda arn: log_group_names(arn)[0])

    def _access_role(self, args: ImageHostArgs) -> ServiceRole:
        pulls_image = Grant(
            logical_name=f"{self.pulumi_resource_name}-may-pull",
            name="pull-images",
            policy=args.image.repository_arn.apply(policies.pull_images),
        )
        return service_role(
            f"{self.pulumi_resource_name}-access-role",
            args.context,
            parent=self,
            name=args.context.names.access_role,
            service=policies.APP_RUNNER_BUILD,
            description="App Runner: pulls the server's image",
            grants=[pulls_image],
        )

    def _instance_role(self, context: StackContext, settings: AppRunnerSettings) -> aws.iam.Role:
        writes_traces = Grant(
            logical_name=f"{self.pulumi_resource_name}-may-trace",
            name="write-traces",
            policy=policies.write_traces(),
        )
        return service_role(
            f"{self.pulumi_resource_name}-instance-role",
            context,
            parent=self,
            name=context.names.instance_role,
            service=policies.APP_RUNNER_TASKS,
            description="The server itself, which calls no AWS service",
            grants=[writes_traces] if settings.tracing else [],
        ).role

    def _auto_scaling(
        self, context: StackContext, settings: AppRunnerSettings
    ) -> aws.apprunner.AutoScalingConfigurationVersion:
        return aws.apprunner.AutoScalingConfigurationVersion(
            f"{self.pulumi_resource_name}-scaling",
            auto_scaling_configuration_name=context.names.auto_scaling,
            min_size=settings.min_instances,
            max_size=settings.max_instances,
            max_concurrency=settings.max_concurrency,
            tags=context.tags,
            opts=context.options(aws.apprunner.AutoScalingConfigurationVersion, parent=self),
        )

    def _observability(
        self, context: StackContext, *, enabled: bool
    ) -> aws.apprunner.ServiceObservabilityConfigurationArgs:
        # It costs nothing, so it exists before tracing is switched on.
        configuration = aws.apprunner.ObservabilityConfiguration(
            f"{self.pulumi_resource_name}-tracing",
            observability_configuration_name=context.names.observability,
            trace_configuration=aws.apprunner.ObservabilityConfigurationTraceConfigurationArgs(
                vendor="AWSXRAY"
            ),
            tags=context.tags,
            opts=context.options(aws.apprunner.ObservabilityConfiguration, parent=self),
        )
        return aws.apprunner.ServiceObservabilityConfigurationArgs(
            observability_enabled=enabled,
            observability_configuration_arn=configuration.arn if enabled else None,
        )

    def _network(
        self, context: StackContext, connection: VpcConnection | None
    ) -> aws.apprunner.ServiceNetworkConfigurationArgs:
        return aws.apprunner.ServiceNetworkConfigurationArgs(
            ingress_configuration=(
                aws.apprunner.ServiceNetworkConfigurationIngressConfigurationArgs(
                    is_publicly_accessible=True
                )
            ),
            egress_configuration=(
                self._vpc_egress(context, connection)
                if connection
                else aws.apprunner.ServiceNetworkConfigurationEgressConfigurationArgs(
                    egress_type="DEFAULT"
                )
            ),
        )

    def _vpc_egress(
        self, context: StackContext, connection: VpcConnection
    ) -> aws.apprunner.ServiceNetworkConfigurationEgressConfigurationArgs:
        connector = aws.apprunner.VpcConnector(
            f"{self.pulumi_resource_name}-egress",
            vpc_connector_name=context.names.vpc_connector(
                subnets=connection.subnet_ids, security_groups=connection.security_group_ids
            ),
            subnets=connection.subnet_ids,
            security_groups=connection.security_group_ids,
            tags=context.tags,
            opts=context.options(aws.apprunner.VpcConnector, parent=self),
        )
        return aws.apprunner.ServiceNetworkConfigurationEgressConfigurationArgs(
            egress_type="VPC", vpc_connector_arn=connector.arn
        )


def _source(
    args: ImageHostArgs, access_role: aws.iam.Role
) -> aws.apprunner.ServiceSourceConfigurationArgs:
    return aws.apprunner.ServiceSourceConfigurationArgs(
        # Pulumi deploys, by digest; App Runner must not follow a tag.
        auto_deployments_enabled=False,
        authentication_configuration=(
            aws.apprunner.ServiceSourceConfigurationAuthenticationConfigurationArgs(
                access_role_arn=access_role.arn
            )
        ),
        image_repository=aws.apprunner.ServiceSourceConfigurationImageRepositoryArgs(
            image_repository_type="ECR",
            image_identifier=args.image.reference,
            image_configuration=_image_configuration(args.context.settings),
        ),
    )


def _image_configuration(
    settings: StackSettings,
) -> aws.apprunner.ServiceSourceConfigurationImageRepositoryImageConfigurationArgs:
    return aws.apprunner.ServiceSourceConfigurationImageRepositoryImageConfigurationArgs(
        port=str(PORT), runtime_environment_variables=server_environment(settings)
    )
