"""Rules that a deployment has to keep, held against its preview. Pure."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from automation.deployment import Step
from components.policies import ACTIONS_WITHOUT_RESOURCE
from components.settings import RESERVED_TAGS

# How the engine writes what is known only later, and what is secret.
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SECRET: Final = "[secret]"  # noqa: S105  a mask, no secret
_GONE: Final = frozenset({"delete", "replace", "create-replacement", "delete-replaced"})
# No environment variable of the server contains these, in any release.
_CREDENTIAL_WORDS: Final = ("USERNAME", "PASSWORD", "SECRET", "TOKEN", "API_KEY")
_TAGGED: Final = frozenset(
    {
        "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion",
        "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration",
        "aws:apprunner/service:Service",
        "aws:apprunner/vpcConnector:VpcConnector",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cognito/userPool:UserPool",
        "aws:ecr/repository:Repository",
        "aws:iam/role:Role",
        "aws:lambda/function:Function",
        "aws:secretsmanager/secret:Secret",
    }
)

_Rule = Callable[[Step], Iterable[str]]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A rule that a resource breaks.

    Attributes:
        rule: the rule's name.
        resource: the resource's logical name.
        says: what is wrong.
    """

    rule: str
    resource: str
    says: str


def violations(steps: Iterable[Step]) -> tuple[Violation, ...]:
    """Hold the steps of a preview against every rule.

    Args:
        steps: what would happen to each resource.

    Returns:
        The broken rules; what the preview doesn't know yet breaks none.
    """
    return tuple(
        Violation(rule=name, resource=step.name, says=says)
        for step in steps
        for name, rule in RULES.items()
        if name == "protected-stays" or step.operation not in {"delete", "delete-replaced"}
        for says in rule(step)
    )


def protected_stays(step: Step) -> Iterator[str]:
    """A protected resource is neither deleted nor replaced."""
    if step.protected and step.operation in _GONE:
        why = f", because of {', '.join(step.properties)}" if step.properties else ""
        yield f"is protected, and this is a {step.operation}{why}"


def tagged(step: Step) -> Iterator[str]:
    """What takes tags carries the project's and the stack's."""
    if step.type in _TAGGED:
        tags = step.inputs.get("tags") or {}
        missing = sorted(set(RESERVED_TAGS) - tags.keys())
        if missing:
            yield f"lacks the tags {', '.join(missing)}"


def repository_is_strict(step: Step) -> Iterator[str]:
    """The repository is encrypted, scans on push, and its tags don't move."""
    if step.type != "aws:ecr/repository:Repository":
        return
    if not step.inputs.get("encryptionConfigurations"):
        yield "is not encrypted"
    scanning = step.inputs.get("imageScanningConfiguration") or {}
    if scanning.get("scanOnPush") is not True:
        yield "doesn't scan images when they are pushed"
    if step.inputs.get("imageTagMutability") != "IMMUTABLE":
        yield "lets tags be moved to another image"


def no_credentials_in_environments(step: Step) -> Iterator[str]:
    """No environment of the server or of a function holds a credential."""
    for name in sorted(_variables(step.inputs)):
        if names_credential(name):
            yield f"is given {name} in its environment"


def least_privilege(step: Step) -> Iterator[str]:
    """No policy allows every action, or names every resource where it could name one."""
    if step.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
        yield "attaches a policy that is not written here"
    document = step.inputs.get("policy")
    if step.type != "aws:iam/rolePolicy:RolePolicy" or not _is_known(document):
        return
    for statement in _listed(json.loads(str(document)).get("Statement")):
        actions = _listed(statement.get("Action"))
        broad = sorted(action for action in actions if action.endswith("*"))
        if statement.get("Effect") != "Allow":
            continue
        if broad:
            yield f"allows {', '.join(broad)}"
        if "*" in _listed(statement.get("Resource")):
            everywhere = sorted(set(actions) - ACTIONS_WITHOUT_RESOURCE - set(broad))
            if everywhere:
                yield f"allows {', '.join(everywhere)} on every resource"


def logs_end(step: Step) -> Iterator[str]:
    """No log is kept for ever."""
    if step.type == "aws:cloudwatch/logGroup:LogGroup" and not step.inputs.get("retentionInDays"):
        yield "is kept for ever"


def connector_can_be_replaced(step: Step) -> Iterator[str]:
    """A VPC connector is replaced together with its security groups.

    App Runner creates no second connector with the same security groups, and deletes none that a
    service uses. Source: https://github.com/pulumi/pulumi-aws/issues/5364.
    """
    if step.type != "aws:apprunner/vpcConnector:VpcConnector" or step.operation not in _GONE:
        return
    if step.operation != "delete" and not any(
        name.startswith("securityGroups") for name in step.properties
    ):
        yield (
            f"is replaced because of {', '.join(step.properties)}, and App Runner has no two"
            " connectors with the same security groups: name another combination in"
            " vpcConnector.securityGroupIds too, or deploy once without vpcConnector and then"
            " again with the new one"
        )


def machines_only(step: Step) -> Iterator[str]:
    """App clients take tokens by client credentials and in no other way."""
    if step.type != "aws:cognito/userPoolClient:UserPoolClient":
        return
    flows = step.inputs.get("allowedOauthFlows")
    if flows != ["client_credentials"]:
        yield f"allows the OAuth 2.0 flows {flows}"
    if step.inputs.get("generateSecret") is not True:
        yield "has no secret"


RULES: Final[Mapping[str, _Rule]] = MappingProxyType(
    {
        "protected-stays": protected_stays,
        "tagged": tagged,
        "strict-repository": repository_is_strict,
        "no-credentials": no_credentials_in_environments,
        "least-privilege": least_privilege,
        "logs-end": logs_end,
        "machines-only": machines_only,
        "connector-replaceable": connector_can_be_replaced,
    }
)
"""The rules, by name; each is a function from a step to what is wrong with it."""


def names_credential(variable: str) -> bool:
    """Return whether an environment variable has the name of a credential."""
    return any(word in variable.upper() for word in _CREDENTIAL_WORDS)


def _variables(inputs: Mapping[str, Any]) -> set[str]:
    names: set[str] = set()
    for key, value in inputs.items():
        if key in {"runtimeEnvironmentVariables", "runtimeEnvironmentSecrets", "variables"}:
            names |= set(value) if isinstance(value, Mapping) else set()
        elif isinstance(value, Mapping):
            names |= _variables(value)
    return names


def _is_known(value: object) -> bool:
    return isinstance(value, str) and value not in {_UNKNOWN, _SECRET}


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - IAM allows one value where a list may stand
    return value if isinstance(value, list) else [value]
