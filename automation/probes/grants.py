"""What the role `probe` may do: create, try and remove resources with a probe's name. Pure."""

from collections.abc import Iterator
from typing import Any, Final

from automation.grants import Grant, StackLocation
from automation.probes.kinds import NAMESPACE, PREFIX, TAG

_NAME: Final = f"{PREFIX}*"


def probe_grants(location: StackLocation) -> Iterator[Grant]:
    """Return the grants of the role `probe`.

    They are limited to the names of probes' resources, or to their tag where AWS chooses the id.
    Reading the stack's outputs is up to Pulumi's backend.
    """
    yield from _named(location)
    yield from _tagged(location)
    yield Grant(
        sid="ProbeService",
        resources=[location.arn("apprunner", f"service/{location.names.service}/*")],
        probe=[
            "apprunner:DescribeService",
            "apprunner:PauseService",
            "apprunner:StartDeployment",
        ],
    )
    yield Grant(
        # The account's first VPC connector needs it; it costs nothing, and stays.
        sid="CreateNetworkingRole",
        resources=[location.role_arn("aws-service-role/networking.apprunner.amazonaws.com/*")],
        probe=["iam:CreateServiceLinkedRole"],
        condition={"StringEquals": {"iam:AWSServiceName": "networking.apprunner.amazonaws.com"}},
    )
    yield Grant(
        sid="FindKeyOfSecretsManager",
        resources=[location.arn("kms", "key/*")],
        probe=["kms:DescribeKey"],
        condition={"StringEquals": {"kms:RequestAlias": "alias/aws/secretsmanager"}},
    )
    yield Grant(
        sid="PublishProbeMetrics",
        resources=["*"],
        probe=["cloudwatch:PutMetricData"],
        condition={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    )
    # None of these can be limited to resources; the lists find what a killed run left.
    yield Grant(
        sid="ProbeWithoutResource",
        resources=["*"],
        probe=[
            "apprunner:ListAutoScalingConfigurations",
            "apprunner:ListVpcConnectors",
            "cloudtrail:LookupEvents",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetMetricData",
            "cognito-idp:ListUserPools",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "ecr:GetAuthorizationToken",
            "ecs:DeregisterTaskDefinition",
            "ecs:ListClusters",
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeLoadBalancers",
            "events:ListRules",
            "events:TestEventPattern",
            "iam:ListRoles",
            "lambda:GetAccountSettings",
            "lambda:ListFunctions",
            "logs:DescribeLogGroups",
            "logs:TestMetricFilter",
            "secretsmanager:ListSecrets",
            "sns:GetSubscriptionAttributes",
            "sns:ListTopics",
            "sns:Unsubscribe",
            "sts:GetCallerIdentity",
        ],
    )


def _named(location: StackLocation) -> Iterator[Grant]:
    yield Grant(
        sid="ProbeRoles",
        resources=[location.role_arn(_NAME)],
        probe=[
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListRolePolicies",
            "iam:PutRolePolicy",
            "iam:SimulatePrincipalPolicy",
            "iam:TagRole",
        ],
    )
    yield Grant(
        sid="PassProbeRoles",
        resources=[location.role_arn(_NAME)],
        probe=["iam:PassRole"],
        condition={
            "StringEquals": {
                "iam:PassedToService": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]
            }
        },
    )
    yield Grant(
        sid="ProbeFunctions",
        resources=[location.function_arn(_NAME)],
        probe=[
            "lambda:AddPermission",
            "lambda:CreateAlias",
            "lambda:CreateFunction",
            "lambda:CreateFunctionUrlConfig",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency",
            "lambda:GetFunctionConfiguration",
            "lambda:InvokeFunction",
            "lambda:PublishVersion",
            "lambda:PutFunctionConcurrency",
            "lambda:TagResource",
            "lambda:UpdateFunctionConfiguration",
        ],
    )
    yield Grant(
        sid="ProbeSecrets",
        resources=[location.arn("secretsmanager", f"secret:{_NAME}")],
        probe=[
            "secretsmanager:CancelRotateSecret",
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:ListSecretVersionIds",
            "secretsmanager:PutSecretValue",
            "secretsmanager:RestoreSecret",
            "secretsmanager:RotateSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UpdateSecretVersionStage",
        ],
    )
    yield Grant(
        sid="ProbeRepositories",
        resources=[location.arn("ecr", f"repository/{_NAME}")],
        probe=[
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:CreateRepository",
            "ecr:DeleteRepository",
            "ecr:DescribeImageScanFindings",
            "ecr:DescribeImages",
            "ecr:DescribeRepositories",
            "ecr:GetLifecyclePolicy",
            "ecr:GetRepositoryPolicy",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:TagResource",
            "ecr:UploadLayerPart",
        ],
    )
    groups = [location.arn("logs", f"log-group:{prefix}{_NAME}") for prefix in ("", "/aws/lambda/")]
    yield Grant(
        sid="ProbeLogGroups",
        resources=groups,
        probe=[
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:FilterLogEvents",
            "logs:PutMetricFilter",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
        ],
    )
    yield Grant(
        sid="ProbeAlarms",
        resources=[location.arn("cloudwatch", f"alarm:{_NAME}")],
        probe=[
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarmHistory",
            "cloudwatch:PutCompositeAlarm",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:SetAlarmState",
        ],
    )
    yield Grant(
        sid="ProbeDashboards",
        resources=[f"arn:aws:cloudwatch::{location.account}:dashboard/{_NAME}"],
        probe=["cloudwatch:GetDashboard"],
    )
    yield Grant(
        sid="ProbeRules",
        resources=[location.arn("events", f"rule/{_NAME}")],
        probe=[
            "events:DeleteRule",
            "events:ListTargetsByRule",
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
        ],
    )
    yield Grant(
        sid="ProbeTopics",
        resources=[location.arn("sns", _NAME)],
        probe=[
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:Subscribe",
            "sns:TagResource",
        ],
    )
    yield Grant(
        sid="ProbeAppRunner",
        resources=[
            location.arn("apprunner", f"autoscalingconfiguration/{_NAME}"),
            location.arn("apprunner", f"service/{_NAME}"),
            location.arn("apprunner", f"vpcconnector/{_NAME}"),
        ],
        probe=[
            "apprunner:CreateAutoScalingConfiguration",
            "apprunner:CreateService",
            "apprunner:CreateVpcConnector",
            "apprunner:DeleteAutoScalingConfiguration",
            "apprunner:DeleteVpcConnector",
            "apprunner:DescribeVpcConnector",
            "apprunner:TagResource",
        ],
    )
    yield Grant(
        sid="ProbeEcs",
        resources=[
            location.arn("ecs", f"cluster/{_NAME}"),
            location.arn("ecs", f"service/{_NAME}"),
            location.arn("ecs", f"task-definition/{_NAME}"),
        ],
        probe=[
            "ecs:CreateCluster",
            "ecs:DeleteCluster",
            "ecs:DescribeClusters",
            "ecs:DescribeServices",
            "ecs:RegisterTaskDefinition",
            "ecs:TagResource",
        ],
    )


