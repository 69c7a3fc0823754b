"""FargateHost: the server as tasks on AWS Fargate, behind a load balancer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pulumi
import pulumi_aws as aws

from components import policies
from components.context import StackContext
from components.hosting.environment import PORT, server_environment
from components.hosting.fargate.alarms import failed_deployments
from components.hosting.fargate.load_balancer import (
    HTTP_PORT,
    LoadBalancer,
    LoadBalancerArgs,
)
from components.hosting.fargate.lookups import find_cloudfront_addresses, find_placement
from components.hosting.fargate.network import Placement
from components.hosting.fargate.settings import FargateSettings, ServiceDomain
from components.hosting.fargate.task import CONTAINER, container_definitions
from components.hosting.host import Host, InternalOrigin, Origin, PublicOrigin
from components.hosting.image_host import ImageDeployment, ImageHostArgs, StackImage
from components.log_group import log_group
from components.monitoring.alarm import Subject
from components.monitoring.subjects import MonitoredHost
from components.roles import Grant, ServiceRole, service_role
from components.settings import StackSettings

_HTTPS = 443
# A new task's first health checks must not count against it.
_GRACE_SECONDS = 30
# Scaling out is urgent, scaling in is not: another instance soon may be needed again.
_SCALE_OUT_SECONDS, _SCALE_IN_SECONDS = 60, 300


def service_url(domain: ServiceDomain) -> str:
    """Return the base URL of a service with a domain."""
    return f"https://{domain.name}" + ("" if domain.port == _HTTPS else f":{domain.port}")


class FargateHost(pulumi.ComponentResource):
    """The server on Fargate (``neo4j-mcp:hosting:FargateHost``).

    Creates the cluster, the task definition, the service with its scaling, the role that pulls the
    image and writes the log, the role that the server runs as (without permissions), the log group,
    the load balancer and, where configured, the domain's record. A deployment that fails is rolled
    back, and reported as failed. Deletion protection covers the load balancer, because a new one
    has a new address.

    Idle cost: the load balancer, its public addresses, and the fewest instances.

    Attributes:
        service_url: base URL of the service; None where only the edge reaches it.
        origin: where the edge reaches it.
        log_group: name of the log group that the server writes to.
        outputs: the stack's outputs that only some hosts have.
        monitored: what it exposes for its alarms.
    """

    service_url: pulumi.Output[str] | None
    origin: Origin
    log_group: pulumi.Output[str]
    outputs: Mapping[str, pulumi.Output[str]]
    monitored: MonitoredHost

    def __init__(
        self,
        name: str,
        args: ImageHostArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        placement: Placement,
        cloudfront_addresses: str | None,
    ) -> None:
        """Declare the service and what it needs."""
        super().__init__("neo4j-mcp:hosting:FargateHost", name, None, opts)
        context = args.context
        settings = context.settings.host_as(FargateSettings)
        balancer = LoadBalancer(
            f"{name}-load-balancer",
            LoadBalancerArgs(
                context=context,
                placement=placement,
                domain=settings.service_domain,
                cloudfront_addresses=cloudfront_addresses,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            name=context.names.cluster,
            # Container Insights costs more than the service itself.
            settings=[aws.ecs.ClusterSettingArgs(name="containerInsights", value="disabled")],
            tags=context.tags,
            opts=context.options(aws.ecs.Cluster, parent=self),
        )
        execution = self._execution_role(args)
        self.log_group = execution[1].name
        service = self._service(context, cluster, self._task(args, execution), balancer, placement)
        self._scaling(context, settings, cluster, service, balancer)
        if settings.service_domain:
            url = pulumi.Output.from_input(service_url(settings.service_domain))
            self.service_url, self.origin = url, PublicOrigin(url=url)
            if settings.service_domain.hosted_zone_id:
                self._record(
                    context,
                    settings.service_domain.name,
                    settings.service_domain.hosted_zone_id,
                    balancer,
                    service,
                )
        else:
            self.service_url = None
            # A new load balancer has no healthy tasks before the service has moved to it.
            self.origin = InternalOrigin(
                load_balancer_arn=_after(service, balancer.arn),
                dns_name=_after(service, balancer.dns_name),
                port=HTTP_PORT,
            )
        self.outputs = {
            "imageDigest": args.image.digest,
            "serviceDomainTarget": balancer.dns_name,
        }
        self.monitored = MonitoredHost(
            dimensions={
                Subject.SERVICE: {"ClusterName": cluster.name, "ServiceName": service.name},
                Subject.LOAD_BALANCER: balancer.dimensions,
                Subject.TARGETS: balancer.target_dimensions,
            },
            failed_deployments=service.arn.apply(failed_deployments),
        )
        self.register_outputs({"serviceUrl": self.service_url, "serviceArn": service.arn})

    def _execution_role(self, args: ImageHostArgs) -> tuple[ServiceRole, aws.cloudwatch.LogGroup]:
        context = args.context
        group = log_group(
            self.pulumi_resource_name, context, parent=self, stem=context.names.task_log_stem
        )
        grants = [
            Grant(
                logical_name=f"{self.pulumi_resource_name}-may-pull",
                name="pull-images",
                policy=args.image.repository_arn.apply(policies.pull_images),
            ),
            Grant(
                logical_name=f"{self.pulumi_resource_name}-may-log",
                name="write-logs",
                policy=group.arn.apply(policies.write_logs),
            ),
        ]
        role = service_role(
            f"{self.pulumi_resource_name}-execution-role",
            context,
            parent=self,
            name=context.names.task_execution_role,
            service=policies.ECS_TASKS,
            description="ECS: pulls the server's image and writes its log",
            grants=grants,
        )
        return role, group

    def _task(
        self, args: ImageHostArgs, execution: tuple[ServiceRole, aws.cloudwatch.LogGroup]
    ) -> tuple[aws.ecs.TaskDefinition, ServiceRole]:
        context = args.context
        settings = context.settings.host_as(FargateSettings)
        role, group = execution
        task_role = service_role(
            f"{self.pulumi_resource_name}-task-role",
            context,
            parent=self,
            name=context.names.task_role,
            service=policies.ECS_TASKS,
            description="The server itself, which calls no AWS service",
        )
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        definition = aws.ecs.TaskDefinition(
            f"{self.pulumi_resource_name}-task",
            family=context.names.task_family,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
                operating_system_family="LINUX", cpu_architecture="X86_64"
            ),
            cpu=str(settings.cpu),
            memory=str(settings.memory),
            execution_role_arn=role.role.arn,
            task_role_arn=task_role.role.arn,
            container_definitions=pulumi.Output.all(
                image=args.image.reference, log_group=group.name, region=region
            ).apply(
                lambda known: container_definitions(
                    image=known["image"],
                    environment=server_environment(context.settings),
                    log_group=known["log_group"],
                    region=known["region"],
                )
            ),
            tags=context.tags,
            opts=context.options(aws.ecs.TaskDefinition, parent=self),
        )
        return definition, role

    def _service(
        self,
        context: StackContext,
        cluster: aws.ecs.Cluster,
        task: tuple[aws.ecs.TaskDefinition, ServiceRole],
        balancer: LoadBalancer,
        placement: Placement,
    ) -> aws.ecs.Service:
        definition, execution = task
        settings = context.settings.host_as(FargateSettings)
        return aws.ecs.Service(
            f"{self.pulumi_resource_name}-service",
            name=context.names.container_service,
            cluster=cluster.arn,
            launch_type="FARGATE",
            task_definition=definition.arn,
            desired_count=settings.min_instances,
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(
                enable=True, rollback=True
            ),
            availability_zone_rebalancing="ENABLED",
            health_check_grace_period_seconds=_GRACE_SECONDS,
            # Nobody gets a shell next to callers' tokens.
            enable_execute_command=False,
            network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
                subnets=placement.subnet_ids,
                security_groups=[balancer.task_security_group_id],
                assign_public_ip=placement.assign_public_ip,
            ),
            load_balancers=[
                aws.ecs.ServiceLoadBalancerArgs(
                    target_group_arn=balancer.target_group_arn,
                    container_name=CONTAINER,
                    container_port=PORT,
                )
            ],
            propagate_tags="SERVICE",
            # Only so does the provider report a deployment that ECS rolled back.
            wait_for_steady_state=True,
            tags=context.tags,
            opts=context.options(
                aws.ecs.Service,
                parent=self,
                depends_on=[balancer.listener, *execution.policies],
                # Scaling owns it once the service exists.
                ignore_changes=["desiredCount"],
            ),
        )

    def _record(
        self,
        context: StackContext,
        domain: str,
        zone_id: str,
        balancer: LoadBalancer,
        service: aws.ecs.Service,
    ) -> None:
        aws.route53.Record(
            f"{self.pulumi_resource_name}-record",
            zone_id=zone_id,
            name=domain,
            type="A",
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=balancer.dns_name, zone_id=balancer.zone_id, evaluate_target_health=False
                )
            ],
            # A new load balancer has no healthy tasks before the service has moved to it.
            opts=context.options(aws.route53.Record, parent=self, depends_on=[service]),
        )

    def _scaling(
        self,
        context: StackContext,
        settings: FargateSettings,
        cluster: aws.ecs.Cluster,
        service: aws.ecs.Service,
        balancer: LoadBalancer,
    ) -> None:
        target = aws.appautoscaling.Target(
            f"{self.pulumi_resource_name}-scaling",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=pulumi.Output.concat("service/", cluster.name, "/", service.name),
            min_capacity=settings.min_instances,
            max_capacity=settings.max_instances,
            tags=context.tags,
            opts=context.options(aws.appautoscaling.Target, parent=self),
        )
        scales = partial(self._policy, context, target)
        scales("requests", "ALBRequestCountPerTarget", settings.requests_per_target, balancer)
        scales("cpu", "ECSServiceAverageCPUUtilization", settings.cpu_target)

    def _policy(
        self,
        context: StackContext,
        target: aws.appautoscaling.Target,
        name: str,
        metric: str,
        value: int,
        balancer: LoadBalancer | None = None,
    ) -> None:
        specification = aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
            target_value=value,
            scale_out_cooldown=_SCALE_OUT_SECONDS,
            scale_in_cooldown=_SCALE_IN_SECONDS,
            predefined_metric_specification=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                predefined_metric_type=metric,
                resource_label=balancer.resource_label if balancer else None,
            ),
        )
        aws.appautoscaling.Policy(
            f"{self.pulumi_resource_name}-scaling-by-{name}",
            name=name,
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=specification,
            opts=context.options(aws.appautoscaling.Policy, parent=self),
        )


def _after(service: aws.ecs.Service, value: pulumi.Output[str]) -> pulumi.Output[str]:
    """Return a value that what uses it gets once the service is in a steady state."""
    return pulumi.Output.all(value, service.id).apply(lambda known: str(known[0]))


class FargateDeployment:
    """Looks up the network, builds the image, and declares the host."""

    def __init__(self, settings: StackSettings, image: StackImage) -> None:
        """Check the network, and fetch what the image is built from.

        Raises:
            pulumi.RunError: the service can't run in the network, the binary can't be fetched, or
                a checksum differs from the pinned one.
        """
        internal = settings.host_as(FargateSettings).service_domain is None
        host = partial(
            FargateHost,
            placement=find_placement(settings),
            cloudfront_addresses=find_cloudfront_addresses() if internal else None,
        )
        self._deployment = ImageDeployment(host, settings, image)

    def declare(self, context: StackContext) -> Host:
        """Declare the image and the host."""
        return self._deployment.declare(context)
