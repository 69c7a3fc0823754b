"""IAM roles that AWS services assume, and what each may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import policies
from components.context import StackContext
from components.log_group import log_group


@dataclass(frozen=True, kw_only=True)
class Grant:
    """An inline policy of a role.

    Attributes:
        logical_name: its name in the Pulumi program.
        name: its name within the role.
        policy: the policy document, as JSON.
    """

    logical_name: str
    name: str
    policy: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class ServiceRole:
    """A role with its inline policies."""

    role: aws.iam.Role
    policies: tuple[aws.iam.RolePolicy, ...]


@dataclass(frozen=True, kw_only=True)
class FunctionRole:
    """A Lambda function's role, which may write the function's log.

    Attributes:
        role: the role.
        log_group: the function's log group.
        policies: all that the role may do.
    """

    role: aws.iam.Role
    log_group: aws.cloudwatch.LogGroup
    policies: tuple[aws.iam.RolePolicy, ...]


def service_role(
    logical_name: str,
    context: StackContext,
    *,
    parent: pulumi.ComponentResource,
    name: str,
    service: str,
    description: str,
    grants: Sequence[Grant] = (),
) -> ServiceRole:
    """Declare a role that one AWS service can assume, with its inline policies.

    Args:
        service: the service's principal, such as ``lambda.amazonaws.com``.
        grants: what the role may do; by default nothing.
    """
    role = aws.iam.Role(
        logical_name,
        name=name,
        description=description,
        assume_role_policy=policies.trust(service),
        tags=context.tags,
        opts=context.options(aws.iam.Role, parent=parent),
    )
    attached = tuple(
        aws.iam.RolePolicy(
            grant.logical_name,
            name=grant.name,
            role=role.name,
            policy=grant.policy,
            opts=context.options(aws.iam.RolePolicy, parent=parent),
        )
        for grant in grants
    )
    return ServiceRole(role=role, policies=attached)


def function_role(
    logical_name: str,
    context: StackContext,
    *,
    parent: pulumi.ComponentResource,
    name: str,
    description: str,
    log_stem: str,
    retain_log: bool,
    grants: Sequence[Grant] = (),
) -> FunctionRole:
    """Declare a Lambda function's log group and the role that writes to it.

    Args:
        logical_name: prefix of the logical names.
        log_stem: the log group's name without its random suffix, with which a log group that was
            retained from an earlier stack of the same name doesn't clash.
        retain_log: whether the log group outlives the stack.
        grants: what the role may do but write the log; by default nothing.
    """
    group = log_group(logical_name, context, parent=parent, stem=log_stem, retain=retain_log)
    writes_log = Grant(
        logical_name=f"{logical_name}-may-log",
        name="write-logs",
        policy=group.arn.apply(policies.write_logs),
    )
    declared = service_role(
        f"{logical_name}-role",
        context,
        parent=parent,
        name=name,
        service=policies.LAMBDA,
        description=description,
        grants=[writes_log, *grants],
    )
    return FunctionRole(role=declared.role, log_group=group, policies=declared.policies)
