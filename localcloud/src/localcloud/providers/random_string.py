"""The random provider: random.RandomString.

Source: the schema and documentation of pulumi_random's RandomString.
"""

import secrets
import string
from typing import ClassVar, Final

from localcloud.providers.schema import (
    CheckRequest,
    Created,
    CreateRequest,
    Failure,
    Kind,
    Properties,
    Property,
    ResourceRequest,
    ResourceType,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.servicer import Provider
from localcloud.providers.values import Value, Values, is_known

_SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"
_CLASSES: Final = {
    "lower": ("minLower", string.ascii_lowercase),
    "upper": ("minUpper", string.ascii_uppercase),
    "numeric": ("minNumeric", string.digits),
    "special": ("minSpecial", _SPECIAL),
}


def _class_switch() -> Property:
    return Property(kind=Kind.BOOLEAN, default=True, force_new=True)


def _minimum() -> Property:
    return Property(kind=Kind.INTEGER, default=0, force_new=True)


class RandomString(ResourceType[None]):
    """random:index/randomString:RandomString."""

    token = "random:index/randomString:RandomString"  # noqa: S105  # a Pulumi type
    properties: ClassVar[Properties] = {
        "length": Property(kind=Kind.INTEGER, required=True, force_new=True),
        "keepers": Property(kind=Kind.MAP, items=Property(), force_new=True),
        "lower": _class_switch(),
        "minLower": _minimum(),
        "minNumeric": _minimum(),
        "minSpecial": _minimum(),
        "minUpper": _minimum(),
        "numeric": _class_switch(),
        "overrideSpecial": Property(force_new=True),
        "special": _class_switch(),
        "upper": _class_switch(),
        "result": Property(output=True),
        **unsupported("number"),
    }

    def check(self, request: CheckRequest[None]) -> tuple[Values, list[Failure]]:
        """Check that the length and the classes allow a string."""
        inputs = request.inputs
        if not is_known(dict(inputs)):
            return inputs, []
        failures = []
        least = max(1, sum(_count(inputs.get(minimum)) for minimum, _ in _CLASSES.values()))
        if _count(inputs.get("length")) < least:
            reason = f"length must be at least {least}, the sum of the minimums"
            failures.append(Failure(property="length", reason=reason))
        if not any(inputs.get(name) for name in _CLASSES):
            reason = "one of lower, upper, numeric and special must be true"
            failures.append(Failure(property="lower", reason=reason))
        return inputs, failures

    def create(self, request: CreateRequest[None]) -> Created:
        """Draw the string."""
        result = draw(request.inputs)
        return Created(id=result, outputs={"result": result})

    def read(self, request: ResourceRequest[None]) -> Values | None:
        """Return the state, the only place of the string; for an import the id is the string."""
        return request.state or {"result": request.id, "length": len(request.id)}

    def update(self, request: UpdateRequest[None]) -> None:
        """Do nothing: every change draws a new string."""

    def delete(self, request: ResourceRequest[None]) -> None:
        """Do nothing: the string is only in the state."""


def draw(inputs: Values) -> str:
    """Draw a string of the given length from the enabled classes, with the minimum of each."""
    alphabets = {name: alphabet for name, (_, alphabet) in _CLASSES.items()}
    if override := inputs.get("overrideSpecial"):
        alphabets["special"] = str(override)
    drawn = [
        secrets.choice(alphabets[name])
        for name, (minimum, _) in _CLASSES.items()
        for _ in range(_count(inputs.get(minimum)))
    ]
    pool = "".join(alphabet for name, alphabet in alphabets.items() if inputs.get(name))
    drawn += [secrets.choice(pool) for _ in range(_count(inputs["length"]) - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def provider() -> Provider[None]:
    """Make the random provider."""
    resource = RandomString()
    return Provider(
        name="random",
        version="4.21.4",
        configuration={},
        configure=lambda _: None,
        resources={resource.token: resource},
        invokes={},
    )


def _count(value: Value) -> int:
    return value if isinstance(value, int) else 0