def _tagged(location: StackLocation) -> Iterator[Grant]:
    pools = [location.arn("cognito-idp", "userpool/*")]
    # What a request creates can't be limited to an ARN, but to a tag that it sets.
    yield Grant(
        sid="CreateProbePools",
        resources=["*"],
        probe=["cognito-idp:CreateUserPool"],
        condition=_tag("aws:RequestTag"),
    )
    yield Grant(
        sid="TagProbePools",
        resources=pools,
        probe=["cognito-idp:TagResource"],
        # The tag makes a pool a probe's, so a stack's can't get it.
        condition={**_tag("aws:RequestTag"), "Null": {"aws:ResourceTag/Project": "true"}},
    )
    yield Grant(
        sid="ProbePools",
        resources=pools,
        probe=[
            "cognito-idp:AddUserPoolClientSecret",
            "cognito-idp:CreateResourceServer",
            "cognito-idp:CreateUserPoolClient",
            "cognito-idp:CreateUserPoolDomain",
            "cognito-idp:DeleteUserPool",
            "cognito-idp:DeleteUserPoolClientSecret",
            "cognito-idp:DeleteUserPoolDomain",
            "cognito-idp:DescribeUserPool",
            "cognito-idp:DescribeUserPoolClient",
            "cognito-idp:ListUserPoolClientSecrets",
        ],
        condition=_tag("aws:ResourceTag"),
    )
    groups = [location.arn("ec2", "security-group/*")]
    yield Grant(
        sid="CreateProbeSecurityGroups",
        resources=groups,
        probe=["ec2:CreateSecurityGroup"],
        condition=_tag("aws:RequestTag"),
    )
    yield Grant(
        # In which VPC.
        sid="CreateInVpc",
        resources=[location.arn("ec2", "vpc/*")],
        probe=["ec2:CreateSecurityGroup"],
    )
    yield Grant(
        sid="TagProbeSecurityGroups",
        resources=groups,
        probe=["ec2:CreateTags"],
        condition={"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}},
    )
    yield Grant(
        sid="ProbeSecurityGroups",
        resources=groups,
        probe=[
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
            "ec2:ModifySecurityGroupRules",
            "ec2:RevokeSecurityGroupIngress",
        ],
        condition=_tag("aws:ResourceTag"),
    )
    yield Grant(
        # The rules have ids of their own, and no tag.
        sid="ProbeSecurityGroupRules",
        resources=[location.arn("ec2", "security-group-rule/*")],
        probe=["ec2:ModifySecurityGroupRules"],
    )


def _tag(key: str) -> dict[str, Any]:
    return {"StringEquals": {f"{key}/{TAG[0]}": TAG[1]}}
