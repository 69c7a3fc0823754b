"""LoadBalancer: the way to the tasks, and the security groups around both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from components.access_log import LOAD_BALANCER_LOG, AccessLog, AccessLogArgs
from components.context import StackContext
from components.hosting.environment import HEALTH_PATH, PORT
from components.hosting.fargate.network import Placement
from components.hosting.fargate.settings import ServiceDomain
from components.monitoring.subjects import Dimensions

HTTP_PORT: Final = 80
"""The port of an internal load balancer, which only CloudFront reaches, inside AWS."""
# Longer than the server's own limit of 60 s, so that the server's answer comes first.
IDLE_SECONDS: Final = 75
# Longer than the server's limit too: a call that runs is answered before its task stops.
DRAIN_SECONDS: Final = 70
_HTTPS: Final = 443
_BOLT: Final = 7687
_EVERYWHERE: Final = "0.0.0.0/0"
# TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only.
# Source: "Security policies for your Application Load Balancer".
_TLS_POLICY: Final = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"


def bolt_port(uri: str) -> int:
    """Return the port of the database's address."""
    return urlsplit(uri).port or _BOLT


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """What a LoadBalancer needs.

    Attributes:
        context: what the stack's components share.
        placement: where it runs.
        domain: its domain; None for an internal load balancer.
        cloudfront_addresses: the prefix list that an internal load balancer accepts.
    """

    context: StackContext
    placement: Placement
    domain: ServiceDomain | None
    cloudfront_addresses: str | None


