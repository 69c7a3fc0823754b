"""What every probe has."""

import re

import pytest

from automation.probes.observations import UNDOCUMENTED
from automation.probes.probe import Probe
from automation.probes.registry import PROBES

_PROBES = list(PROBES.values())


def test_there_are_probes_of_most_services() -> None:
    assert len(PROBES) >= 30
    assert len({service for each in _PROBES for service in each.services}) >= 12


@pytest.mark.parametrize("probe", _PROBES, ids=lambda each: each.key)
def test_a_probe_asks_a_question_and_has_an_expectation(probe: Probe) -> None:
    assert probe.question.endswith("?")
    assert re.fullmatch(r"[a-z0-9-]+", probe.key)
    assert probe.seconds > 0
    assert probe.source
    assert set(probe.documented.values() if _is_open(probe) else [None])
    assert probe.differs <= probe.documented.keys()


def _is_open(probe: Probe) -> bool:
    return all(each == UNDOCUMENTED for each in probe.documented.values())


def test_the_keys_are_unique() -> None:
    assert len({each.question for each in _PROBES}) == len(_PROBES)


def test_only_what_callers_notice_is_disruptive() -> None:
    disruptive = {each.key for each in _PROBES if each.disruptive}
    assert disruptive == {"apprunner-second-operation"}
    assert all(each.needs for each in _PROBES if each.disruptive)


def test_a_run_costs_less_than_a_dollar() -> None:
    assert 0 < sum(each.cost for each in _PROBES) < 1
