"""What the permissions of the pipelines' roles are made of. Pure."""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.names import ResourceNames


class Purpose(enum.StrEnum):
    """What a role is for.

    `upgrade` is no role: its permissions are added to the role `deploy` for the deployment that
    moves a stack of a version that kept the secrets' values in Pulumi. `probe` is for a person
    rather than for a pipeline.
    """

    PREVIEW = "preview"
    CHECK = "check"
    DEPLOY = "deploy"
    UPGRADE = "upgrade"
    OPERATE = "operate"
    PROBE = "probe"


@dataclass(frozen=True, kw_only=True)
class StackNames:
    """A stack's names in its AWS account and region.

    Attributes:
        account: the AWS account id.
    """

    names: ResourceNames
    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a regional resource."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def role_arn(self, role: str) -> str:
        """Return the ARN of a role in the account."""
        return f"arn:aws:iam::{self.account}:role/{role}"

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
class StackLocation(StackNames):
    """A stack with the tags that identify its resources.

    Attributes:
        project: the Pulumi project's name, which is also the value of the resources' tag `Project`.
    """

    project: str

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of the stack's resources that identify it."""
        return {"Project": self.project, "Stack": self.names.stack}

    def condition(self, key: str) -> Mapping[str, Mapping[str, str]]:
        """Return the condition that something has these tags.

        Args:
            key: `aws:RequestTag` for what is created, `aws:ResourceTag` for what exists.
        """
        return {"StringEquals": {f"{key}/{name}": value for name, value in self.tags.items()}}


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Actions that are allowed on some resources.

    Attributes:
        resources: ARNs or ARN patterns.
        preview: actions for previews, checks and deployments.
        read: actions for checks and deployments.
        check: actions for checks only.
        write: actions for deployments only.
        upgrade: actions for the deployment that moves a stack of an earlier version.
        operate: actions for rotating and revoking clients' secrets.
        probe: actions for probes of AWS's behavior.
    """

    sid: str
    resources: Sequence[str]
    preview: Sequence[str] = ()
    read: Sequence[str] = ()
    check: Sequence[str] = ()
    write: Sequence[str] = ()
    upgrade: Sequence[str] = ()
    operate: Sequence[str] = ()
    probe: Sequence[str] = ()
    condition: Mapping[str, Any] | None = None

    def actions(self, purpose: Purpose) -> tuple[str, ...]:
        """Return the actions for a purpose."""
        match purpose:
            case Purpose.PREVIEW:
                return tuple(self.preview)
            case Purpose.CHECK:
                return (*self.preview, *self.read, *self.check)
            case Purpose.DEPLOY:
                return (*self.preview, *self.read, *self.write)
            case Purpose.UPGRADE:
                return tuple(self.upgrade)
            case Purpose.OPERATE:
                return tuple(self.operate)
            case Purpose.PROBE:
                return tuple(self.probe)


LOOK_UP_NETWORK = Grant(
    sid="LookUpNetwork",
    resources=["*"],
    # Services verify a VPC's parts with the permissions of who names them.
    write=["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"],
)
"""For hosts in a VPC; none of the actions can be limited to a resource."""


@dataclass(frozen=True, kw_only=True)
class HostAccess:
    """What a host's resources add to the permissions of the pipelines' roles.

    Attributes:
        roles: names of the roles that the stack creates for the host.
        principals: the AWS services that assume these roles.
        linked_services: the AWS services that need a service-linked role for the host.
        functions: names of the Lambda functions that the stack creates for the host.
        log_groups: ARN patterns of log groups that the stack creates, and of their streams.
        other_log_groups: ARN patterns of log groups that the host creates by itself.
        edge_grants: what the edge needs to reach the host.
        grants: everything else.
    """

    roles: tuple[str, ...]
    principals: tuple[str, ...]
    linked_services: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    log_groups: tuple[str, ...] = ()
    other_log_groups: tuple[str, ...] = ()
    edge_grants: tuple[Grant, ...] = ()
    grants: tuple[Grant, ...] = ()


def creation_grants(location: StackLocation, *, create: Sequence[str], tag: str) -> Iterator[Grant]:
    """Return the grants on creating with the stack's tags what has no name of the stack's.

    Who may put the stack's tags on a resource makes it the stack's. So what has tags of another
    stack can't get them.

    Args:
        create: the actions that create, on resources without a name.
        tag: the action that tags, which AWS requires for what is created with tags.
    """
    tags = location.condition("aws:RequestTag")
    own = location.condition("aws:ResourceTag")["StringEquals"]
    yield Grant(sid="CreateWithTags", resources=["*"], write=create, condition=tags)
    yield Grant(
        sid="TagWhatIsCreated",
        resources=["*"],
        write=[tag],
        condition={**tags, "StringEqualsIfExists": own},
    )


def role_grants(
    location: StackLocation, roles: Iterable[str], principals: Iterable[str]
) -> Iterator[Grant]:
    """Return the grants on roles that a stack creates.

    Args:
        roles: their names.
        principals: the AWS services that assume them.
    """
    arns = [location.role_arn(role) for role in roles]
    yield Grant(
        sid="StackRoles",
        resources=arns,
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
    yield Grant(
        sid="PassStackRoles",
        resources=arns,
        write=["iam:PassRole"],
        condition={"StringEquals": {"iam:PassedToService": sorted(set(principals))}},
    )


def function_grant(location: StackLocation, functions: Iterable[str]) -> Grant:
    """Return the grant on Lambda functions that a stack creates, given their names."""
    return Grant(
        sid="Functions",
        resources=[location.function_arn(name) for name in functions],
        read=[
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
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


def log_grants(groups: Sequence[str], *, others: Sequence[str] = ()) -> Iterator[Grant]:
    """Return the grants on log groups.

    Args:
        groups: ARN patterns of log groups that the stack creates, and of their streams.
        others: ARN patterns of log groups that are only read.
    """
    yield Grant(
        sid="ReadLogs",
        resources=[*groups, *others],
        read=[
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:ListTagsForResource",
        ],
    )
    yield Grant(
        sid="ManageFunctionLogs",
        resources=groups,
        write=[
            "logs:AssociateKmsKey",
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DeleteRetentionPolicy",
            "logs:DisassociateKmsKey",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:UntagResource",
        ],
    )


def rule_grant(location: StackLocation, names: Iterable[str]) -> Grant:
    """Return the grant on EventBridge rules and their targets, given the rules' names."""
    return Grant(
        sid="Rules",
        resources=[location.arn("events", f"rule/{each}") for each in names],
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
