"""Faults of a deployed stack, and the checks that each of them fails.

Every fault runs all checks of its phase, so that a check that fails because of another's fault is
noticed.
"""

import fnmatch
import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from automation.checks import CHECKS
from automation.checks.context import Context
from automation.checks.results import Outcome, Result
from automation.checks.runner import run
from tests.end_to_end.breakage import World

Fault = Callable[[World], Any]
"""A context manager, or a function that returns another context."""

# These wait, make thousands of calls or start Node, and are tested separately.
_SLOW = ("P5-isolation", "P5-token-expiry", "P5-conformance-*")


class Faults:
    """Faults with the checks that each of them fails.

    Attributes:
        cases: pytest's parameters, each with a fault, its checks and the reason.
    """

    def __init__(self) -> None:
        self.cases: list[Any] = []

    @property
    def checks(self) -> set[str]:
        """The checks that fail because of a fault."""
        return {name for case in self.cases for name in case.values[1]}

    def fails(self, name: str, *also: str, reason: str) -> Callable[[Fault], Fault]:
        """Register a fault and the checks that it fails."""

        def register(fault: Fault) -> Fault:
            case = pytest.param(fault, {name, *also}, reason, id=f"{name}:{fault.__name__}")
            self.cases.append(case)
            return fault

        return register


def run_checks(context: Context, pattern: str) -> dict[str, Result]:
    """Run the checks that match a pattern; slow ones only if the pattern is exactly theirs."""
    chosen = [
        each
        for name, each in CHECKS.items()
        if fnmatch.fnmatch(name, pattern)
        and (pattern in _SLOW or not any(fnmatch.fnmatch(name, slow) for slow in _SLOW))
    ]
    assert chosen
    return {result.id: result for result in run(chosen, context)}


def failures(results: dict[str, Result]) -> dict[str, str]:
    return {
        name: result.reason for name, result in results.items() if result.outcome is Outcome.FAILED
    }


def expect_failures(world: World, fault: Fault, names: set[str], reason: str) -> None:
    """Make a fault, and expect that these checks of its phase fail and no others."""
    made = fault(world)
    manager = nullcontext(made) if isinstance(made, Context) else made
    phase = min(names).partition("-")[0]
    with manager as context:
        found = failures(run_checks(context or world.context, f"{phase}-*"))
    assert set(found) == names, found
    assert any(re.search(reason, said) for said in found.values()), found
