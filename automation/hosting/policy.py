"""What a function's policy allows everyone. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def everyones_actions(policy: str | None) -> tuple[str, ...]:
    """Return the actions that a policy, as JSON, allows everyone, with their conditions.

    Returns:
        Phrases such as "lambda:InvokeFunction if lambda:InvokedViaFunctionUrl is true", sorted and
        without repetitions.
    """
    statements = json.loads(policy)["Statement"] if policy else []
    return tuple(sorted({phrase for each in statements for phrase in _phrases(each)}))


def _phrases(statement: Mapping[str, Any]) -> Iterator[str]:
    if statement["Effect"] != "Allow" or statement.get("Principal") not in ("*", {"AWS": "*"}):
        return
    conditions = sorted(
        f"{key} is {value}"
        for tests in (statement.get("Condition") or {}).values()
        for key, value in tests.items()
    )
    actions = statement["Action"]
    for action in [actions] if isinstance(actions, str) else actions:
        yield f"{action} if {' and '.join(conditions)}" if conditions else action
