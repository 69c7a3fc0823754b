"""Prepares an update plan, so that it holds for the run that applies it. Pure.

The engine compares every input with the plan. Some differ in each run of the program although
nothing has changed: those become unknown, which the plan's format has for values that can't be
known in a preview. Source: "Update plans" in Pulumi's documentation, and checkDiff in
pkg/resource/deploy/plan.go of pulumi/pulumi.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that it doesn't know yet."""

# An image's tag has a time, and the login to the registry a new token.
_OF_EACH_RUN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"docker:index/image:Image": ("imageName", "registry")}
)


def for_another_run(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan that doesn't constrain what differs in each run.

    Args:
        plan: the plan as JSON, as `pulumi preview --save-plan` writes it.
    """
    resources = {urn: _relaxed(each) for urn, each in (plan.get("resourcePlans") or {}).items()}
    return {**plan, "resourcePlans": resources}


def _relaxed(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    goal = resource.get("goal") or {}
    names = _OF_EACH_RUN.get(goal.get("type", ""), ())
    if not names:
        return resource
    difference = goal.get("inputDiff") or {}
    added = dict(difference.get("adds") or {})
    updated = dict(difference.get("updates") or {})
    for name in names:
        (added if name in added else updated)[name] = UNKNOWN
    return {
        **resource,
        "goal": {**goal, "inputDiff": {**difference, "adds": added, "updates": updated}},
    }
