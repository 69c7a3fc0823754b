"""What policies allow, decided from the policy documents. Pure.

The rules are those of the IAM User Guide's policy evaluation logic for one account: an explicit
deny wins, and without one an allow is required. Only the conditions that this project's policies
use are evaluated; a statement with any other condition never allows, and always denies.
"""

import enum
import fnmatch
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

Document = Mapping[str, Any]
Context = Mapping[str, str | Sequence[str]]
"""Condition keys and their values; a key with several values has a sequence of texts."""

_CONDITION_OPERATORS = {"StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool"}
_FOR_ALL: Final = "ForAllValues:"
_IF_EXISTS: Final = "IfExists"
_ARN_PARTS: Final = 6


class Decision(enum.StrEnum):
    """What identity policies decide, in the words of IAM's policy simulator."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


def decide(
    documents: Iterable[Document],
    action: str,
    resource: str,
    context: Context,
    *,
    complete: bool = False,
) -> Decision:
    """Decide on an action by identity policies.

    Args:
        documents: the role's policies.
        action: the action, such as ecr:BatchGetImage.
        resource: the resource's ARN, or * for actions without one.
        context: condition keys and their values.
        complete: whether the request has no other keys, so that no condition on one is met. By
            default, conditions on others count against the caller.
    """
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _statements(document)
        if _covers(statement, "Action", action, ignore_case=True)
        and _covers(statement, "Resource", resource, ignore_case=False)
        and _conditions_met(statement, context, complete=complete)
    }
    if "Deny" in effects:
        return Decision.EXPLICIT_DENY
    return Decision.ALLOWED if "Allow" in effects else Decision.IMPLICIT_DENY


def allows(documents: Iterable[Document], action: str, resource: str, context: Context) -> bool:
    """Return whether identity policies allow an action; see `decide`."""
    return decide(documents, action, resource, context) is Decision.ALLOWED


def condition_keys(documents: Iterable[Document]) -> set[str]:
    """Return the condition keys in policies, in lower case."""
    return {
        key.lower()
        for document in documents
        for statement in _statements(document)
        for tests in statement.get("Condition", {}).values()
        for key in tests
    }


def trusts(document: Document, service: str, context: Mapping[str, str]) -> bool:
    """Return whether a role's trust policy lets a service assume the role.

    Args:
        document: the trust policy.
        service: the service principal, such as build.apprunner.amazonaws.com.
        context: condition keys and their values.
    """
    effects = [
        statement["Effect"]
        for statement in _statements(document)
        if _covers(statement, "Action", "sts:AssumeRole", ignore_case=True)
        and _names_service(statement.get("Principal"), service)
        and _conditions_met(statement, context)
    ]
    return "Allow" in effects and "Deny" not in effects


def allows_everyone(document: Document, action: str, context: Mapping[str, str]) -> bool:
    """Return whether a resource's policy allows everyone an action on the resource.

    Args:
        document: the resource's policy.
        action: the action, such as lambda:InvokeFunction.
        context: condition keys and their values.
    """
    effects = [
        statement["Effect"]
        for statement in _statements(document)
        if _covers(statement, "Action", action, ignore_case=True)
        and _names_everyone(statement.get("Principal"))
        and _conditions_met(statement, context)
    ]
    return "Allow" in effects and "Deny" not in effects


def lets_service(
    document: Document, service: str, action: str, resource: str, context: Mapping[str, str]
) -> bool:
    """Return whether a resource's policy lets a service act on the resource.

    Args:
        document: the resource's policy.
        service: the service principal, such as secretsmanager.amazonaws.com.
        action: the action, such as lambda:InvokeFunction.
        resource: the resource's ARN.
        context: condition keys and their values.
    """
    effects = [
        statement["Effect"]
        for statement in _statements(document)
        if _covers(statement, "Action", action, ignore_case=True)
        and _covers(statement, "Resource", resource, ignore_case=False)
        and (
            _names_service(statement.get("Principal"), service)
            or _names_everyone(statement.get("Principal"))
        )
        and _conditions_met(statement, context)
    ]
    return "Allow" in effects and "Deny" not in effects


def _statements(document: Document) -> list[Document]:
    return _as_list(document.get("Statement", []))


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - IAM allows a single value instead of a list
    return value if isinstance(value, list) else [value]


def _covers(statement: Document, element: str, value: str, *, ignore_case: bool) -> bool:
    if f"Not{element}" in statement:
        return not _any_matches(statement[f"Not{element}"], value, ignore_case=ignore_case)
    return _any_matches(statement.get(element, []), value, ignore_case=ignore_case)


def _any_matches(patterns: Any, value: str, *, ignore_case: bool) -> bool:  # noqa: ANN401 - one or many
    return any(_matches(pattern, value, ignore_case=ignore_case) for pattern in _as_list(patterns))


def _matches(pattern: str, value: str, *, ignore_case: bool) -> bool:
    return _expression(pattern, ignore_case=ignore_case).match(value) is not None


@functools.lru_cache(maxsize=4096)
def _expression(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    # IAM knows * and ? only; fnmatch's brackets are literal there.
    expression = fnmatch.translate(pattern.replace("[", "[[]"))
    return re.compile(expression, re.IGNORECASE if ignore_case else 0)


def _names_service(principal: Any, service: str) -> bool:  # noqa: ANN401 - "*" or a mapping
    if isinstance(principal, Mapping):
        return any(named == service for named in _as_list(principal.get("Service", [])))
    return isinstance(principal, str) and principal == "*"


def _names_everyone(principal: Any) -> bool:  # noqa: ANN401 - "*" or a mapping
    if isinstance(principal, Mapping):
        return "*" in _as_list(principal.get("AWS", []))
    return isinstance(principal, str) and principal == "*"


def _conditions_met(statement: Document, context: Context, *, complete: bool = False) -> bool:
    """Evaluate a statement's conditions; unknown ones count against the caller."""
    unknown_counts_as: bool = statement["Effect"] == "Deny"
    # Source: IAM User Guide, "Condition": "Condition key names are not case-sensitive."
    known = {key.lower(): value for key, value in context.items()}
    for operator, tests in statement.get("Condition", {}).items():
        for key, wanted in tests.items():
            actual = known.get(key.lower())
            met = _condition_met(operator, wanted, actual)
            if actual is None and met is None and complete and _is_supported(operator):
                return False
            if met is None:
                return unknown_counts_as
            if not met:
                return False
    return True


