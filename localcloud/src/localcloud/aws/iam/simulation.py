"""SimulatePrincipalPolicy: what the policies of a role decide about actions. Pure.

Source: SimulatePrincipalPolicy in the IAM API Reference.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from localcloud.aws.iam import rules
from localcloud.aws.protocol import ApiError

OPERATION: Final = "SimulatePrincipalPolicy"
_SUPPORTED: Final = frozenset({"ActionNames", "ContextEntries", "PolicySourceArn", "ResourceArns"})
_KEY_TYPES: Final = frozenset({"string", "stringList", "boolean"})


def require_supported(operation: str, parameters: Mapping[str, Any]) -> None:
    """Require that a simulation needs nothing that isn't evaluated here.

    Raises:
        ApiError: it does; the message names it.
    """
    if operation != OPERATION:
        raise _refusal(f"{OPERATION} only, and not {operation}")
    for name in sorted(set(parameters) - _SUPPORTED):
        raise _refusal(f"no {name}")
    # What AWS answers about several isn't known well enough.
    if len(parameters.get("ResourceArns", [])) > 1:
        raise _refusal("one resource in a request")
    if ":role/" not in parameters["PolicySourceArn"]:
        raise _refusal("roles only")
    for entry in parameters.get("ContextEntries", []):
        if entry.get("ContextKeyType") not in _KEY_TYPES:
            raise _refusal(f"the types of condition keys {', '.join(sorted(_KEY_TYPES))}")


def simulate(
    parameters: Mapping[str, Any], documents: Sequence[rules.Document]
) -> Mapping[str, Any]:
    """Return the decision on each action.

    Args:
        parameters: the request's.
        documents: the role's policies.
    """
    context = {
        entry["ContextKeyName"]: _values(entry) for entry in parameters.get("ContextEntries", [])
    }
    resource = (parameters.get("ResourceArns") or ["*"])[0]
    missing = sorted(rules.condition_keys(documents) - {key.lower() for key in context})
    return {
        "EvaluationResults": [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": rules.decide(documents, action, resource, context, complete=True),
                "MissingContextValues": missing,
            }
            for action in parameters["ActionNames"]
        ],
        "IsTruncated": False,
    }


def _values(entry: Mapping[str, Any]) -> str | list[str]:
    values: list[str] = entry.get("ContextKeyValues", [])
    return values if entry["ContextKeyType"] == "stringList" or len(values) != 1 else values[0]


def _refusal(what: str) -> ApiError:
    return ApiError("InvalidInput", f"The stand-in's policy simulator has {what}.")
