"""Policies of the AWS roles that pipelines assume: who may assume each role, and what it may do.

A pipeline proves with OpenID Connect which repository and environment it runs for, so no AWS key is
stored anywhere. There are several roles because the jobs need different permissions: previewing a
pull request needs almost none, a check reads, a deployment writes, and who rotates or revokes
clients' secrets needs to read none of them.
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
    """What a role is for.

    `upgrade` is no role: its permissions are added to the role `deploy` for the deployment that
    moves a stack of a version that kept the secrets' values in Pulumi.
    """

    PREVIEW = "preview"
    CHECK = "check"
    DEPLOY = "deploy"
    UPGRADE = "upgrade"
    OPERATE = "operate"


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
            for role in (
                names.claims_function,
                names.rotation_function,
                names.access_role,
                names.instance_role,
                names.server_function,
            )
        ]

    @property
    def service_arn(self) -> str:
        """ARN pattern of the App Runner service, because App Runner chooses the id at its end."""
        return self.arn("apprunner", f"service/{self.names.service}/*")

    @property
    def secret_arn(self) -> str:
        """ARN pattern of the clients' secrets; Secrets Manager appends six characters."""
        return self.arn("secretsmanager", f"secret:{self.names.secret('*')}-????????-??????")

    def function_arn(self, function: str) -> str:
        """Return the ARN of a Lambda function."""
        return self.arn("lambda", f"function:{function}")

    def log_group_arns(self, stem: str) -> list[str]:
        """Return the ARN patterns of a log group and of its streams.

        Args:
            stem: the name without its random suffix.
        """
        group = self.arn("logs", f"log-group:{stem}????????")
        return [group, f"{group}:*"]


@dataclass(frozen=True, kw_only=True)
class _Grant:
    """Actions that are allowed on some resources.

    Attributes:
        resources: ARNs or ARN patterns.
        read: actions for checks and deployments.
        check: actions for checks only.
        write: actions for deployments only.
        upgrade: actions for the deployment that moves a stack of an earlier version.
        operate: actions for rotating and revoking clients' secrets.
    """

    sid: str
    resources: Sequence[str]
    read: Sequence[str] = ()
    check: Sequence[str] = ()
    write: Sequence[str] = ()
    upgrade: Sequence[str] = ()
    operate: Sequence[str] = ()
    condition: Mapping[str, Any] | None = None

    def actions(self, purpose: Purpose) -> tuple[str, ...]:
        """Return the actions for a purpose."""
        match purpose:
            case Purpose.PREVIEW:
                return ()
            case Purpose.CHECK:
                return (*self.read, *self.check)
            case Purpose.DEPLOY:
                return (*self.read, *self.write)
            case Purpose.UPGRADE:
                return tuple(self.upgrade)
            case Purpose.OPERATE:
                return tuple(self.operate)


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
    granted = [(grant, grant.actions(purpose)) for grant in _grants(location)]
    if purpose is Purpose.PREVIEW:
        # It reads the state from Pulumi's backend; of AWS it needs only the registry login.
        granted = [(_REGISTRY_LOGIN, tuple(_REGISTRY_LOGIN.read))]
    return policies.document([_statement(grant, actions) for grant, actions in granted if actions])


_REGISTRY_LOGIN = _Grant(sid="LogInToRegistry", resources=["*"], read=["ecr:GetAuthorizationToken"])


def _grants(location: StackLocation) -> Iterator[_Grant]:
    yield _REGISTRY_LOGIN
    yield _repository(location)
    yield from _roles(location)
    yield from _functions(location)
    yield from _logs(location)
    yield _retirement_rule(location)
    yield from _edge(location)
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


