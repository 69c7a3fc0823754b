"""Which of the account's roles a trust policy names. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any


def named_roles(document: str, account: str) -> Iterator[str]:
    """Yield the ARNs of the account's roles that a trust policy has as principals.

    Args:
        document: the policy; whatever isn't JSON names none.
        account: the account's id.
    """
    try:
        policy = json.loads(document)
    except ValueError:
        return
    role = re.compile(rf"arn:aws[\w-]*:iam::{account}:role/.+")
    for statement in _listed(policy.get("Statement") if isinstance(policy, dict) else None):
        principal = statement.get("Principal") if isinstance(statement, dict) else None
        for each in _listed(principal.get("AWS") if isinstance(principal, dict) else None):
            if isinstance(each, str) and role.fullmatch(each):
                yield each


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
