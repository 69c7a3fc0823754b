"""Policies of the AWS roles that pipelines assume: who may assume each role, and what it may do.

A pipeline proves with OpenID Connect which repository and environment it runs for, so no AWS key is
stored anywhere. There are several roles because the jobs need different permissions: previewing a
pull request needs almost none, a check reads, a deployment writes, and who rotates or revokes
clients' secrets needs to read none of them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from automation.access_log_grants import access_log_grants
from automation.grants import (
    Grant,
    HostAccess,
    Purpose,
    StackLocation,
    creation_grants,
    function_grant,
    log_grants,
    role_grants,
    rule_grant,
)
from automation.hosting.hosts import HOSTS
from automation.hosting.repository import REGISTRY_LOGIN, repository_grant
from automation.monitoring_grants import monitoring_grants
from automation.probes.grants import probe_grants
from components import policies
from components.hosting.definitions import DEFINITIONS
from components.settings import Hosting

GITHUB = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"


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


def permissions(purpose: Purpose, location: StackLocation, hosting: Iterable[Hosting]) -> str:
    """Write the permissions policy of a role, limited to the stack's own resources.

    What only the host's own services need is in `host_permissions`, and what the monitoring needs
    in `monitoring_permissions`: together they are larger than a role's inline policies may be.

    Args:
        hosting: the stack's host; while it moves, the old and the new one.

    Returns:
        The policy as JSON.
    """
    names = tuple(hosting)
    hosts = [HOSTS[each].access(location) for each in names]
    granted = [(grant, grant.actions(purpose)) for grant in _grants(location, hosts)]
    if any(DEFINITIONS[each].runs_image for each in names):
        images = (REGISTRY_LOGIN, repository_grant(location))
        granted = [*((grant, grant.actions(purpose)) for grant in images), *granted]
    if purpose is Purpose.PREVIEW:
        # It reads the state from Pulumi's backend. Without an image too, a policy can't be empty.
        needed = (REGISTRY_LOGIN, *(grant for host in hosts for grant in host.grants))
        granted = [(grant, grant.actions(purpose)) for grant in needed]
    if purpose is Purpose.PROBE:
        granted = [(grant, grant.actions(purpose)) for grant in probe_grants(location)]
    return policies.document(_statements(granted))


def host_permissions(purpose: Purpose, location: StackLocation, hosting: Hosting) -> str | None:
    """Write the policy that a role has for the services of a host, in addition to the other one.

    Returns:
        The policy as JSON; None if the role needs nothing of the host.
    """
    if purpose is Purpose.PREVIEW:
        # It is in `permissions`, where there is room for it.
        return None
    granted = [(each, each.actions(purpose)) for each in HOSTS[hosting].access(location).grants]
    statements = _statements(granted)
    return policies.document(statements) if statements else None


def monitoring_permissions(
    purpose: Purpose, location: StackLocation, hosting: Iterable[Hosting]
) -> str | None:
    """Write the policy that a role has for a stack's monitoring, in addition to the other ones.

    Args:
        hosting: the stack's host; while it moves, the old and the new one.

    Returns:
        The policy as JSON; None if the role needs nothing of the monitoring.
    """
    server_logs = [
        arn
        for each in hosting
        for access in (HOSTS[each].access(location),)
        for arn in (*access.log_groups, *access.other_log_groups)
    ]
    granted = [(each, each.actions(purpose)) for each in monitoring_grants(location, server_logs)]
    statements = _statements(granted)
    return policies.document(statements) if statements else None


def access_log_permissions(purpose: Purpose, location: StackLocation) -> str | None:
    """Write the policy that a role has for a stack's access logs, in addition to the other ones.

    Returns:
        The policy as JSON; None if the role needs nothing of the access logs.
    """
    granted = [(each, each.actions(purpose)) for each in access_log_grants(location)]
    statements = _statements(granted)
    return policies.document(statements) if statements else None


def _grants(location: StackLocation, hosts: Sequence[HostAccess]) -> Iterator[Grant]:
    yield from _roles(location, hosts)
    yield from _functions(location, hosts)
    yield from _logs(location, hosts)
    yield rule_grant(location, [location.names.retirement_rule])
    yield from _edge(location)
    for host in hosts:
        yield from host.edge_grants
    yield from _user_pool(location)
    yield _secrets(location)
    # It can't be limited to a resource.
    yield Grant(sid="ReadEventHistory", resources=["*"], check=["cloudtrail:LookupEvents"])


def _roles(location: StackLocation, hosts: Sequence[HostAccess]) -> Iterator[Grant]:
    names = location.names
    roles = [
        names.claims_function,
        names.rotation_function,
        *(role for host in hosts for role in host.roles),
    ]
    principals = {policies.LAMBDA, *(each for host in hosts for each in host.principals)}
    yield from role_grants(location, roles, principals)
    linked = sorted({each for host in hosts for each in host.linked_services})
    if linked:
        yield Grant(
            sid="CreateServiceLinkedRoles",
            resources=[f"arn:aws:iam::{location.account}:role/aws-service-role/*"],
            write=["iam:CreateServiceLinkedRole"],
            condition={"StringEquals": {"iam:AWSServiceName": linked}},
        )


def _functions(location: StackLocation, hosts: Sequence[HostAccess]) -> Iterator[Grant]:
    names = location.names
    rotation = location.function_arn(names.rotation_function)
    hosted = [name for host in hosts for name in host.functions]
    yield function_grant(location, [names.claims_function, names.rotation_function, *hosted])
    # A deployment has it publish, and who rotates has it rotate. It returns no value. Secrets
    # Manager requires this permission for RotateSecret too.
    yield Grant(
        sid="CallRotationFunction",
        resources=[rotation],
        write=["lambda:InvokeFunction"],
        operate=["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
    )


def _logs(location: StackLocation, hosts: Sequence[HostAccess]) -> Iterator[Grant]:
    rotation = location.log_group_arns(location.names.rotation_log_stem)
    functions = [
        *location.log_group_arns(location.names.claims_log_stem),
        *rotation,
        *(arn for host in hosts for arn in host.log_groups),
    ]
    yield from log_grants(
        functions, others=[arn for host in hosts for arn in host.other_log_groups]
    )
    # Looked up by name prefix. CloudWatch Logs allows that only on all log groups.
    yield Grant(
        sid="ListLogGroups",
        resources=[location.arn("logs", "log-group:*")],
        read=["logs:DescribeLogGroups"],
    )
    # The key of logKeyArn is looked up before a deployment, also a replica in the edge's region.
    yield Grant(
        sid="ReadLogKey",
        resources=[f"arn:aws:kms:*:{location.account}:key/*"],
        write=["kms:DescribeKey", "kms:GetKeyPolicy"],
    )
    yield Grant(sid="ReadRotationLog", resources=rotation, operate=["logs:FilterLogEvents"])


def _edge(location: StackLocation) -> Iterator[Grant]:
    """Identify the distribution by the stack's tags, because CloudFront chooses its id."""
    distributions = [f"arn:aws:cloudfront::{location.account}:distribution/*"]
    yield from creation_grants(
        location, create=["cloudfront:CreateDistribution"], tag="cloudfront:TagResource"
    )
    yield Grant(
        sid="Distribution",
        resources=distributions,
        read=["cloudfront:GetDistribution", "cloudfront:ListTagsForResource"],
        write=[
            "cloudfront:DeleteDistribution",
            "cloudfront:TagResource",
            "cloudfront:UntagResource",
            "cloudfront:UpdateDistribution",
        ],
        condition=location.condition("aws:ResourceTag"),
    )
    functions = f"arn:aws:cloudfront::{location.account}:function"
    # The reference names no resource for it, so the creation may be one of any function.
    yield Grant(
        sid="CreateEdgeFunction",
        resources=[f"{functions}/*"],
        write=["cloudfront:CreateFunction"],
    )
    yield Grant(
        sid="EdgeFunction",
        resources=[f"{functions}/{location.names.edge_function}"],
        read=[
            "cloudfront:DescribeFunction",
            "cloudfront:GetFunction",
            "cloudfront:ListTagsForResource",
        ],
        write=[
            "cloudfront:DeleteFunction",
            "cloudfront:PublishFunction",
            "cloudfront:TagResource",
            "cloudfront:UntagResource",
            "cloudfront:UpdateFunction",
        ],
    )
    # They find the edge, and what an interrupted run created. None can be limited to a resource.
    yield Grant(
        sid="FindEdge",
        resources=["*"],
        read=["cloudfront:ListDistributions"],
        write=["cloudfront:ListVpcOrigins", "wafv2:ListWebACLs"],
    )
    # Web ACLs of distributions exist in this region only.
    web_acls = f"arn:aws:wafv2:us-east-1:{location.account}:global/webacl"
    yield Grant(
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


def _user_pool(location: StackLocation) -> Iterator[Grant]:
    """Identify the pool by the stack's tags, because Cognito chooses its id."""
    pools = [location.arn("cognito-idp", "userpool/*")]
    yield from creation_grants(
        location, create=["cognito-idp:CreateUserPool"], tag="cognito-idp:TagResource"
    )
    yield Grant(
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
            "cognito-idp:TagResource",
            "cognito-idp:UntagResource",
            "cognito-idp:UpdateResourceServer",
            "cognito-idp:UpdateUserPool",
            "cognito-idp:UpdateUserPoolClient",
            "cognito-idp:UpdateUserPoolDomain",
        ],
        condition=location.condition("aws:ResourceTag"),
    )
    # Neither can be limited to one pool. The list finds a pool that an interrupted run created
    # without recording it in the state.
    yield Grant(
        sid="FindUserPools",
        resources=["*"],
        read=["cognito-idp:DescribeUserPoolDomain", "cognito-idp:ListUserPools"],
    )


def _secrets(location: StackLocation) -> Grant:
    return Grant(
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


def _statements(granted: Sequence[tuple[Grant, Sequence[str]]]) -> list[dict[str, Any]]:
    """Write a statement for all grants with the same resources and condition.

    A role has room for 10 240 characters. Source: "IAM and AWS STS quotas" in the IAM User Guide.
    """
    merged: dict[str, tuple[Grant, set[str]]] = {}
    for grant, actions in granted:
        if actions:
            key = json.dumps([list(grant.resources), grant.condition], sort_keys=True)
            _, collected = merged.setdefault(key, (grant, set()))
            collected.update(actions)
    statements = [
        _statement(grant, actions) for grant, actions in merged.values() if not _is_unlimited(grant)
    ]
    unlimited = [actions for grant, actions in merged.values() if _is_unlimited(grant)]
    return [
        *statements,
        *(_statement(Grant(sid="Unlimited", resources=["*"]), each) for each in unlimited),
    ]


def _is_unlimited(grant: Grant) -> bool:
    return list(grant.resources) == ["*"] and grant.condition is None


def _statement(grant: Grant, actions: Iterable[str]) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": list(grant.resources),
    }
    if grant.condition:
        statement["Condition"] = grant.condition
    return statement
