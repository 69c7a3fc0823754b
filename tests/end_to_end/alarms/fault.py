"""Fault: what raises an alarm, how it is recognized, and how it ends."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from components.settings import Hosting
from tests.end_to_end.alarms.monitored import Monitored

ALL_HOSTS: Final = frozenset(Hosting)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault that an alarm is named after.

    Attributes:
        alarm: the alarm's key.
        evidence: what the commands of the runbook's Diagnosis print, as a regular expression.
        exists: the fault exists in this block, unless it is fixed earlier; None if it consists of
            what happens in each period.
        in_each_period: what happens in each of the alarm's periods.
        fix: what a person does outside AWS, before the commands of Mitigation.
        values: what a reader puts in place of the values in the commands of Mitigation.
        client: the client that the alarm is of, if there is one for each.
        hosts: the hosts that can have it.
    """

    alarm: str
    evidence: str
    exists: Callable[[Monitored], AbstractContextManager[None]] | None = None
    in_each_period: Callable[[Monitored], None] | None = None
    fix: Callable[[Monitored], None] | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    client: str = ""
    hosts: Collection[Hosting] = ALL_HOSTS
