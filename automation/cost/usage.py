"""What an estimate is made of: resources, a load, and what both use. Pure."""

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from automation.cost.prices import Price

HOURS: Final = Decimal(730)
"""Of a month, as AWS counts them."""
MINUTES: Final = HOURS * 60
SECONDS: Final = MINUTES * 60
_KILOBYTES: Final = Decimal(10**6)


class Group(enum.StrEnum):
    """A part of a stack's cost."""

    HOST = "host"
    TRAFFIC = "traffic"
    CLIENTS = "clients"
    STORAGE = "storage"
    MONITORING = "monitoring"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of a stack, deployed or planned.

    Attributes:
        types: its type, after those of its parents, each with a $ between.
        inputs: its inputs.
    """

    types: str
    inputs: Mapping[str, Any]

    @classmethod
    def of(cls, urn: str, inputs: Mapping[str, Any]) -> "Resource":
        """Make one from its URN."""
        return cls(types=urn.split("::")[2], inputs=inputs)

    @property
    def type(self) -> str:
        """The resource's own type."""
        return self.types.rpartition("$")[2]


@dataclass(frozen=True, kw_only=True)
class Load:
    """The calls of a month, spread evenly.

    Attributes:
        calls_per_second: of all callers together.
        seconds_per_call: until the answer, with the database's part.
        callers: programs of each client that don't share their token.
        kilobytes_per_call: of an answer.
        log_kilobytes_per_call: what the server and its host log.
        tokens: of a month; None to calculate them from the callers and the tokens' validity.
    """

    calls_per_second: Decimal = Decimal(1)
    seconds_per_call: Decimal = Decimal("0.1")
    callers: int = 1
    kilobytes_per_call: Decimal = Decimal(4)
    log_kilobytes_per_call: Decimal = Decimal(1)
    tokens: Decimal | None = None

    @property
    def calls(self) -> Decimal:
        """The calls of a month."""
        return self.calls_per_second * SECONDS

    @property
    def concurrency(self) -> Decimal:
        """The calls that run at the same time on average, by Little's law."""
        return self.calls_per_second * self.seconds_per_call

    def with_runs(self, runs: Decimal) -> "Load":
        """Add calls that aren't callers'.

        Args:
            runs: calls of a month.
        """
        return replace(self, calls_per_second=self.calls_per_second + runs / SECONDS)

    @property
    def gigabytes(self) -> Decimal:
        """The answers of a month."""
        return gigabytes(self.calls * self.kilobytes_per_call)


IDLE: Final = Load(calls_per_second=Decimal(), callers=0)
"""A month in which nobody calls."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is used in a month.

    Attributes:
        quantity: in the price's units.
        assumes: why it is so much.
    """

    group: Group
    what: str
    quantity: Decimal
    price: Price
    assumes: str


def gigabytes(kilobytes: Decimal) -> Decimal:
    """Convert kilobytes."""
    return kilobytes / _KILOBYTES


def of_type(resources: Iterable[Resource], kind: str, within: str = "") -> Iterator[Resource]:
    """Find the resources of a type.

    Args:
        within: the type of the component that has them as children, with a $ at its end.
    """
    return (each for each in resources if each.types.endswith(f"{within}{kind}"))


def count(resources: Iterable[Resource], kind: str) -> Decimal:
    """Count the resources of a type."""
    return Decimal(sum(1 for _ in of_type(resources, kind)))
