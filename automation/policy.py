"""Checks a deployment's preview against rules. Pure."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from automation.deployment import Step
from components.policies import ACTIONS_WITHOUT_RESOURCE
from components.settings import RESERVED_TAGS

# How the engine writes unknown values and secrets.
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SECRET: Final = "[secret]"  # noqa: S105  a mask, no secret
_REMOVALS: Final = frozenset({"delete", "replace", "create-replacement", "delete-replaced"})
# No environment variable of the server contains these, in any release.
_CREDENTIAL_WORDS: Final = ("USERNAME", "PASSWORD", "SECRET", "TOKEN", "API_KEY")
_TAGGED: Final = frozenset(
    {
        "aws:appautoscaling/target:Target",
        "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion",
        "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration",
        "aws:apprunner/service:Service",
        "aws:apprunner/vpcConnector:VpcConnector",
        "aws:cloudfront/distribution:Distribution",
        "aws:cloudfront/function:Function",
        "aws:cloudfront/vpcOrigin:VpcOrigin",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/logDelivery:LogDelivery",
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:cognito/userPool:UserPool",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ecr/repository:Repository",
        "aws:ecs/cluster:Cluster",
        "aws:ecs/service:Service",
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws:iam/role:Role",
        "aws:lambda/function:Function",
        "aws:lb/listener:Listener",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:lb/targetGroup:TargetGroup",
        "aws:secretsmanager/secret:Secret",
        "aws:sns/topic:Topic",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:wafv2/webAcl:WebAcl",
    }
)

_Rule = Callable[[Step], Iterable[str]]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A rule that a resource violates.

    Attributes:
        rule: the rule's name.
        resource: the resource's logical name.
        message: what is wrong, as a phrase that follows the resource's name.
    """

    rule: str
    resource: str
    message: str


def violations(steps: Iterable[Step]) -> tuple[Violation, ...]:
    """Check the steps of a preview against every rule; unknown values violate none."""
    return tuple(
        Violation(rule=name, resource=step.name, message=message)
        for step in steps
        for name, rule in RULES.items()
        if name == _PROTECTION or step.operation not in {"delete", "delete-replaced"}
        for message in rule(step)
    )


def protected_resources_stay(step: Step) -> Iterator[str]:
    """Refuse to delete or replace a protected resource."""
    if step.protected and step.operation in _REMOVALS:
        why = f", because of {', '.join(step.properties)}" if step.properties else ""
        yield f"is protected, and this is a {step.operation}{why}"


def resources_are_tagged(step: Step) -> Iterator[str]:
    """Require the project's and the stack's tags on every resource that can have tags."""
    if step.type in _TAGGED:
        tags = step.inputs.get("tags") or {}
        missing = sorted(set(RESERVED_TAGS) - tags.keys())
        if missing:
            yield f"lacks the tags {', '.join(missing)}"


def repository_is_secure(step: Step) -> Iterator[str]:
    """Require an image repository with encryption, a scan on push and immutable tags."""
    if step.type != "aws:ecr/repository:Repository":
        return
    if not step.inputs.get("encryptionConfigurations"):
        yield "isn't encrypted"
    scanning = step.inputs.get("imageScanningConfiguration") or {}
    if scanning.get("scanOnPush") is not True:
        yield "doesn't scan images when they are pushed"
    if step.inputs.get("imageTagMutability") != "IMMUTABLE":
        yield "allows a tag to be moved to another image"


def no_credentials_in_environments(step: Step) -> Iterator[str]:
    """Refuse a credential in the environment of the server or a function."""
    for name in sorted(_variables(step.inputs)):
        if names_credential(name):
            yield f"has {name} in its environment"


def least_privilege(step: Step) -> Iterator[str]:
    """Refuse wildcard actions, and all resources for an action that can be limited to some."""
    if step.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
        yield "attaches a policy that isn't written in this program"
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


def logs_expire(step: Step) -> Iterator[str]:
    """Require a retention period for every log group."""
    if step.type == "aws:cloudwatch/logGroup:LogGroup" and not step.inputs.get("retentionInDays"):
        yield "has no retention period"


def connector_can_be_replaced(step: Step) -> Iterator[str]:
    """Require that a VPC connector is replaced only together with its security groups.

    App Runner doesn't create a second connector with the same security groups, and doesn't delete
    one that a service uses. Source: https://github.com/pulumi/pulumi-aws/issues/5364.
    """
    if step.type != "aws:apprunner/vpcConnector:VpcConnector" or step.operation not in _REMOVALS:
        return
    if step.operation != "delete" and not any(
        name.startswith("securityGroups") for name in step.properties
    ):
        yield (
            f"is replaced because of {', '.join(step.properties)}, and App Runner allows no two"
            " connectors with the same security groups: change vpcConnector.securityGroupIds too,"
            " or deploy once without vpcConnector and then again with the new one"
        )


def only_client_credentials(step: Step) -> Iterator[str]:
    """Allow app clients the client-credentials flow only, or none, with a secret."""
    if step.type != "aws:cognito/userPoolClient:UserPoolClient":
        return
    flows = step.inputs.get("allowedOauthFlows")
    enabled = step.inputs.get("allowedOauthFlowsUserPoolClient")
    if flows != (["client_credentials"] if enabled else []):
        yield f"allows the OAuth 2.0 flows {flows}"
    if step.inputs.get("generateSecret") is not True:
        yield "has no secret"


def no_secret_values(step: Step) -> Iterator[str]:
    """Refuse the value of a secret: the state would hold it, and undo its rotations."""
    if step.type == "aws:secretsmanager/secretVersion:SecretVersion":
        yield "writes a secret's value, which the rotation function owns"


_PROTECTION: Final = "protection"
RULES: Final[Mapping[str, _Rule]] = MappingProxyType(
    {
        _PROTECTION: protected_resources_stay,
        "tags": resources_are_tagged,
        "repository": repository_is_secure,
        "no-credentials": no_credentials_in_environments,
        "least-privilege": least_privilege,
        "log-retention": logs_expire,
        "client-credentials": only_client_credentials,
        "no-secret-values": no_secret_values,
        "vpc-connector": connector_can_be_replaced,
    }
)
"""The rules by name; each yields a message for everything that is wrong with a step."""


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


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - IAM allows one value instead of a list
    return value if isinstance(value, list) else [value]
