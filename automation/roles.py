"""Policies of the AWS roles that pipelines assume: who may assume each role, and what it may do.

A pipeline proves with OpenID Connect which repository and environment it runs for, so no AWS key is
stored anywhere. There are three roles because the jobs need different permissions: previewing a
pull request needs almost none, a check reads, a deployment writes.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import policies
from components.names import ResourceNames

GITHUB = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"


class Purpose(enum.StrEnum):
    """What a role is for."""

    PREVIEW = "preview"
    CHECK = "check"
    DEPLOY = "deploy"


@dataclass(frozen=True, kw_only=True)
class StackLocation:
    """A stack in its AWS account and region.

    Attributes:
        project: the Pulumi project's name, which is also the value of the resources' tag `Project`.
        account: the AWS account id.
    """

    names: ResourceNames
    project: str
    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a regional resource."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def role_arn(self, role: str) -> str:
        """Return the ARN of a role in the account."""
        return f"arn:aws:iam::{self.account}:role/{role}"

    @property
    def role_arns(self) -> list[str]:
        """ARNs of the roles that the stack creates."""
        names = self.names
        return [
            self.role_arn(role)
            for role in (names.claims_function, names.access_role, names.instance_role)
        ]

    @property
    def service_arn(self) -> str:
        """ARN pattern of the App Runner service, because App Runner chooses the id at its end."""
        return self.arn("apprunner", f"service/{self.names.service}/*")

    @property
    def secret_arn(self) -> str:
        """ARN pattern of the clients' secrets; Secrets Manager appends six characters."""
        return self.arn("secretsmanager", f"secret:{self.names.secret('*')}-????????-??????")


@dataclass(frozen=True, kw_only=True)
class _Grant:
    """Actions that are allowed on some resources.

    Attributes:
        resources: ARNs or ARN patterns.
        read: actions for checks and deployments.
        write: actions for deployments only.
    """

    sid: str
    resources: Sequence[str]
    read: Sequence[str] = ()
    write: Sequence[str] = ()
    condition: Mapping[str, Any] | None = None


def trust(*, repository: str, subject: str, account: str) -> str:
    """Write the trust policy that lets one kind of workflow run assume a role.

    Source: "Configuring OpenID Connect in Amazon Web Services" in GitHub's documentation.

    Args:
        repository: the GitHub repository, as OWNER/NAME.
        subject: `environment:NAME` or `pull_request`.
        account: the AWS account id.

    Returns:
        The policy as JSON.
    """
    return policies.document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{GITHUB}:aud": _AUDIENCE,
                        f"{GITHUB}:sub": f"repo:{repository}:{subject}",
                    }
                },
            }
        ]
    )


def subject(purpose: Purpose, stack: str) -> str:
    """Return which workflow runs may use a role, as the last part of the token's `sub` claim.

    Pull requests can only preview. The GitHub environment has the name of the stack.
    """
    return "pull_request" if purpose is Purpose.PREVIEW else f"environment:{stack}"


def permissions(purpose: Purpose, location: StackLocation) -> str:
    """Write the permissions policy of a role, limited to the stack's own resources.

    Returns:
        The policy as JSON.
    """
    # A preview reads the state from Pulumi's backend; of AWS it needs only the registry login.
    grants = [_REGISTRY_LOGIN] if purpose is Purpose.PREVIEW else list(_grants(location))
    statements = []
    for grant in grants:
        actions = [*grant.read, *(grant.write if purpose is Purpose.DEPLOY else ())]
        if actions:
            statements.append(_statement(grant, actions))
    return policies.document(statements)


_REGISTRY_LOGIN = _Grant(sid="LogInToRegistry", resources=["*"], read=["ecr:GetAuthorizationToken"])


def _grants(location: StackLocation) -> Iterator[_Grant]:
    yield _REGISTRY_LOGIN
    yield _repository(location)
    yield from _roles(location)
    yield from _claims_function(location)
    yield from _user_pool(location)
    yield _secrets(location)
    yield from _service(location)


