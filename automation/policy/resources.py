"""Resources as the rules see them: as registered, as previewed, or as in the state. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from automation.deployment import Step
from automation.update_plan import UNKNOWN

SECRET: Final = "[secret]"  # noqa: S105  a mask, no secret
"""How the engine writes a secret value in its events."""

# How a state marks a secret. Source: sdk/go/common/resource/sig in pulumi/pulumi.
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a mark, no secret


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource that the rules judge.

    Attributes:
        type: its type, as in ``aws:ecr/repository:Repository``.
        name: its logical name.
        inputs: its inputs; secrets and unknown values are masked.
        outputs: its outputs; empty if they aren't known.
        protected: whether it is protected.
    """

    type: str
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    protected: bool = False


def resource_of(step: Step) -> Resource:
    """Return the resource of a step, as it is afterwards."""
    return Resource(
        type=step.type, name=step.name, inputs=step.inputs, protected=step.stays_protected
    )


def deployed_resources(state: Mapping[str, Any]) -> Iterator[Resource]:
    """Return the resources in a stack's state, with masked secrets.

    Args:
        state: the state, in which secrets are encrypted.
    """
    for each in state.get("resources") or []:
        # One that the next deployment only deletes.
        if each.get("delete"):
            continue
        yield Resource(
            type=each["type"],
            name=each["urn"].rpartition("::")[2],
            inputs=_masked(each.get("inputs") or {}),
            outputs=_masked(each.get("outputs") or {}),
            protected=bool(each.get("protect")),
        )


def is_known(value: object) -> bool:
    """Return whether a value is there, and neither unknown yet nor a secret."""
    return value is not None and value not in (UNKNOWN, SECRET)


def differs(values: Mapping[str, Any], key: str, *wanted: object) -> bool:
    """Return whether a value is known not to be one of those that it should be."""
    value = values.get(key)
    return value != UNKNOWN and value not in wanted


def items(values: Mapping[str, Any], key: str) -> list[Any]:
    """Return the values in a list that are known; none if the list isn't known."""
    found = values.get(key)
    return [each for each in found if each != UNKNOWN] if isinstance(found, list) else []


def _masked(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _SECRET_SIGNATURE:
            return SECRET
        return {key: _masked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    return value
