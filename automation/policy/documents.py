"""What an IAM policy document allows that it must not. Pure.

Source: "IAM JSON policy elements reference" in the AWS Identity and Access Management User Guide.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from components import policies
from components.policies import ACTIONS_ON_EVERY_RESOURCE, ACTIONS_WITHOUT_RESOURCE

SERVICES: Final = frozenset(
    {
        policies.APP_RUNNER_BUILD,
        policies.APP_RUNNER_TASKS,
        policies.ECS_TASKS,
        policies.LAMBDA,
    }
)
"""The services that may assume a stack's roles."""

_WILDCARD: Final = re.compile(r"[*?]")
# Every resource of a type, such as secret:* or the interfaces in arn:aws:ec2:*:*:*/*.
_EVERY: Final = re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:\*|[\w*-]+[:/]\*)")
_EVERYONE: Final = ("*", {"AWS": "*"}, {"AWS": ["*"]})
# Conditions that say on whose behalf a service or a caller acts. Source: "AWS global condition
# context keys" in the same guide; SourceOwner is in the policy that SNS gives a new topic.
_ORIGINS: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceowner",
    }
)


def excessive_rights(document: str) -> Iterator[str]:
    """Return what a role's policy allows beyond named actions on named resources.

    Args:
        document: the policy as JSON.
    """
    for statement in _allowing(document):
        actions = _listed(statement.get("Action"))
        resources = _listed(statement.get("Resource"))
        if "NotAction" in statement:
            yield "allows every action but some (NotAction)"
        if "NotResource" in statement:
            yield f"allows {_joined(actions)} on every resource but some (NotResource)"
        broad = {action for action in actions if _WILDCARD.search(action)}
        if broad:
            yield f"allows {_joined(broad)}"
        named = set(actions) - broad
        if "*" in resources:
            if everywhere := named - ACTIONS_WITHOUT_RESOURCE:
                yield f"allows {_joined(everywhere)} on every resource"
        elif any(_EVERY.fullmatch(each) for each in resources):
            if everywhere := named - ACTIONS_ON_EVERY_RESOURCE - ACTIONS_WITHOUT_RESOURCE:
                yield f"allows {_joined(everywhere)} on every resource of a type"
        elif "iam:PassRole" in named and any(_WILDCARD.search(each) for each in resources):
            yield "allows iam:PassRole on more than named roles"


def unwanted_trust(document: str) -> Iterator[str]:
    """Return who can assume a role besides the one service that it is for.

    App Runner, ECS and Lambda need no condition on the account: whoever has them assume a role must
    be allowed to pass it, and a role can't be passed to another account's service. Source:
    "Grant a user permissions to pass a role to an AWS service" in the same guide.

    Args:
        document: the role's trust policy as JSON.
    """
    for statement in _allowing(document):
        principal = statement.get("Principal")
        services = _listed(principal.get("Service")) if isinstance(principal, Mapping) else []
        others = set(principal) - {"Service"} if isinstance(principal, Mapping) else {"*"}
        if "NotPrincipal" in statement or others or not set(services) <= SERVICES:
            yield f"can be assumed by {json.dumps(principal)}"
        elif len(services) != 1:
            yield f"can be assumed by more than one service: {_joined(services)}"
        if actions := set(_listed(statement.get("Action"))) - {"sts:AssumeRole"}:
            yield f"allows {_joined(actions)} in its trust policy"


def public_access(document: str) -> Iterator[str]:
    """Return what a resource's own policy allows everyone, or a service on anyone's behalf.

    Args:
        document: the resource's policy as JSON.
    """
    for statement in _allowing(document):
        if _has_origin(statement.get("Condition") or {}):
            continue
        actions = _joined(_listed(statement.get("Action", "every action")))
        principal = statement.get("Principal")
        if "NotPrincipal" in statement or principal in _EVERYONE:
            yield f"allows everyone {actions}"
        elif isinstance(principal, Mapping):
            if accounts := _listed(principal.get("AWS")):
                yield f"allows {_joined(accounts)} {actions}"
            if services := _listed(principal.get("Service")):
                yield (
                    f"allows {_joined(services)} {actions} on behalf of any account"
                    " (no aws:SourceArn or aws:SourceAccount)"
                )


def _has_origin(conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(key.lower() in _ORIGINS for tests in conditions.values() for key in tests)


def _allowing(document: str) -> Iterator[dict[str, Any]]:
    for statement in _listed(json.loads(document).get("Statement")):
        if statement.get("Effect") == "Allow":
            yield statement


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - IAM allows one value instead of a list
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
