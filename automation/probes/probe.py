"""What a probe is: a question about AWS's behavior, and how to find the answer. Pure."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from automation.probes.needs import Need
from automation.probes.observations import Observation
from automation.probes.sandbox import Sandbox

FREE: Final = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A question about AWS's behavior, and how to find the answer.

    Attributes:
        key: the name for the command line and for the fixture.
        question: the question in words.
        rows: the behaviors in docs/parity.md that it answers.
        documented: what AWS's documents or public reports promise.
        source: where they do.
        services: the AWS services that it calls, as boto3 names them.
        seconds: how long it takes on AWS.
        cost: in US dollars, at most.
        differs: the keys of the observation in which the stand-in is known to differ from AWS.
            docs/parity.md lists them under "Different".
        disruptive: whether the callers of the stack notice.
        needs: which deployed stack it reads; None if it needs its own resources only.
        run: observes.
    """

    key: str
    question: str
    rows: tuple[str, ...]
    documented: Observation
    source: str
    services: tuple[str, ...]
    seconds: float
    cost: Decimal = FREE
    differs: frozenset[str] = frozenset()
    disruptive: bool = False
    needs: Need | None = None
    run: Callable[[Sandbox], Observation]


class Family:
    """The probes of one service."""

    def __init__(self, *services: str) -> None:
        """Start without probes.

        Args:
            services: the AWS services that every probe of the family calls.
        """
        self._services = services
        self._probes: list[Probe] = []

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The probes, in the order of definition."""
        return tuple(self._probes)

    def probe(  # noqa: PLR0913 - one parameter per attribute
        self,
        key: str,
        *,
        rows: Sequence[str],
        documented: Observation,
        source: str,
        seconds: float = 5.0,
        also: Sequence[str] = (),
        cost: Decimal = FREE,
        differs: Sequence[str] = (),
        disruptive: bool = False,
        needs: Need | None = None,
    ) -> "Callable[[Callable[[Sandbox], Observation]], Callable[[Sandbox], Observation]]":
        """Add the decorated function as a probe; its docstring is the question.

        Args:
            also: further services that it calls.
            seconds: how long it takes on AWS.
            cost: in US dollars, at most.
            needs: which deployed stack it reads.
        """

        def add(run: Callable[[Sandbox], Observation]) -> "Callable[[Sandbox], Observation]":
            question = (inspect.getdoc(run) or "").replace("\n", " ")
            self._probes.append(
                Probe(
                    key=key,
                    question=question,
                    rows=tuple(rows),
                    documented=documented,
                    source=source,
                    services=tuple(dict.fromkeys((*self._services, *also))),
                    seconds=seconds,
                    cost=cost,
                    differs=frozenset(differs),
                    disruptive=disruptive,
                    needs=needs,
                    run=run,
                )
            )
            return run

        return add