def _repository(location: StackLocation) -> _Grant:
    return _Grant(
        sid="ImageRepository",
        resources=[location.arn("ecr", f"repository/{location.names.repository}")],
        read=[
            "ecr:BatchGetImage",
            "ecr:DescribeImageScanFindings",
            "ecr:DescribeImages",
            "ecr:DescribeRepositories",
            "ecr:GetLifecyclePolicy",
            "ecr:GetRepositoryPolicy",
            "ecr:ListTagsForResource",
        ],
        write=[
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchDeleteImage",
            "ecr:CompleteLayerUpload",
            "ecr:CreateRepository",
            "ecr:DeleteLifecyclePolicy",
            "ecr:DeleteRepository",
            "ecr:GetDownloadUrlForLayer",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:PutImageScanningConfiguration",
            "ecr:PutImageTagMutability",
            "ecr:PutLifecyclePolicy",
            "ecr:TagResource",
            "ecr:UntagResource",
            "ecr:UploadLayerPart",
        ],
    )


def _roles(location: StackLocation) -> Iterator[_Grant]:
    yield _Grant(
        sid="StackRoles",
        resources=location.role_arns,
        read=[
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:ListRoleTags",
            "iam:SimulatePrincipalPolicy",
        ],
        write=[
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:ListInstanceProfilesForRole",
            "iam:PutRolePolicy",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
        ],
    )
    yield _Grant(
        sid="PassStackRoles",
        resources=location.role_arns,
        write=["iam:PassRole"],
        condition={
            "StringEquals": {
                "iam:PassedToService": [
                    policies.APP_RUNNER_BUILD,
                    policies.APP_RUNNER_TASKS,
                    policies.LAMBDA,
                ]
            }
        },
    )
    # App Runner creates these with the account's first service and first VPC connector.
    yield _Grant(
        sid="CreateServiceLinkedRoles",
        resources=[f"arn:aws:iam::{location.account}:role/aws-service-role/*"],
        write=["iam:CreateServiceLinkedRole"],
        condition={
            "StringEquals": {
                "iam:AWSServiceName": [
                    "apprunner.amazonaws.com",
                    "networking.apprunner.amazonaws.com",
                ]
            }
        },
    )


def _claims_function(location: StackLocation) -> Iterator[_Grant]:
    yield _Grant(
        sid="ClaimsFunction",
        resources=[location.arn("lambda", f"function:{location.names.claims_function}")],
        read=[
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionConcurrency",
            "lambda:GetFunctionConfiguration",
            "lambda:GetPolicy",
            "lambda:ListTags",
            "lambda:ListVersionsByFunction",
        ],
        write=[
            "lambda:AddPermission",
            "lambda:CreateFunction",
            "lambda:DeleteFunction",
            "lambda:RemovePermission",
            "lambda:TagResource",
            "lambda:UntagResource",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ],
    )
    group = location.arn("logs", f"log-group:{location.names.claims_log_stem}????????")
    application = location.arn("logs", f"log-group:/aws/apprunner/{location.names.service}/*")
    yield _Grant(
        sid="ReadLogs",
        resources=[group, f"{group}:*", application],
        read=[
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:ListTagsForResource",
        ],
    )
    yield _Grant(
        sid="ManageClaimsLog",
        resources=[group, f"{group}:*"],
        write=[
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DeleteRetentionPolicy",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:UntagResource",
        ],
    )
    # Looked up by name prefix. CloudWatch Logs allows that only on all log groups.
    yield _Grant(
        sid="ListLogGroups",
        resources=[location.arn("logs", "log-group:*")],
        read=["logs:DescribeLogGroups"],
    )


