"""The AWS roles that pipelines assume: who may assume each, and exactly what it may do. Pure.

A pipeline proves by OpenID Connect which repository and environment it runs for, so no key is
stored anywhere. Three roles, because each job needs a different part: a preview of somebody's
change needs next to nothing, a check reads, a deployment writes.
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
class Place:
    """The stack that a role is for, and where it is.

    Attributes:
        names: the names of the stack's resources.
        project: the Pulumi project's name, as resources' tags carry it.
        account: the AWS account's id.
        region: the AWS region.
    """

    names: ResourceNames
    project: str
    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Name a resource of the place."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def role_arn(self, role: str) -> str:
        """Name a role of the place."""
        return f"arn:aws:iam::{self.account}:role/{role}"

    @property
    def role_arns(self) -> list[str]:
        """The stack's own roles."""
        names = self.names
        return [
            self.role_arn(role)
            for role in (names.claims_function, names.access_role, names.instance_role)
        ]

    @property
    def service_arn(self) -> str:
        """The App Runner service; its id is App Runner's to choose."""
        return self.arn("apprunner", f"service/{self.names.service}/*")

    @property
    def secret_arn(self) -> str:
        """The clients' secrets: a name, its random suffix, and Secrets Manager's own in the ARN."""
        return self.arn("secretsmanager", f"secret:{self.names.secret('*')}-????????-??????")


@dataclass(frozen=True, kw_only=True)
class _Grant:
    """What may be done with some resources.

    Attributes:
        sid: the statement's name.
        resources: their ARNs.
        read: actions that change nothing.
        write: actions of a deployment.
        condition: what else must hold.
    """

    sid: str
    resources: Sequence[str]
    read: Sequence[str] = ()
    write: Sequence[str] = ()
    condition: Mapping[str, Any] | None = None


def trust(*, repository: str, subject: str, account: str) -> str:
    """Let one kind of run of one repository assume a role.

    Source: "Configuring OpenID Connect in Amazon Web Services" in GitHub's documentation.

    Args:
        repository: the repository on GitHub, owner/name.
        subject: what the run is for: `environment:NAME` or `pull_request`.
        account: the AWS account's id.

    Returns:
        The trust policy, as JSON.
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
    """Name the runs that a role is for.

    Args:
        purpose: the role's purpose.
        stack: the stack's name, which is also the environment's.

    Returns:
        The end of the token's `sub`. Only a preview runs for pull requests.
    """
    return "pull_request" if purpose is Purpose.PREVIEW else f"environment:{stack}"


def permissions(purpose: Purpose, place: Place) -> str:
    """Allow what a role's purpose needs, on the stack's own resources.

    Args:
        purpose: the role's purpose.
        place: the stack.

    Returns:
        The permissions policy, as JSON.
    """
    # A preview reads the state, which is no AWS service's; the program asks for a registry login.
    grants = [_LOGIN] if purpose is Purpose.PREVIEW else list(_grants(place))
    statements = []
    for grant in grants:
        actions = [*grant.read, *(grant.write if purpose is Purpose.DEPLOY else ())]
        if actions:
            statements.append(_statement(grant, actions))
    return policies.document(statements)


_LOGIN = _Grant(sid="Login", resources=["*"], read=["ecr:GetAuthorizationToken"])


def _grants(place: Place) -> Iterator[_Grant]:
    yield _LOGIN
    yield _repository(place)
    yield from _roles(place)
    yield from _claims_function(place)
    yield from _user_pool(place)
    yield _secrets(place)
    yield from _service(place)


def _repository(place: Place) -> _Grant:
    return _Grant(
        sid="Repository",
        resources=[place.arn("ecr", f"repository/{place.names.repository}")],
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


def _roles(place: Place) -> Iterator[_Grant]:
    yield _Grant(
        sid="Roles",
        resources=place.role_arns,
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
        sid="PassRoles",
        resources=place.role_arns,
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
    # An account's first service, and its first VPC connector, make these.
    yield _Grant(
        sid="ServiceLinkedRoles",
        resources=[f"arn:aws:iam::{place.account}:role/aws-service-role/*"],
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


def _claims_function(place: Place) -> Iterator[_Grant]:
    yield _Grant(
        sid="ClaimsFunction",
        resources=[place.arn("lambda", f"function:{place.names.claims_function}")],
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
    group = place.arn("logs", f"log-group:{place.names.claims_log_stem}????????")
    application = place.arn("logs", f"log-group:/aws/apprunner/{place.names.service}/*")
    yield _Grant(
        sid="Logs",
        resources=[group, f"{group}:*", application],
        read=[
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:ListTagsForResource",
        ],
    )
    yield _Grant(
        sid="ClaimsLog",
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
    # Found by the beginning of their names, which the service grants on all groups only.
    yield _Grant(
        sid="FindLogs",
        resources=[place.arn("logs", "log-group:*")],
        read=["logs:DescribeLogGroups"],
    )


def _user_pool(place: Place) -> Iterator[_Grant]:
    """A pool's id is Cognito's to choose, so that the stack's tags tell which one it is."""
    pools = [place.arn("cognito-idp", "userpool/*")]
    tags = {"Project": place.project, "Stack": place.names.stack}
    yield _Grant(
        sid="MakeUserPool",
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
    # Granted on no single pool; the list finds a pool that a killed run made and didn't record.
    yield _Grant(
        sid="UserPoolDomain",
        resources=["*"],
        read=["cognito-idp:DescribeUserPoolDomain", "cognito-idp:ListUserPools"],
    )


def _secrets(place: Place) -> _Grant:
    return _Grant(
        sid="Secrets",
        resources=[place.secret_arn],
        # Reading their values as well: checks call the server as each client does.
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


def _service(place: Place) -> Iterator[_Grant]:
    names = place.names
    yield _Grant(
        sid="Service",
        resources=[
            place.service_arn,
            place.arn("apprunner", f"autoscalingconfiguration/{names.auto_scaling}/*"),
            place.arn("apprunner", f"observabilityconfiguration/{names.observability}/*"),
            place.arn("apprunner", f"vpcconnector/{names.vpc_connector_stem}*/*"),
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
    # Granted on no single resource.
    yield _Grant(
        sid="Look",
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
