"""What the pipelines' roles need for a service on Fargate. Pure.

Source: "Actions, resources, and condition keys" of each service in the Service Authorization
Reference.
"""

from collections.abc import Iterator

from automation.grants import Grant, StackLocation, creation_grants


def fargate_grants(location: StackLocation) -> Iterator[Grant]:
    """Return the actions on the service, its network and its scaling."""
    yield from _service(location)
    yield _load_balancer(location)
    yield from _security_groups(location)
    yield from _scaling(location)
    yield from _records()
    yield _certificates(location)
    yield _LOOKUPS
    yield _prefix_lists(location)
    yield _READS


# The program looks up the network, in previews too. None of these can be limited to a resource.
_LOOKUPS = Grant(
    sid="LookUpNetwork",
    resources=["*"],
    preview=[
        "ec2:DescribeManagedPrefixLists",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ],
)
# None of these can be limited to a resource.
_READS = Grant(
    sid="ReadNetworkAndTasks",
    resources=["*"],
    read=[
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "cloudwatch:DescribeAlarms",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSecurityGroups",
        "ecs:DescribeTaskDefinition",
        "elasticloadbalancing:DescribeCapacityReservation",
        "elasticloadbalancing:DescribeListenerAttributes",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    ],
    write=[
        # CloudFront requires it of the role that creates a VPC origin.
        "ec2:DescribeInternetGateways",
        # Pulumi's provider looks for interfaces that keep a security group from being deleted.
        # Source: security_group.go in hashicorp/terraform-provider-aws.
        "ec2:DescribeNetworkInterfaces",
        "ecs:DeregisterTaskDefinition",
    ],
)


def _service(location: StackLocation) -> Iterator[Grant]:
    names = location.names
    service = f"{names.cluster}/{names.container_service}"
    # A list of a cluster's tasks has no resource; the cluster is a condition.
    yield Grant(
        sid="ListTasks",
        resources=["*"],
        read=["ecs:ListTasks"],
        condition={"ArnEquals": {"ecs:cluster": location.arn("ecs", f"cluster/{names.cluster}")}},
    )
    yield Grant(
        sid="EcsService",
        resources=[
            location.arn("ecs", resource)
            for resource in (
                f"cluster/{names.cluster}",
                f"service/{service}",
                f"service-deployment/{service}/*",
                f"task/{names.cluster}/*",
                f"task-definition/{names.task_family}:*",
            )
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


def _load_balancer(location: StackLocation) -> Grant:
    stem = location.names.load_balancer_stem
    return Grant(
        sid="LoadBalancer",
        # Load balancers, listeners and target groups. Seven characters end their names.
        resources=[location.arn("elasticloadbalancing", f"*/{stem}???????/*")],
        write=[
            f"elasticloadbalancing:{action}"
            for action in (
                "AddTags",
                "CreateListener",
                "CreateLoadBalancer",
                "CreateTargetGroup",
                "DeleteListener",
                "DeleteLoadBalancer",
                "DeleteTargetGroup",
                "ModifyListener",
                "ModifyListenerAttributes",
                "ModifyLoadBalancerAttributes",
                "ModifyTargetGroup",
                "ModifyTargetGroupAttributes",
                "RemoveTags",
                "SetSecurityGroups",
                "SetSubnets",
            )
        ],
    )


def _security_groups(location: StackLocation) -> Iterator[Grant]:
    """Identify the groups and their rules by the stack's tags, because EC2 chooses their ids."""
    groups, rules, vpcs = (
        location.arn("ec2", f"{kind}/*")
        for kind in ("security-group", "security-group-rule", "vpc")
    )
    opened = ["ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"]
    created = [each.removeprefix("ec2:") for each in (*opened, "ec2:CreateSecurityGroup")]
    yield Grant(
        sid="CreateWithTags",
        resources=["*"],
        write=["ec2:CreateSecurityGroup"],
        condition=location.condition("aws:RequestTag"),
    )
    yield Grant(
        sid="CreateSecurityGroupRules",
        resources=[rules],
        write=opened,
        condition=location.condition("aws:RequestTag"),
    )
    # Only what these create: with the stack's tags, another group would be the stack's.
    yield Grant(
        sid="TagSecurityGroups",
        resources=["*"],
        write=["ec2:CreateTags"],
        condition={"StringEquals": {"ec2:CreateAction": created}},
    )
    yield Grant(
        sid="SecurityGroups",
        resources=[groups, rules],
        write=[
            *opened,
            "ec2:CreateTags",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteTags",
            "ec2:ModifySecurityGroupRules",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        ],
        condition=location.condition("aws:ResourceTag"),
    )
    yield Grant(sid="VpcOfSecurityGroups", resources=[vpcs], write=["ec2:CreateSecurityGroup"])


def _scaling(location: StackLocation) -> Iterator[Grant]:
    names = location.names
    # Application Auto Scaling chooses the id, so the stack's targets are known by their tags.
    yield from creation_grants(
        location,
        create=["application-autoscaling:RegisterScalableTarget"],
        tag="application-autoscaling:TagResource",
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
        condition=location.condition("aws:ResourceTag"),
    )
    alarms = f"alarm:TargetTracking-service/{names.cluster}/{names.container_service}-*"
    yield Grant(
        sid="ScalingAlarms",
        resources=[location.arn("cloudwatch", alarms)],
        write=["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
    )


def _prefix_lists(location: StackLocation) -> Grant:
    """Return the action on the lists of addresses that AWS itself keeps, such as CloudFront's."""
    return Grant(
        sid="PrefixListsOfAws",
        resources=[f"arn:aws:ec2:{location.region}:aws:prefix-list/*"],
        preview=["ec2:GetManagedPrefixListEntries"],
    )


def _certificates(location: StackLocation) -> Grant:
    return Grant(
        sid="ReadCertificates",
        resources=[location.arn("acm", "certificate/*")],
        # Before a deployment gives one to the load balancer.
        write=["acm:DescribeCertificate"],
    )


def _records() -> Iterator[Grant]:
    zones = "arn:aws:route53:::hostedzone/*"
    yield Grant(
        sid="ReadAddressRecords",
        resources=[zones, "arn:aws:route53:::change/*"],
        read=["route53:GetChange", "route53:GetHostedZone", "route53:ListResourceRecordSets"],
    )
    # The zone is a setting, so the policy doesn't know it; the type of the record is fixed.
    yield Grant(
        sid="AddressRecords",
        resources=[zones],
        write=["route53:ChangeResourceRecordSets"],
        condition={
            "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["A"]}
        },
    )


def vpc_origin_grants(location: StackLocation) -> Iterator[Grant]:
    """Return the actions on the edge's way into the VPC."""
    # CloudFront chooses its id.
    origins = [f"arn:aws:cloudfront::{location.account}:vpcorigin/*"]
    yield from creation_grants(
        location, create=["cloudfront:CreateVpcOrigin"], tag="cloudfront:TagResource"
    )
    yield Grant(
        sid="VpcOrigin",
        resources=origins,
        read=["cloudfront:GetVpcOrigin", "cloudfront:ListTagsForResource"],
        write=[
            "cloudfront:DeleteVpcOrigin",
            "cloudfront:TagResource",
            "cloudfront:UntagResource",
            "cloudfront:UpdateVpcOrigin",
        ],
        condition=location.condition("aws:ResourceTag"),
    )
