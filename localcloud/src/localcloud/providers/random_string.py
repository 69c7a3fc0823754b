"""The random provider: random.RandomString.

Source: the schema and documentation of pulumi_random's RandomString.
"""

import secrets
import string
from pathlib import Path
from typing import ClassVar, Final

from localcloud.providers.schema import (
    Created,
    Failure,
    Kind,
    Properties,
    Property,
    Request,
    ResourceType,
    refused,
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


def _used() -> Property:
    return Property(kind=Kind.BOOLEAN, default=True, force_new=True)


def _least() -> Property:
    return Property(kind=Kind.INTEGER, default=0, force_new=True)


class RandomString(ResourceType[None]):
    """random:index/randomString:RandomString."""

    token = "random:index/randomString:RandomString"  # noqa: S105  # a Pulumi type
    properties: ClassVar[Properties] = {
        "length": Property(kind=Kind.INTEGER, required=True, force_new=True),
        "keepers": Property(kind=Kind.MAP, items=Property(), force_new=True),
        "lower": _used(),
        "minLower": _least(),
        "minNumeric": _least(),
        "minSpecial": _least(),
        "minUpper": _least(),
        "numeric": _used(),
        "overrideSpecial": Property(force_new=True),
        "special": _used(),
        "upper": _used(),
        "result": Property(output=True),
        **refused("number"),
    }

    def check(self, context: None, inputs: Values) -> tuple[Values, list[Failure]]:
        """See that there is such a string."""
        del context
        if not is_known(dict(inputs)):
            return inputs, []
        failures = []
        length = _count(inputs.get("length"))
        least = sum(_count(inputs.get(minimum)) for minimum, _ in _CLASSES.values())
        if length < max(1, least):
            reason = f"length must be at least {max(1, least)}, the sum of the minimums"
            failures.append(Failure(property="length", reason=reason))
        if not any(inputs.get(name) for name in _CLASSES):
            reason = "one of lower, upper, numeric and special must be true"
            failures.append(Failure(property="lower", reason=reason))
        return inputs, failures

    def create(self, request: Request[None], inputs: Values) -> Created:
        """Draw the string."""
        del request
        result = draw(inputs)
        return Created(id=result, outputs={"result": result})

    def read(self, request: Request[None], resource_id: str, state: Values) -> Values | None:
        """Tell what is known: the string is nowhere but in the state; an import's is its id."""
        del request
        return state or {"result": resource_id, "length": len(resource_id)}

    def update(self, request: Request[None], resource_id: str, olds: Values, news: Values) -> None:
        """Do nothing: every change draws a new string."""

    def delete(self, request: Request[None], resource_id: str, state: Values) -> None:
        """Do nothing: the string goes with the state."""


def draw(inputs: Values) -> str:
    """Draw a string.

    Args:
        inputs: RandomString's checked inputs.

    Returns:
        A string of that length from the classes in use, with at least the minimum of each.
    """
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


def provider(project_directory: Path) -> Provider[None]:
    """Offer the random provider.

    Args:
        project_directory: not needed; every provider gets it.

    Returns:
        The provider.
    """
    del project_directory
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
