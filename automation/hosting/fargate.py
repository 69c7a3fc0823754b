"""Fargate's service behind a load balancer."""

from collections.abc import Iterator

from automation.grants import Grant, HostAccess, StackLocation
from automation.hosting.repository import repository_grants
from components import policies


def access(location: StackLocation) -> HostAccess:
    """Return what the pipelines' roles may do on Fargate."""
    names = location.names
    return HostAccess(
        roles=(names.task_execution_role, names.task_role),
        principals=(policies.ECS_TASKS,),
        # They are created with the account's first service, load balancer, scalable target and way
        # of CloudFront into a VPC.
        linked_services=(
            "ecs.amazonaws.com",
            "ecs.application-autoscaling.amazonaws.com",
            "elasticloadbalancing.amazonaws.com",
            "vpcorigin.cloudfront.amazonaws.com",
        ),
        log_groups=tuple(location.log_group_arns(names.task_log_stem)),
        grants=(*repository_grants(location), *_grants(location)),
    )


def _grants(location: StackLocation) -> Iterator[Grant]:
    yield from _service(location)
    yield from _scaling(location)
    yield from _load_balancer(location)
    yield from _network(location)
    yield _record()


def _service(location: StackLocation) -> Iterator[Grant]:
    names = location.names
    cluster, service = names.cluster, names.container_service
    yield Grant(
        sid="ContainerService",
        resources=[
            location.arn("ecs", f"cluster/{cluster}"),
            location.arn("ecs", f"service/{cluster}/{service}"),
            location.arn("ecs", f"service-deployment/{cluster}/{service}/*"),
            location.arn("ecs", f"task/{cluster}/*"),
            location.arn("ecs", f"task-definition/{names.task_family}:*"),
        ],
        read=[
            "ecs:DescribeClusters",
            "ecs:DescribeServiceDeployments",
            "ecs:DescribeServices",
            "ecs:DescribeTasks",
            "ecs:ListServiceDeployments",
            "ecs:ListTagsForResource",
        ],
        write=[
            "ecs:CreateCluster",
            "ecs:CreateService",
            "ecs:DeleteCluster",
            "ecs:DeleteService",
            "ecs:RegisterTaskDefinition",
            "ecs:TagResource",
            "ecs:UntagResource",
            "ecs:UpdateCluster",
            "ecs:UpdateService",
        ],
    )
    # None of these can be limited to a resource.
    yield Grant(
        sid="DescribeTaskDefinitionsAndMetrics",
        resources=["*"],
        read=[
            "cloudwatch:GetMetricData",
            "cloudwatch:ListMetrics",
            "ecs:DescribeTaskDefinition",
            "ecs:ListTasks",
        ],
        write=["ecs:DeregisterTaskDefinition"],
    )


def _scaling(location: StackLocation) -> Iterator[Grant]:
    # Application Auto Scaling's own ids are in the ARNs, and reads can't be limited to a resource.
    yield Grant(
        sid="ReadScaling",
        resources=["*"],
        read=[
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingActivities",
            "application-autoscaling:DescribeScalingPolicies",
        ],
    )
    yield Grant(
        sid="Scaling",
        resources=[location.arn("application-autoscaling", "scalable-target/*")],
        read=["application-autoscaling:ListTagsForResource"],
        write=[
            "application-autoscaling:DeleteScalingPolicy",
            "application-autoscaling:DeregisterScalableTarget",
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:RegisterScalableTarget",
            "application-autoscaling:TagResource",
            "application-autoscaling:UntagResource",
        ],
    )
    # Target tracking makes alarms with the permissions of who asks for it.
    yield Grant(
        sid="ScalingAlarms",
        resources=[location.arn("cloudwatch", "alarm:TargetTracking-service/*")],
        write=["cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"],
    )


def _load_balancer(location: StackLocation) -> Iterator[Grant]:
    stem = location.names.load_balancer_stem
    yield Grant(
        sid="LoadBalancer",
        resources=[
            location.arn("elasticloadbalancing", f"listener/app/{stem}*"),
            location.arn("elasticloadbalancing", f"loadbalancer/app/{stem}*"),
            location.arn("elasticloadbalancing", f"targetgroup/{stem}*"),
        ],
        write=[
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:CreateListener",
            "elasticloadbalancing:CreateLoadBalancer",
            "elasticloadbalancing:CreateTargetGroup",
            "elasticloadbalancing:DeleteListener",
            "elasticloadbalancing:DeleteLoadBalancer",
            "elasticloadbalancing:DeleteTargetGroup",
            "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:ModifyTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:RemoveTags",
            "elasticloadbalancing:SetSecurityGroups",
            "elasticloadbalancing:SetSubnets",
        ],
    )
    # None of these can be limited to a resource.
    yield Grant(
        sid="DescribeLoadBalancers",
        resources=["*"],
        read=[
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeTags",
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
        ],
    )


def _network(location: StackLocation) -> Iterator[Grant]:
    groups = location.arn("ec2", "security-group/*")
    rules = location.arn("ec2", "security-group-rule/*")
    tags = location.tags
    yield Grant(
        sid="CreateSecurityGroups",
        resources=[groups, rules],
        write=["ec2:CreateTags"],
        condition={"StringEquals": {f"aws:RequestTag/{key}": tags[key] for key in tags}},
    )
    yield Grant(
        sid="CreateSecurityGroupsInVpc",
        resources=[groups, location.arn("ec2", "vpc/*")],
        write=["ec2:CreateSecurityGroup"],
    )
    yield Grant(
        sid="SecurityGroups",
        resources=[groups],
        write=[
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteTags",
            "ec2:ModifySecurityGroupRules",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        ],
        condition={"StringEquals": {f"aws:ResourceTag/{key}": tags[key] for key in tags}},
    )
    # None of these can be limited to a resource.
    yield Grant(
        sid="DescribeNetwork",
        resources=["*"],
        read=[
            "ec2:DescribeManagedPrefixLists",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ],
        write=["ec2:GetManagedPrefixListEntries"],
    )


def _record() -> Grant:
    return Grant(
        sid="DomainRecord",
        resources=["arn:aws:route53:::change/*", "arn:aws:route53:::hostedzone/*"],
        read=["route53:GetHostedZone", "route53:ListResourceRecordSets"],
        write=["route53:ChangeResourceRecordSets", "route53:GetChange"],
    )