def _functions(location: StackLocation) -> Iterator[_Grant]:
    rotation = location.function_arn(location.names.rotation_function)
    yield _Grant(
        sid="Functions",
        resources=[
            location.function_arn(location.names.claims_function),
            rotation,
            location.function_arn(location.names.server_function),
        ],
        read=[
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionConcurrency",
            "lambda:GetFunctionConfiguration",
            "lambda:GetFunctionUrlConfig",
            "lambda:GetPolicy",
            "lambda:ListTags",
            "lambda:ListVersionsByFunction",
        ],
        write=[
            "lambda:AddPermission",
            "lambda:CreateFunction",
            "lambda:CreateFunctionUrlConfig",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency",
            "lambda:DeleteFunctionUrlConfig",
            "lambda:PutFunctionConcurrency",
            "lambda:RemovePermission",
            "lambda:TagResource",
            "lambda:UntagResource",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
            "lambda:UpdateFunctionUrlConfig",
        ],
    )
    # The account's limit of concurrency, which can't be limited to a function.
    yield _Grant(sid="ReadConcurrency", resources=["*"], write=["lambda:GetAccountSettings"])
    # A deployment has it publish, and who rotates has it rotate. It returns no value. Secrets
    # Manager requires this permission for RotateSecret too.
    yield _Grant(
        sid="CallRotationFunction",
        resources=[rotation],
        write=["lambda:InvokeFunction"],
        operate=["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
    )


def _logs(location: StackLocation) -> Iterator[_Grant]:
    names = location.names
    rotation = location.log_group_arns(names.rotation_log_stem)
    functions = [
        *location.log_group_arns(names.claims_log_stem),
        *rotation,
        *location.log_group_arns(names.server_log_stem),
    ]
    yield _Grant(
        sid="ReadLogs",
        resources=[*functions, location.arn("logs", f"log-group:/aws/apprunner/{names.service}/*")],
        read=[
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:ListTagsForResource",
        ],
    )
    yield _Grant(
        sid="ManageFunctionLogs",
        resources=functions,
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
    yield _Grant(sid="ReadRotationLog", resources=rotation, operate=["logs:FilterLogEvents"])


def _retirement_rule(location: StackLocation) -> _Grant:
    return _Grant(
        sid="RetirementRule",
        resources=[location.arn("events", f"rule/{location.names.retirement_rule}")],
        read=["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"],
        write=[
            "events:DeleteRule",
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
            "events:TagResource",
            "events:UntagResource",
        ],
    )


def _edge(location: StackLocation) -> Iterator[_Grant]:
    """Identify the distribution by the stack's tags, because CloudFront chooses its id."""
    distributions = [f"arn:aws:cloudfront::{location.account}:distribution/*"]
    tags = {"Project": location.project, "Stack": location.names.stack}
    yield _Grant(
        sid="CreateDistribution",
        resources=distributions,
        write=["cloudfront:CreateDistribution", "cloudfront:TagResource"],
        condition={"StringEquals": {f"aws:RequestTag/{key}": tags[key] for key in tags}},
    )
    yield _Grant(
        sid="Distribution",
        resources=distributions,
        read=["cloudfront:GetDistribution", "cloudfront:ListTagsForResource"],
        write=[
            "cloudfront:DeleteDistribution",
            "cloudfront:UntagResource",
            "cloudfront:UpdateDistribution",
        ],
        condition={"StringEquals": {f"aws:ResourceTag/{key}": tags[key] for key in tags}},
    )
    yield _Grant(
        sid="EdgeFunction",
        resources=[
            f"arn:aws:cloudfront::{location.account}:function/{location.names.edge_function}"
        ],
        read=[
            "cloudfront:DescribeFunction",
            "cloudfront:GetFunction",
            "cloudfront:ListTagsForResource",
        ],
        write=[
            "cloudfront:CreateFunction",
            "cloudfront:DeleteFunction",
            "cloudfront:PublishFunction",
            "cloudfront:TagResource",
            "cloudfront:UntagResource",
            "cloudfront:UpdateFunction",
        ],
    )
    # Web ACLs of distributions exist in this region only.
    web_acls = f"arn:aws:wafv2:us-east-1:{location.account}:global/webacl"
    yield _Grant(
        sid="EdgeWebAcl",
        resources=[f"{web_acls}/{location.names.edge_web_acl}/*"],
        read=["wafv2:GetWebACL", "wafv2:ListTagsForResource"],
        write=[
            "wafv2:CreateWebACL",
            "wafv2:DeleteWebACL",
            "wafv2:TagResource",
            "wafv2:UntagResource",
            "wafv2:UpdateWebACL",
        ],
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
        check=["cognito-idp:ListUserPoolClientSecrets"],
        operate=["cognito-idp:ListUserPoolClientSecrets"],
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
        read=["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"],
        # With the values, because checks call the server as each client does.
        check=["secretsmanager:GetSecretValue", "secretsmanager:ListSecretVersionIds"],
        # Without the values, which only the rotation function writes.
        write=[
            "secretsmanager:CancelRotateSecret",
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:RestoreSecret",
            "secretsmanager:RotateSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UntagResource",
            "secretsmanager:UpdateSecret",
        ],
        # Deleting a resource with a value removes its label, and reads it until it is gone.
        # Source: secret_version.go in hashicorp/terraform-provider-aws.
        upgrade=["secretsmanager:GetSecretValue", "secretsmanager:UpdateSecretVersionStage"],
        operate=[
            "secretsmanager:ListSecretVersionIds",
            "secretsmanager:RotateSecret",
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
