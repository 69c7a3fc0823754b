"""The lists of the roles that pipelines assume. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from automation.grants import Purpose, StackLocation
from automation.probes.kinds import PREFIX, TAG
from automation.role_lists.model import Access, RoleLists, each_on
from components import policies
from components.names import ResourceNames

_SUFFIX: Final = "k3x9q2ab"
_VALUES: Final = ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue")
_ROTATION: Final = ("secretsmanager:RotateSecret", "secretsmanager:UpdateSecretVersionStage")
_CODE: Final = ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration")
_CLIENT_SECRETS: Final = (
    "cognito-idp:AddUserPoolClientSecret",
    "cognito-idp:DeleteUserPoolClientSecret",
)
_POOL: Final = (
    "cognito-idp:CreateUserPoolClient",
    "cognito-idp:DeleteUserPool",
    "cognito-idp:UpdateUserPool",
    "cognito-idp:UpdateUserPoolClient",
)
_ROLES: Final = ("iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy")


def pipeline_roles(location: StackLocation) -> Mapping[Purpose, RoleLists]:
    """Return the lists of the roles that `automation role` prints, on any host.

    The host's own services are in the tests of the documents, resource by resource.
    """
    stack, other = _Stack(location), _Stack(_another(location))
    return MappingProxyType(
        {
            Purpose.PREVIEW: RoleLists(
                purpose="Previews a pull request",
                must=(Access(action="ecr:GetAuthorizationToken", resource="*"),),
                must_not=(*stack.reads(), *stack.everything(), *_account(location)),
            ),
            Purpose.CHECK: RoleLists(
                purpose="Checks a stack, and calls the server as each client",
                must=(*stack.reads(), *each_on(stack.secrets, ["secretsmanager:GetSecretValue"])),
                must_not=(
                    *(each for each in stack.everything() if each.action != _VALUES[0]),
                    *other.reads(),
                    *other.everything(),
                    *_account(location),
                ),
            ),
            Purpose.DEPLOY: RoleLists(
                purpose="Deploys a stack, without reading a client's secret",
                must=(*stack.reads(), *stack.deployment()),
                must_not=(
                    *each_on(stack.secrets, _VALUES),
                    *each_on(stack.pools, _CLIENT_SECRETS, stack.tags("ResourceTag")),
                    *each_on([stack.claims], ["lambda:InvokeFunction"]),
                    *stack.passes("ec2.amazonaws.com"),
                    *stack.takes_over(other),
                    *other.reads(),
                    *other.everything(),
                    *_account(location),
                ),
            ),
            Purpose.UPGRADE: RoleLists(
                purpose="Added to deploy while a stack of an earlier version is moved",
                must=tuple(each_on(stack.secrets, ["secretsmanager:GetSecretValue", _ROTATION[1]])),
                must_not=(
                    *each_on(stack.secrets, ["secretsmanager:PutSecretValue"]),
                    *other.everything(),
                    *_account(location),
                ),
            ),
            Purpose.OPERATE: RoleLists(
                purpose="Rotates and revokes, without reading a client's secret",
                must=(
                    *each_on(stack.secrets, [*_ROTATION, "secretsmanager:ListSecretVersionIds"]),
                    *each_on(
                        [stack.rotation],
                        ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
                    ),
                    *each_on([stack.rotation_log], ["logs:FilterLogEvents"]),
                    *each_on(
                        stack.pools,
                        ["cognito-idp:ListUserPoolClientSecrets"],
                        stack.tags("ResourceTag"),
                    ),
                ),
                must_not=(
                    *each_on(stack.secrets, _VALUES),
                    *stack.deployment(),
                    *each_on(stack.pools, _CLIENT_SECRETS, stack.tags("ResourceTag")),
                    *each_on([stack.claims], ["lambda:InvokeFunction"]),
                    *other.everything(),
                    *_account(location),
                ),
            ),
            Purpose.PROBE: RoleLists(
                purpose="Tries out AWS's behavior on its own resources",
                must=tuple(_probing(location)),
                must_not=(
                    *stack.everything(),
                    *_taken_over_by_probes(stack),
                    *other.everything(),
                    *_account(location),
                ),
            ),
        }
    )


def _probing(location: StackLocation) -> Iterator[Access]:
    """Yield what the probes do to what they have created."""
    name = f"{PREFIX}0011aabb"
    tag = dict([TAG])
    requested = {f"aws:RequestTag/{key}": value for key, value in tag.items()}
    tagged = {f"aws:ResourceTag/{key}": value for key, value in tag.items()}
    secret = location.arn("secretsmanager", f"secret:{name}-a1B2c3")
    pool = location.arn("cognito-idp", f"userpool/{location.region}_Example01")
    yield from each_on([secret], [*_VALUES, *_ROTATION, "secretsmanager:DeleteSecret"])
    yield from each_on([location.function_arn(name)], ["lambda:InvokeFunction", _CODE[1]])
    yield from each_on([location.role_arn(name)], ["iam:CreateRole", "iam:PutRolePolicy"])
    yield from each_on(["*"], ["cognito-idp:CreateUserPool"], requested)
    yield from each_on([pool], ["cognito-idp:DeleteUserPool", *_CLIENT_SECRETS], tagged)


def _taken_over_by_probes(stack: "_Stack") -> Iterator[Access]:
    """Yield that a stack's user pool gets the probes' tag, so that they may change it."""
    context = {f"aws:RequestTag/{TAG[0]}": TAG[1], **stack.tags("ResourceTag")}
    yield from each_on(stack.pools, ["cognito-idp:TagResource"], context)


def _another(location: StackLocation) -> StackLocation:
    names = ResourceNames(prefix=location.names.prefix, stack="another")
    return replace(location, names=names)


class _Stack:
    """Resources of a stack, and what can be done with them."""

    def __init__(self, location: StackLocation) -> None:
        names = location.names
        self._location = location
        self.secrets = [
            location.arn("secretsmanager", f"secret:{names.secret(each)}-{_SUFFIX}-a1B2c3")
            for each in ("reader", "writer")
        ]
        self.pools = [location.arn("cognito-idp", f"userpool/{location.region}_Example01")]
        self.claims = location.function_arn(names.claims_function)
        self.rotation = location.function_arn(names.rotation_function)
        self.rotation_log = location.arn("logs", f"log-group:{names.rotation_log_stem}{_SUFFIX}")
        self.roles = [location.role_arn(names.claims_function)]

    def tags(self, key: str) -> Mapping[str, str]:
        """Return the condition keys of a request about what has the stack's tags."""
        return dict(self._location.condition(f"aws:{key}")["StringEquals"])

    def reads(self) -> Iterator[Access]:
        """Yield what shows a stack's configuration."""
        yield from each_on([self.claims], ["lambda:GetFunctionConfiguration"])
        yield from each_on(self.secrets, ["secretsmanager:DescribeSecret"])
        yield from each_on(self.roles, ["iam:GetRole", "iam:SimulatePrincipalPolicy"])
        yield from each_on(
            self.pools, ["cognito-idp:DescribeUserPoolClient"], self.tags("ResourceTag")
        )
        group = f"log-group:{self._location.names.claims_log_stem}{_SUFFIX}"
        yield from each_on([self._location.arn("logs", group)], ["logs:FilterLogEvents"])

    def deployment(self) -> Iterator[Access]:
        """Yield what a deployment does to a stack."""
        yield from each_on(self.roles, _ROLES)
        yield from self.passes(policies.LAMBDA)
        yield from each_on([self.claims, self.rotation], _CODE)
        yield from each_on(self.secrets, ["secretsmanager:CreateSecret"])
        yield from each_on(
            ["*"],
            ["cognito-idp:CreateUserPool", "cloudfront:CreateDistribution"],
            self.tags("RequestTag"),
        )
        yield from each_on(self.pools, ["cognito-idp:TagResource"], self.tags("RequestTag"))
        yield from each_on(self.pools, _POOL, self.tags("ResourceTag"))
        rule = self._location.arn("events", f"rule/{self._location.names.retirement_rule}")
        yield from each_on([rule], ["events:PutRule", "events:PutTargets"])

    def everything(self) -> Iterator[Access]:
        """Yield what no role of another stack may do, and what one that only reads may not."""
        yield from self.deployment()
        yield from each_on(self.secrets, [*_VALUES, *_ROTATION, "secretsmanager:DeleteSecret"])
        yield from each_on(self.pools, _CLIENT_SECRETS, self.tags("ResourceTag"))
        yield from each_on([self.claims, self.rotation], ["lambda:InvokeFunction"])

    def passes(self, service: str) -> Iterator[Access]:
        """Yield that a role of the stack's is handed to a service."""
        yield from each_on(self.roles, ["iam:PassRole"], {"iam:PassedToService": service})

    def takes_over(self, other: "_Stack") -> Iterator[Access]:
        """Yield that another stack's resource gets this one's tags, so that it becomes its own."""
        context = {**self.tags("RequestTag"), **other.tags("ResourceTag")}
        distribution = f"arn:aws:cloudfront::{self._location.account}:distribution/E0123456789"
        yield from each_on(other.pools, ["cognito-idp:TagResource"], context)
        yield from each_on([distribution], ["cloudfront:TagResource"], context)


def _account(location: StackLocation) -> Iterator[Access]:
    """Yield what would lead beyond the stack."""
    administrator = location.role_arn("Administrator")
    yield from each_on(
        [administrator], [*_ROLES, "iam:AttachRolePolicy", "iam:DeleteRole", "sts:AssumeRole"]
    )
    yield from each_on([administrator], ["iam:PassRole"], {"iam:PassedToService": policies.LAMBDA})
    yield from each_on(
        [f"arn:aws:iam::{location.account}:user/somebody"],
        ["iam:CreateUser", "iam:CreateAccessKey", "iam:PutUserPolicy"],
    )
    yield from each_on(
        [location.arn("kms", "key/11111111-2222-3333-4444-555555555555")],
        ["kms:CreateGrant", "kms:Decrypt", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
    )
    yield from each_on(["*"], ["organizations:LeaveOrganization", "cloudtrail:StopLogging"])