def _condition_met(operator: str, wanted: Any, actual: str | Sequence[str] | None) -> bool | None:  # noqa: ANN401 - one or many
    """Evaluate a condition on one key.

    Returns:
        None if the operator isn't supported, or if the request doesn't have the key.
    """
    name = _base_of(operator)
    if not _is_supported(operator):
        return None
    if actual is None and operator.endswith(_IF_EXISTS):
        return True
    if operator.startswith(_FOR_ALL):
        # Without the key, this is met. Source: IAM User Guide, "Set operators for multivalued
        # context keys".
        values = [] if actual is None else _as_list(actual)
        return all(_value_meets(name, wanted, each) for each in values)
    # Only set operators compare several values.
    return _value_meets(name, wanted, actual) if isinstance(actual, str) else None


def _base_of(operator: str) -> str:
    return operator.removeprefix(_FOR_ALL).removesuffix(_IF_EXISTS)


def _is_supported(operator: str) -> bool:
    return _base_of(operator) in _CONDITION_OPERATORS


def _value_meets(operator: str, wanted: Any, actual: str) -> bool:  # noqa: ANN401 - one or many
    match operator:
        case "StringEquals" | "Bool":
            return any(_text(value) == actual for value in _as_list(wanted))
        case "ArnEquals" | "ArnLike":
            return any(_arn_matches(str(pattern), actual) for pattern in _as_list(wanted))
        case _:
            return _any_matches(wanted, actual, ignore_case=False)


def _arn_matches(pattern: str, arn: str) -> bool:
    """Compare the parts of an ARN one by one, because a wildcard doesn't reach into the next.

    Source: IAM User Guide, "Amazon Resource Name (ARN) condition operators".
    """
    patterns, parts = pattern.split(":", _ARN_PARTS - 1), arn.split(":", _ARN_PARTS - 1)
    if len(patterns) != _ARN_PARTS or len(parts) != _ARN_PARTS:
        return False
    return all(
        _matches(wanted, part, ignore_case=False)
        for wanted, part in zip(patterns, parts, strict=True)
    )


def _text(value: Any) -> str:  # noqa: ANN401 - text, or a boolean of JSON
    return str(value).lower() if isinstance(value, bool) else str(value)
