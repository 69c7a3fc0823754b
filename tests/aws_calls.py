"""Records the calls of AWS that boto3 makes, as IAM sees them: an action on a resource."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from tests.aws_actions import NEEDS_EVERY_RESOURCE, described, overlap

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# IAM's names of services and actions, where boto3 has another.
_SERVICES = {"elbv2": "elasticloadbalancing"}
_ACTIONS = {"lambda:Invoke": "lambda:InvokeFunction"}
# The parameters that name a resource, where the reference's placeholder has another name.
_PARAMETERS = {
    "DistributionId": ("Id",),
    "RepositoryName": ("repositoryNames",),
    "RoleNameWithPath": ("RoleName",),
    "RuleName": ("Name", "Rule"),
}
# The reference names no resource for it, and AWS authorizes it on log groups.
_LOG_GROUPS = {"logs:DescribeLogGroups": "arn:aws:logs:{region}:{account}:log-group:*"}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call as IAM sees it.

    Attributes:
        action: such as `secretsmanager:GetSecretValue`.
        resource: the ARN that the parameters name; `*` for an action without a resource.
    """

    action: str
    resource: str


def action_of(service: str, operation: str) -> str:
    """Return IAM's name of an operation, which boto3 names by service and operation."""
    action = f"{_SERVICES.get(service, service)}:{operation}"
    return _ACTIONS.get(action, action)


@contextmanager
def recorded_calls(session: boto3.Session, account: str) -> Iterator[set[Call]]:
    """Record the calls of the clients that a session makes from now on."""
    calls: set[Call] = set()

    def record(params: Mapping[str, Any], model: Any, context: Any, **_: object) -> None:  # noqa: ANN401 - botocore has no types
        action = action_of(model.service_model.service_name, model.name)
        known = {"Partition": "aws", "Region": context["client_region"], "Account": account}
        calls.add(Call(action=action, resource=resource_of(action, params, known)))

    session.events.register("before-parameter-build", record)
    try:
        yield calls
    finally:
        session.events.unregister("before-parameter-build", record)


def resource_of(action: str, parameters: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """Return the ARN of the resource that a call's parameters name; `*` if none is required.

    Args:
        action: IAM's name of the operation.
        parameters: its parameters.
        known: values of placeholders that no parameter has.

    Raises:
        LookupError: there is no such action, or it needs a resource and the parameters name none.
    """
    if action in _LOG_GROUPS:
        return _LOG_GROUPS[action].format(region=known["Region"], account=known["Account"])
    found = described(action)
    if found is None:
        raise LookupError(f"{action} doesn't exist")
    if not found.templates:
        return "*"
    for arn in _arns_in(parameters.values()):
        if any(overlap(arn, each) for each in found.resources):
            return arn
    values = {**_named(parameters), **{name.lower(): value for name, value in known.items()}}
    for template in found.templates:
        if all(name.lower() in values for name in _PLACEHOLDER.findall(template)):
            return _PLACEHOLDER.sub(lambda name: values[name[1].lower()], template)
    if not found.required or action in NEEDS_EVERY_RESOURCE:
        return "*"
    raise LookupError(f"{action} with {sorted(parameters)} names none of {found.templates}")


def _arns_in(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and value.startswith("arn:"):
            yield value
        elif isinstance(value, list | tuple):
            yield from _arns_in(value)


def _named(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters that are one text, by the placeholders' names in lower case."""
    texts: dict[str, str] = {}
    for name, value in parameters.items():
        match value:
            case str(text) | [str(text)]:
                texts[name.lower()] = text
    for placeholder, names in _PARAMETERS.items():
        for name in names:
            if name.lower() in texts:
                texts.setdefault(placeholder.lower(), texts[name.lower()])
    return texts
