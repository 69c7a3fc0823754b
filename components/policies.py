"""IAM policy documents, as pure functions: who may assume a role, and what the role may do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

LAMBDA = "lambda.amazonaws.com"
COGNITO = "cognito-idp.amazonaws.com"
APP_RUNNER_BUILD = "build.apprunner.amazonaws.com"
APP_RUNNER_TASKS = "tasks.apprunner.amazonaws.com"

# Actions that AWS grants on no single resource.
# Source: "Actions, resources, and condition keys" in the Service Authorization Reference.
ACTIONS_WITHOUT_RESOURCE = frozenset(
    {
        "ecr:GetAuthorizationToken",
        "xray:GetSamplingRules",
        "xray:GetSamplingStatisticSummaries",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)


def trust(service: str) -> str:
    """Let one AWS service assume a role.

    Args:
        service: the service's principal.

    Returns:
        The trust policy, as JSON.
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return document([statement])


def pull_images(repository_arn: str) -> str:
    """Allow pulling from one repository.

    Source: AWS's own AWSAppRunnerServicePolicyForECRAccess, narrowed to the repository.

    Args:
        repository_arn: ARN of the repository.

    Returns:
        The policy document, as JSON.
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
    """Allow writing to one log group, which exists already.

    Args:
        log_group_arn: ARN of the log group, without the trailing ``:*``.

    Returns:
        The policy document, as JSON.
    """
    streams = f"{log_group_arn}:*"
    return document([_allow("logs:CreateLogStream", "logs:PutLogEvents", resource=streams)])


def write_traces() -> str:
    """Allow sending traces to X-Ray.

    Source: AWS's own AWSXRayDaemonWriteAccess.

    Returns:
        The policy document, as JSON.
    """
    actions = sorted(action for action in ACTIONS_WITHOUT_RESOURCE if action.startswith("xray:"))
    return document([_allow(*actions, resource="*")])


def _allow(*actions: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def document(statements: Sequence[Mapping[str, Any]]) -> str:
    """Put a policy document together.

    Args:
        statements: its statements, in IAM's own form.

    Returns:
        The document, as JSON.
    """
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
