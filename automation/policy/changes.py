"""Judges what a deployment would do, and what a stack has. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from automation.deployment import Step
from automation.policy.expectations import Expectations
from automation.policy.resources import Resource, resource_of
from automation.policy.rules import RULES

_DELETIONS: Final = frozenset({"delete", "delete-replaced"})
_REMOVALS: Final = frozenset({*_DELETIONS, "replace", "create-replacement"})

ChangeRule = Callable[[Step], Iterator[str]]


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

    def __str__(self) -> str:
        """Say what is wrong with the resource, and by which rule."""
        return f"{self.resource} {self.message} ({self.rule})"


def violations(steps: Iterable[Step], expected: Expectations) -> tuple[Violation, ...]:
    """Judge the steps of a preview: what they do, and the resources that they leave."""
    return tuple(
        violation
        for step in steps
        for violation in (
            *_changes(step),
            *(resource_violations([resource_of(step)], expected) if _stays(step) else ()),
        )
    )


def resource_violations(
    resources: Iterable[Resource], expected: Expectations
) -> tuple[Violation, ...]:
    """Judge resources, whatever happens to them; unknown values violate no rule."""
    return tuple(
        Violation(rule=name, resource=resource.name, message=message)
        for resource in resources
        for name, rule in RULES.items()
        for message in rule(resource, expected)
    )


def value_violations(step: Step, expected: Expectations) -> tuple[Violation, ...]:
    """Judge the values of a step that the engine has begun, which are known by then."""
    return resource_violations([resource_of(step)], expected) if _stays(step) else ()


def protected_resources_stay(step: Step) -> Iterator[str]:
    """Refuse to delete or replace a protected resource."""
    if step.protected and step.operation in _REMOVALS:
        why = f", because of {', '.join(step.properties)}" if step.properties else ""
        yield f"is protected, and this is a {step.operation}{why}"


def connector_can_be_replaced(step: Step) -> Iterator[str]:
    """Require that a VPC connector is replaced only together with its security groups.

    App Runner doesn't create a second connector with the same security groups, and doesn't delete
    one that a service uses. Source: https://github.com/pulumi/pulumi-aws/issues/5364.
    """
    if step.type != "aws:apprunner/vpcConnector:VpcConnector":
        return
    if step.operation not in _REMOVALS - _DELETIONS:
        return
    if not any(name.startswith("securityGroups") for name in step.properties):
        yield (
            f"is replaced because of {', '.join(step.properties)}, and App Runner allows no two"
            " connectors with the same security groups: change vpcConnector.securityGroupIds too,"
            " or deploy once without vpcConnector and then again with the new one"
        )


CHANGE_RULES: Final[Mapping[str, ChangeRule]] = MappingProxyType(
    {"protection": protected_resources_stay, "vpc-connector": connector_can_be_replaced}
)
"""The rules about what a step does, by name; each yields a message for everything wrong."""


def _changes(step: Step) -> Iterator[Violation]:
    for name, rule in CHANGE_RULES.items():
        for message in rule(step):
            yield Violation(rule=name, resource=step.name, message=message)


def _stays(step: Step) -> bool:
    return step.operation not in _DELETIONS