def _user_pool(location: StackLocation) -> Iterator[_Grant]:
    """Identify the pool by the stack's tags, because Cognito chooses its id."""
    pools = [location.arn("cognito-idp", "userpool/*")]
    tags = {"Project": location.project, "Stack": location.names.stack}
    yield _Grant(
        sid="CreateUserPool",
        resources=pools,
        write=["cognito-idp:CreateUserPool", "cognito-idp:TagResource"],
        condition={"StringEquals": {f"aws:RequestTag/{key}": tags[key] for key in tags}},
    )
    yield _Grant(
        sid="UserPool",
        resources=pools,
        read=[
            "cognito-idp:DescribeResourceServer",
            "cognito-idp:DescribeUserPool",
            "cognito-idp:DescribeUserPoolClient",
            "cognito-idp:GetUserPoolMfaConfig",
            "cognito-idp:ListResourceServers",
            "cognito-idp:ListTagsForResource",
            "cognito-idp:ListUserPoolClients",
        ],
        write=[
            "cognito-idp:CreateResourceServer",
            "cognito-idp:CreateUserPoolClient",
            "cognito-idp:CreateUserPoolDomain",
            "cognito-idp:DeleteResourceServer",
            "cognito-idp:DeleteUserPool",
            "cognito-idp:DeleteUserPoolClient",
            "cognito-idp:DeleteUserPoolDomain",
            "cognito-idp:UntagResource",
            "cognito-idp:UpdateResourceServer",
            "cognito-idp:UpdateUserPool",
            "cognito-idp:UpdateUserPoolClient",
            "cognito-idp:UpdateUserPoolDomain",
        ],
        condition={"StringEquals": {f"aws:ResourceTag/{key}": tags[key] for key in tags}},
    )
    # Neither can be limited to one pool. The list finds a pool that an interrupted run created
    # without recording it in the state.
    yield _Grant(
        sid="FindUserPools",
        resources=["*"],
        read=["cognito-idp:DescribeUserPoolDomain", "cognito-idp:ListUserPools"],
    )


def _secrets(location: StackLocation) -> _Grant:
    return _Grant(
        sid="ClientSecrets",
        resources=[location.secret_arn],
        # Includes the values, because checks call the server as each client does.
        read=[
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetResourcePolicy",
            "secretsmanager:GetSecretValue",
            "secretsmanager:ListSecretVersionIds",
        ],
        write=[
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:PutSecretValue",
            "secretsmanager:RestoreSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UntagResource",
            "secretsmanager:UpdateSecret",
            "secretsmanager:UpdateSecretVersionStage",
        ],
    )


def _service(location: StackLocation) -> Iterator[_Grant]:
    names = location.names
    yield _Grant(
        sid="Service",
        resources=[
            location.service_arn,
            location.arn("apprunner", f"autoscalingconfiguration/{names.auto_scaling}/*"),
            location.arn("apprunner", f"observabilityconfiguration/{names.observability}/*"),
            location.arn("apprunner", f"vpcconnector/{names.vpc_connector_stem}*/*"),
        ],
        read=[
            "apprunner:DescribeAutoScalingConfiguration",
            "apprunner:DescribeObservabilityConfiguration",
            "apprunner:DescribeService",
            "apprunner:DescribeVpcConnector",
            "apprunner:ListOperations",
            "apprunner:ListTagsForResource",
        ],
        write=[
            "apprunner:CreateAutoScalingConfiguration",
            "apprunner:CreateObservabilityConfiguration",
            "apprunner:CreateService",
            "apprunner:CreateVpcConnector",
            "apprunner:DeleteAutoScalingConfiguration",
            "apprunner:DeleteObservabilityConfiguration",
            "apprunner:DeleteService",
            "apprunner:DeleteVpcConnector",
            "apprunner:TagResource",
            "apprunner:UntagResource",
            "apprunner:UpdateService",
        ],
    )
    # None of these can be limited to a resource.
    yield _Grant(
        sid="ListServicesAndMetrics",
        resources=["*"],
        read=[
            "apprunner:ListAutoScalingConfigurations",
            "apprunner:ListObservabilityConfigurations",
            "apprunner:ListServices",
            "apprunner:ListVpcConnectors",
            "cloudwatch:GetMetricData",
            "cloudwatch:ListMetrics",
        ],
    )


def _statement(grant: _Grant, actions: Sequence[str]) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": list(grant.resources),
    }
    if grant.condition:
        statement["Condition"] = grant.condition
    return statement
