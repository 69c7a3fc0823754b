"""The lists of the roles that a stack creates. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from automation.grants import StackNames
from automation.role_lists.model import Access, RoleLists, each_on
from components.hosting.apprunner.settings import AppRunnerSettings
from components.hosting.lambda_.settings import LambdaSettings
from components.monitoring.alarm import NAMESPACE
from components.names import ResourceNames
from components.settings import CANARY, Hosting, StackSettings

_PULL: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
)
_PUSH: Final = ("ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:BatchDeleteImage")
_LOG: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_ROTATE: Final = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
_CLIENT_SECRETS: Final = (
    "cognito-idp:AddUserPoolClientSecret",
    "cognito-idp:DeleteUserPoolClientSecret",
    "cognito-idp:DescribeUserPoolClient",
    "cognito-idp:ListUserPoolClientSecrets",
)
_TRACE: Final = (
    "xray:GetSamplingRules",
    "xray:GetSamplingStatisticSummaries",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
_INTERFACES: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
)
_NETWORK: Final = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
_CONFIGURE_LOGS: Final = (
    "logs:AssociateKmsKey",
    "logs:CreateLogGroup",
    "logs:DisassociateKmsKey",
    "logs:PutRetentionPolicy",
)


@dataclass(frozen=True, kw_only=True)
class StackParts:
    """The parts of a stack that the lists name.

    Attributes:
        secrets: ARN of each client's secret, with the canary's.
        user_pool: ARN of the user pool.
        log_groups: ARN of the log group of each role that writes one, by the role's name.
        service_log_groups: ARNs of the log groups that the host creates by itself.
    """

    location: StackNames
    settings: StackSettings
    secrets: Mapping[str, str]
    user_pool: str
    log_groups: Mapping[str, str]
    service_log_groups: Sequence[str] = ()


def stack_roles(parts: StackParts) -> Mapping[str, RoleLists]:
    """Return the lists of every role that the stack has, by the role's name.

    What one role must be able to do, the others must not.
    """
    needed = {**_common(parts), **_OF_HOST[parts.settings.hosting](parts)}
    forbidden = (*_forbidden_to_all(parts), *_others(parts))
    every = tuple(access for _, must in needed.values() for access in must)
    return MappingProxyType(
        {
            role: RoleLists(
                purpose=purpose,
                must=must,
                must_not=tuple(each for each in _unique((*forbidden, *every)) if each not in must),
            )
            for role, (purpose, must) in needed.items()
        }
    )


_Needed = Mapping[str, tuple[str, tuple[Access, ...]]]


def _common(parts: StackParts) -> _Needed:
    names = parts.location.names
    needed = {
        names.claims_function: (
            "The claims function",
            tuple(_own_log(parts, names.claims_function)),
        ),
        names.rotation_function: (
            "The rotation function",
            (
                *_own_log(parts, names.rotation_function),
                *each_on(parts.secrets.values(), _ROTATE),
                *each_on([parts.user_pool], _CLIENT_SECRETS),
            ),
        ),
    }
    if parts.settings.monitoring.enabled:
        needed[names.canary_function] = (
            "The canary",
            (
                *_own_log(parts, names.canary_function),
                Access(action="secretsmanager:GetSecretValue", resource=parts.secrets[CANARY]),
                Access(
                    action="cloudwatch:PutMetricData",
                    resource="*",
                    context={"cloudwatch:namespace": NAMESPACE},
                ),
            ),
        )
    return needed


def _app_runner(parts: StackParts) -> _Needed:
    names = parts.location.names
    settings = parts.settings.host_as(AppRunnerSettings)
    needed = {
        names.access_role: ("App Runner, to pull the image", tuple(_pull(parts))),
        names.instance_role: (
            "The server on App Runner",
            tuple(each_on(["*"], _TRACE)) if settings.tracing else (),
        ),
    }
    if names.log_function in parts.log_groups:
        needed[names.log_function] = (
            "The function that configures App Runner's logs",
            (
                *_own_log(parts, names.log_function),
                *each_on(parts.service_log_groups, _CONFIGURE_LOGS),
                Access(
                    action="logs:DescribeLogGroups",
                    resource=parts.location.arn("logs", "log-group:*"),
                ),
            ),
        )
    return needed


def _fargate(parts: StackParts) -> _Needed:
    names = parts.location.names
    return {
        names.task_execution_role: (
            "ECS, to pull the image and write the server's log",
            (*_pull(parts), *_own_log(parts, names.task_execution_role)),
        ),
        names.task_role: ("The server on Fargate", ()),
    }


def _lambda(parts: StackParts) -> _Needed:
    names = parts.location.names
    settings = parts.settings.host_as(LambdaSettings)
    must = [*_own_log(parts, names.server_function)]
    if settings.tracing:
        must += each_on(["*"], _TRACE)
    if settings.vpc_connector:
        interface = parts.location.arn("ec2", "network-interface/*")
        must += [*each_on([interface], _INTERFACES), *each_on(["*"], _NETWORK)]
    return {names.server_function: ("The server on Lambda", tuple(must))}


_OF_HOST: Final[Mapping[Hosting, Callable[[StackParts], _Needed]]] = MappingProxyType(
    {Hosting.APP_RUNNER: _app_runner, Hosting.FARGATE: _fargate, Hosting.LAMBDA: _lambda}
)


def _own_log(parts: StackParts, role: str) -> Iterator[Access]:
    yield from each_on([f"{parts.log_groups[role]}:log-stream:example"], _LOG)


def _pull(parts: StackParts) -> Iterator[Access]:
    yield from each_on([_repository(parts.location, parts.location.names)], _PULL)
    yield Access(action="ecr:GetAuthorizationToken", resource="*")


def _repository(location: StackNames, names: ResourceNames) -> str:
    return location.arn("ecr", f"repository/{names.repository}")


def _forbidden_to_all(parts: StackParts) -> Iterator[Access]:
    """Yield what no role of a stack may do to the stack itself, or to the account."""
    location, names = parts.location, parts.location.names
    roles = [location.role_arn(each) for each in (names.rotation_function, "Administrator")]
    yield from each_on(
        roles,
        [
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:PassRole",
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            "sts:AssumeRole",
        ],
    )
    functions = [
        location.function_arn(each) for each in (names.claims_function, names.rotation_function)
    ]
    yield from each_on(
        functions,
        [
            "lambda:AddPermission",
            "lambda:InvokeFunction",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ],
    )
    yield from each_on(
        parts.secrets.values(),
        [
            *_ROTATE,
            "secretsmanager:DeleteSecret",
            "secretsmanager:PutResourcePolicy",
            "secretsmanager:RotateSecret",
        ],
    )
    yield from each_on(
        [parts.user_pool],
        [
            *_CLIENT_SECRETS,
            "cognito-idp:CreateUserPoolClient",
            "cognito-idp:UpdateUserPool",
            "cognito-idp:UpdateUserPoolClient",
        ],
    )
    yield from each_on(
        [location.arn("kms", "key/11111111-2222-3333-4444-555555555555")],
        ["kms:CreateGrant", "kms:Decrypt", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
    )
    yield from each_on(parts.log_groups.values(), ["logs:DeleteLogGroup", "logs:FilterLogEvents"])
    yield from each_on([_repository(location, names)], _PUSH)
    # The rule that starts the rotation function.
    yield from each_on(
        [location.arn("events", f"rule/{names.retirement_rule}")],
        ["events:PutRule", "events:PutTargets"],
    )


def _others(parts: StackParts) -> Iterator[Access]:
    """Yield what a role needs in its stack, for the resources of another stack."""
    location = parts.location
    names = ResourceNames(prefix=location.names.prefix, stack="another")
    yield from each_on(
        [location.arn("secretsmanager", f"secret:{names.secret('reader')}-k3x9q2ab-a1B2c3")],
        _ROTATE,
    )
    yield from each_on(
        [location.arn("cognito-idp", f"userpool/{location.region}_Another1")], _CLIENT_SECRETS
    )
    yield from each_on([_repository(location, names)], (*_PULL, *_PUSH))
    stream = f"log-group:{names.claims_log_stem}k3x9q2ab:log-stream:example"
    yield from each_on([location.arn("logs", stream)], _LOG)
    yield from each_on(
        [location.arn("logs", f"log-group:/aws/apprunner/{names.service}/0123/application")],
        _CONFIGURE_LOGS,
    )
    for namespace in ("AWS/Lambda", "Another"):
        yield Access(
            action="cloudwatch:PutMetricData",
            resource="*",
            context={"cloudwatch:namespace": namespace},
        )
    # Lambda itself enters a VPC with the function's role; the function's code must not.
    yield from each_on(
        [location.arn("ec2", "network-interface/eni-0123456789abcdef0")],
        _INTERFACES,
        {"lambda:SourceFunctionArn": location.function_arn(location.names.server_function)},
    )


def _unique(accesses: Sequence[Access]) -> list[Access]:
    """Return what is in a sequence once; a context isn't hashable."""
    found: list[Access] = []
    for each in accesses:
        if each not in found:
            found.append(each)
    return found
