"""IAM policy documents, as JSON: who can assume a role, and what a role may do. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

LAMBDA = "lambda.amazonaws.com"
COGNITO = "cognito-idp.amazonaws.com"
SECRETS_MANAGER = "secretsmanager.amazonaws.com"
CLOUDWATCH = "cloudwatch.amazonaws.com"
EVENT_BRIDGE = "events.amazonaws.com"
APP_RUNNER_BUILD = "build.apprunner.amazonaws.com"
APP_RUNNER_TASKS = "tasks.apprunner.amazonaws.com"
ECS_TASKS = "ecs-tasks.amazonaws.com"

# Actions that AWS can't restrict to a resource.
# Source: "Actions, resources, and condition keys" in the Service Authorization Reference.
ACTIONS_WITHOUT_RESOURCE = frozenset(
    {
        "cloudwatch:PutMetricData",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ecr:GetAuthorizationToken",
        "xray:GetSamplingRules",
        "xray:GetSamplingStatisticSummaries",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)

# Actions whose resources are named later, by Lambda, or which AWS can restrict to a type only.
ACTIONS_ON_EVERY_RESOURCE = frozenset(
    {
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
        "logs:DescribeLogGroups",
    }
)


def trust(service: str) -> str:
    """Return a trust policy that lets one AWS service assume a role.

    Args:
        service: the service's principal.
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return document([statement])


def pull_images(repository_arn: str) -> str:
    """Allow pulling images from one repository.

    Source: AWS's own AWSAppRunnerServicePolicyForECRAccess, narrowed to the repository.
    """
    pull = _allow(
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer",
        resource=repository_arn,
    )
    return document([pull, _allow("ecr:GetAuthorizationToken", resource="*")])


def write_logs(log_group_arn: str) -> str:
    """Allow writing to one existing log group.

    Args:
        log_group_arn: ARN of the log group, without the trailing ``:*``.
    """
    streams = f"{log_group_arn}:*"
    return document([_allow("logs:CreateLogStream", "logs:PutLogEvents", resource=streams)])


def configure_log_groups(names: Sequence[str], *, region: str, account: str) -> str:
    """Allow creating some log groups, and setting their retention and encryption.

    Args:
        names: the groups' names.
    """
    groups = [f"arn:aws:logs:{region}:{account}:log-group:{name}" for name in names]
    # Both forms are in use for the ARN of a log group. Source: "Actions, resources, and condition
    # keys for Amazon CloudWatch Logs" in the Service Authorization Reference.
    configure = _allow(
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:DisassociateKmsKey",
        "logs:PutRetentionPolicy",
        resource=[arn for group in groups for arn in (group, f"{group}:*")],
    )
    # CloudWatch Logs allows looking up a name only on all log groups.
    every = f"arn:aws:logs:{region}:{account}:log-group:*"
    return document([configure, _allow("logs:DescribeLogGroups", resource=every)])


def rotate_client_secrets(secret_arns: Sequence[str], user_pool_arn: str) -> str:
    """Allow writing and rotating some secrets, and the client secrets of one user pool.

    Args:
        secret_arns: the secrets; at least one.
        user_pool_arn: the pool; IAM has no narrower resource for its app clients.
    """
    values = _allow(
        "secretsmanager:GetSecretValue",
        "secretsmanager:ListSecretVersionIds",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
        resource=list(secret_arns),
    )
    client_secrets = _allow(
        "cognito-idp:AddUserPoolClientSecret",
        "cognito-idp:DeleteUserPoolClientSecret",
        "cognito-idp:DescribeUserPoolClient",
        "cognito-idp:ListUserPoolClientSecrets",
        resource=user_pool_arn,
    )
    return document([values, client_secrets])


def call_as(secret_arn: str) -> str:
    """Allow reading one client's secret, and with it calling the server as that client."""
    return document([_allow("secretsmanager:GetSecretValue", resource=secret_arn)])


def write_metrics(namespace: str) -> str:
    """Allow writing metrics in one namespace, which a condition restricts it to."""
    condition = {"StringEquals": {"cloudwatch:namespace": namespace}}
    return document([_allow("cloudwatch:PutMetricData", resource="*") | {"Condition": condition}])


def write_traces() -> str:
    """Allow sending traces to X-Ray.

    Source: AWS's own AWSXRayDaemonWriteAccess.
    """
    actions = sorted(action for action in ACTIONS_WITHOUT_RESOURCE if action.startswith("xray:"))
    return document([_allow(*actions, resource="*")])


def enter_vpc(function: str) -> str:
    """Let Lambda connect a function to a VPC, and keep the function itself from doing so.

    Lambda uses the function's role to create and delete its network interfaces, whose ids it
    chooses later. The condition's key is set only for calls of the function's code. Source: "Giving
    Lambda functions access to resources in an Amazon VPC" in the AWS Lambda Developer Guide, which
    has all statements.

    Args:
        function: the function's name.
    """
    looks = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
    changes = (
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    )
    by_the_function = {
        "Effect": "Deny",
        "Action": sorted([*looks, *changes, "ec2:DetachNetworkInterface"]),
        "Resource": "*",
        "Condition": {
            "ArnLike": {"lambda:SourceFunctionArn": f"arn:aws:lambda:*:*:function:{function}"}
        },
    }
    return document(
        [
            _allow(*changes, resource="arn:aws:ec2:*:*:*/*"),
            _allow(*looks, resource="*"),
            by_the_function,
        ]
    )


def _allow(*actions: str, resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def document(statements: Sequence[Mapping[str, Any]]) -> str:
    """Return a policy document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def publish_alarms(topic_arn: str, *, alarms: str, rule: str) -> str:
    """Return the policy of a topic to which alarms and a rule publish.

    Source: "Amazon SNS access control policy" for alarms in the Amazon CloudWatch User Guide, and
    "Cross-service confused deputy prevention" in the Amazon EventBridge User Guide.

    Args:
        topic_arn: ARN of the topic; its region and account are those of the alarms.
        alarms: the alarms' names, with wildcards.
        rule: the rule's name.
    """
    _, partition, _, region, account, _ = topic_arn.split(":")
    place = f"{region}:{account}"
    sources = {
        CLOUDWATCH: f"arn:{partition}:cloudwatch:{place}:alarm:{alarms}",
        EVENT_BRIDGE: f"arn:{partition}:events:{place}:rule/{rule}",
    }
    return document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": {
                    "ArnLike": {"aws:SourceArn": source},
                    "StringEquals": {"aws:SourceAccount": account},
                },
            }
            for service, source in sources.items()
        ]
    )