class LoadBalancer(pulumi.ComponentResource):
    """An Application Load Balancer (``neo4j-mcp:hosting:FargateLoadBalancer``).

    Creates the load balancer, its listener and target group, and the security groups of the load
    balancer and of the tasks; with `accessLogs`, also the access log. With a domain it is public
    and speaks HTTPS; without one, it is internal and accepts CloudFront only.

    A target group belongs to one load balancer, and neither can move to another VPC. So both have
    a hash of what they depend on in their names, and a change creates new ones before the service
    leaves the old ones.

    Idle cost: about 16 USD a month, and 3.65 USD for each public address.

    Attributes:
        arn: ARN of the load balancer.
        dns_name: its own name.
        zone_id: the hosted zone of its own name, for alias records.
        target_group_arn: ARN of the target group.
        resource_label: its name and the target group's, as in metrics of both.
        dimensions: the dimensions of its own metrics.
        target_dimensions: the dimensions of its targets' metrics.
        task_security_group_id: the security group of the tasks.
        listener: the listener, without which no service can use the target group.
    """

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    target_group_arn: pulumi.Output[str]
    resource_label: pulumi.Output[str]
    dimensions: Dimensions
    target_dimensions: Dimensions
    task_security_group_id: pulumi.Output[str]
    listener: aws.lb.Listener

    def __init__(
        self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the load balancer and what it needs."""
        super().__init__("neo4j-mcp:hosting:FargateLoadBalancer", name, None, opts)
        context = args.context
        own, tasks = self._security_groups(args)
        internal = args.domain is None
        aws_name = context.names.load_balancer(vpc_id=args.placement.vpc_id, internal=internal)
        balancer = aws.lb.LoadBalancer(
            name,
            name=aws_name,
            internal=internal,
            load_balancer_type="application",
            security_groups=[own.id],
            subnets=args.placement.load_balancer_subnet_ids,
            idle_timeout=IDLE_SECONDS,
            drop_invalid_header_fields=True,
            enable_deletion_protection=context.protection.deletion,
            tags=context.tags,
            opts=context.options(aws.lb.LoadBalancer, parent=self),
        )
        if context.settings.access_logs:
            AccessLog(
                f"{name}-access",
                AccessLogArgs(
                    context=context,
                    name=context.names.load_balancer_log_delivery,
                    log_stem=context.names.load_balancer_log_stem,
                    resource_arn=balancer.arn,
                    log_type=LOAD_BALANCER_LOG,
                ),
                pulumi.ResourceOptions(parent=self),
            )
        group = self._target_group(args, aws_name)
        self.listener = self._listener(args, balancer, group)
        self.arn = balancer.arn
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.target_group_arn = group.arn
        self.dimensions = {"LoadBalancer": balancer.arn_suffix}
        self.target_dimensions = {**self.dimensions, "TargetGroup": group.arn_suffix}
        self.resource_label = pulumi.Output.concat(balancer.arn_suffix, "/", group.arn_suffix)
        self.task_security_group_id = tasks.id
        self.register_outputs({"arn": self.arn, "dnsName": self.dns_name})

    def _target_group(self, args: LoadBalancerArgs, aws_name: str) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"{self.pulumi_resource_name}-targets",
            name=aws_name,
            port=PORT,
            protocol="HTTP",
            target_type="ip",
            vpc_id=args.placement.vpc_id,
            deregistration_delay=DRAIN_SECONDS,
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                path=HEALTH_PATH,
                interval=5,
                timeout=4,
                healthy_threshold=2,
                unhealthy_threshold=3,
                matcher="200",
            ),
            tags=args.context.tags,
            opts=args.context.options(aws.lb.TargetGroup, parent=self),
        )

    def _listener(
        self, args: LoadBalancerArgs, balancer: aws.lb.LoadBalancer, group: aws.lb.TargetGroup
    ) -> aws.lb.Listener:
        domain = args.domain
        return aws.lb.Listener(
            f"{self.pulumi_resource_name}-listener",
            load_balancer_arn=balancer.arn,
            port=domain.port if domain else HTTP_PORT,
            protocol="HTTPS" if domain else "HTTP",
            certificate_arn=domain.certificate_arn if domain else None,
            ssl_policy=_TLS_POLICY if domain else None,
            default_actions=[
                aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=group.arn)
            ],
            tags=args.context.tags,
            opts=args.context.options(aws.lb.Listener, parent=self),
        )

    def _security_groups(
        self, args: LoadBalancerArgs
    ) -> tuple[aws.ec2.SecurityGroup, aws.ec2.SecurityGroup]:
        """Declare the load balancer's group and the tasks', with nothing but what they need.

        Tasks need no rule for DNS: security groups don't filter what goes to Amazon's resolver.
        Source: "Control traffic to your AWS resources using security groups" in the Amazon VPC
        User Guide.
        """
        names = args.context.names
        own = self._security_group(
            args, "security-group", names.load_balancer_security_group, "The load balancer"
        )
        tasks = self._security_group(
            args, "task-security-group", names.task_security_group, "The server's tasks"
        )
        domain = args.domain
        port = domain.port if domain else HTTP_PORT
        self._ingress(
            args,
            # EC2 can't change what kind of source a rule has, so these are two rules.
            # Source: SecurityGroupRuleRequest in the Amazon EC2 API reference.
            "from-callers" if domain else "from-cloudfront",
            own,
            port,
            "Callers" if domain else "CloudFront",
            cidr_ipv4=_EVERYWHERE if domain else None,
            prefix_list_id=args.cloudfront_addresses,
        )
        self._egress(args, "to-tasks", own, PORT, "The server", target=tasks)
        self._ingress(args, "from-load-balancer", tasks, PORT, "The load balancer", source=own)
        self._egress(args, "to-aws", tasks, _HTTPS, "The registry and the log")
        database = bolt_port(args.context.settings.neo4j_uri)
        if database != _HTTPS:
            self._egress(args, "to-database", tasks, database, "The database")
        return own, tasks

    def _security_group(
        self, args: LoadBalancerArgs, purpose: str, aws_name: str, description: str
    ) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            f"{self.pulumi_resource_name}-{purpose}",
            name=aws_name,
            description=description,
            vpc_id=args.placement.vpc_id,
            tags=args.context.tags,
            opts=args.context.options(aws.ec2.SecurityGroup, parent=self),
        )

    def _ingress(
        self,
        args: LoadBalancerArgs,
        purpose: str,
        group: aws.ec2.SecurityGroup,
        port: int,
        description: str,
        *,
        source: aws.ec2.SecurityGroup | None = None,
        cidr_ipv4: str | None = None,
        prefix_list_id: str | None = None,
    ) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self.pulumi_resource_name}-{purpose}",
            security_group_id=group.id,
            description=description,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=source.id if source else None,
            cidr_ipv4=cidr_ipv4,
            prefix_list_id=prefix_list_id,
            tags=args.context.tags,
            opts=args.context.options(aws.vpc.SecurityGroupIngressRule, parent=self),
        )

    def _egress(
        self,
        args: LoadBalancerArgs,
        purpose: str,
        group: aws.ec2.SecurityGroup,
        port: int,
        description: str,
        *,
        target: aws.ec2.SecurityGroup | None = None,
    ) -> None:
        aws.vpc.SecurityGroupEgressRule(
            f"{self.pulumi_resource_name}-{purpose}",
            security_group_id=group.id,
            description=description,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=target.id if target else None,
            cidr_ipv4=None if target else _EVERYWHERE,
            tags=args.context.tags,
            opts=args.context.options(aws.vpc.SecurityGroupEgressRule, parent=self),
        )
