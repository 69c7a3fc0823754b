"""AppRunnerHost: the server on AWS App Runner."""

import pulumi
import pulumi_aws as aws

from components import policies
from components.hosting.environment import PORT, server_environment
from components.hosting.host import HostArgs
from components.replacement import delete_before_replace
from components.settings import HealthCheck, StackSettings, VpcConnection


def health_check(settings: HealthCheck) -> aws.apprunner.ServiceHealthCheckConfigurationArgs:
    """Write a health check as App Runner takes it.

    Args:
        settings: the stack's health check.

    Returns:
        App Runner's configuration; a TCP check has no path.
    """
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

    It makes the service, the role that pulls the image, the role that the server runs as (which
    may do nothing, or send traces where tracing is on), the auto-scaling configuration, the
    observability configuration and, where the configuration asks for one, the VPC connector. With
    deletion protection on, the service is protected, because a new one has a new address. Idle,
    the minimum of instances costs its memory: about 0.007 USD per GB and hour.

    Attributes:
        service_url: base URL of the service.
        service_arn: ARN of the service.
        service_name: name of the service, as its logs and metrics carry it.
    """

    service_url: pulumi.Output[str]
    service_arn: pulumi.Output[str]
    service_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: HostArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the service and what it stands on.

        Args:
            name: logical name.
            args: what it needs.
            opts: Pulumi's resource options.
        """
        super().__init__("neo4j-mcp:hosting:AppRunnerHost", name, None, opts)
        settings = args.settings
        access_role, may_pull = self._access_role(args)
        service = aws.apprunner.Service(
            f"{name}-service",
            service_name=args.names.service,
            source_configuration=_source(args, access_role),
            instance_configuration=aws.apprunner.ServiceInstanceConfigurationArgs(
                cpu=str(settings.cpu),
                memory=str(settings.memory),
                instance_role_arn=self._instance_role(args).arn,
            ),
            auto_scaling_configuration_arn=self._auto_scaling(args).arn,
            health_check_configuration=health_check(settings.health_check),
            network_configuration=self._network(args),
            observability_configuration=self._observability(args),
            tags=args.tags,
            # App Runner pulls while the service is being created.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[may_pull],
                protect=settings.deletion_protection,
                delete_before_replace=delete_before_replace(aws.apprunner.Service),
            ),
        )
        self.service_url = pulumi.Output.concat("https://", service.service_url)
        self.service_arn = service.arn
        self.service_name = service.service_name
        self.register_outputs({"serviceUrl": self.service_url, "serviceArn": self.service_arn})

    def _access_role(self, args: HostArgs) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{self.pulumi_resource_name}-access-role",
            name=args.names.access_role,
            description="App Runner: pulls the server's image",
            assume_role_policy=policies.trust(policies.APP_RUNNER_BUILD),
            tags=args.tags,
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{self.pulumi_resource_name}-may-pull",
            name="pull-images",
            role=role.name,
            policy=pulumi.Output.from_input(args.repository_arn).apply(policies.pull_images),
            opts=child,
        )
        return role, policy

    def _instance_role(self, args: HostArgs) -> aws.iam.Role:
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{self.pulumi_resource_name}-instance-role",
            name=args.names.instance_role,
            description="The server itself, which calls no AWS service",
            assume_role_policy=policies.trust(policies.APP_RUNNER_TASKS),
            tags=args.tags,
            opts=child,
        )
        if args.settings.tracing:
            aws.iam.RolePolicy(
                f"{self.pulumi_resource_name}-may-trace",
                name="write-traces",
                role=role.name,
                policy=policies.write_traces(),
                opts=child,
            )
        return role

    def _auto_scaling(self, args: HostArgs) -> aws.apprunner.AutoScalingConfigurationVersion:
        return aws.apprunner.AutoScalingConfigurationVersion(
            f"{self.pulumi_resource_name}-scaling",
            auto_scaling_configuration_name=args.names.auto_scaling,
            min_size=args.settings.min_instances,
            max_size=args.settings.max_instances,
            max_concurrency=args.settings.max_concurrency,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _observability(self, args: HostArgs) -> aws.apprunner.ServiceObservabilityConfigurationArgs:
        # It costs nothing by itself, and so stands ready for the day that tracing is switched on.
        configuration = aws.apprunner.ObservabilityConfiguration(
            f"{self.pulumi_resource_name}-tracing",
            observability_configuration_name=args.names.observability,
            trace_configuration=aws.apprunner.ObservabilityConfigurationTraceConfigurationArgs(
                vendor="AWSXRAY"
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        enabled = args.settings.tracing
        return aws.apprunner.ServiceObservabilityConfigurationArgs(
            observability_enabled=enabled,
            observability_configuration_arn=configuration.arn if enabled else None,
        )

    def _network(self, args: HostArgs) -> aws.apprunner.ServiceNetworkConfigurationArgs:
        connection = args.settings.vpc_connector
        return aws.apprunner.ServiceNetworkConfigurationArgs(
            ingress_configuration=(
                aws.apprunner.ServiceNetworkConfigurationIngressConfigurationArgs(
                    is_publicly_accessible=True
                )
            ),
            egress_configuration=(
                self._vpc_egress(args, connection)
                if connection
                else aws.apprunner.ServiceNetworkConfigurationEgressConfigurationArgs(
                    egress_type="DEFAULT"
                )
            ),
        )

    def _vpc_egress(
        self, args: HostArgs, connection: VpcConnection
    ) -> aws.apprunner.ServiceNetworkConfigurationEgressConfigurationArgs:
        connector = aws.apprunner.VpcConnector(
            f"{self.pulumi_resource_name}-egress",
            vpc_connector_name=args.names.vpc_connector(
                subnets=connection.subnet_ids, security_groups=connection.security_group_ids
            ),
            subnets=connection.subnet_ids,
            security_groups=connection.security_group_ids,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return aws.apprunner.ServiceNetworkConfigurationEgressConfigurationArgs(
            egress_type="VPC", vpc_connector_arn=connector.arn
        )


def _source(
    args: HostArgs, access_role: aws.iam.Role
) -> aws.apprunner.ServiceSourceConfigurationArgs:
    return aws.apprunner.ServiceSourceConfigurationArgs(
        # A deployment is Pulumi's to make, by digest.
        auto_deployments_enabled=False,
        authentication_configuration=(
            aws.apprunner.ServiceSourceConfigurationAuthenticationConfigurationArgs(
                access_role_arn=access_role.arn
            )
        ),
        image_repository=aws.apprunner.ServiceSourceConfigurationImageRepositoryArgs(
            image_repository_type="ECR",
            image_identifier=args.image,
            image_configuration=_image_configuration(args.settings),
        ),
    )


def _image_configuration(
    settings: StackSettings,
) -> aws.apprunner.ServiceSourceConfigurationImageRepositoryImageConfigurationArgs:
    return aws.apprunner.ServiceSourceConfigurationImageRepositoryImageConfigurationArgs(
        port=str(PORT), runtime_environment_variables=server_environment(settings)
    )
