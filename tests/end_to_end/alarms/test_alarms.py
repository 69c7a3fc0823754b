"""Every alarm is raised by the fault it is named after, and by no other, and ends with it.

The commands of the alarm's section in the runbook find the fault, fix it, and show that it is over.
"""

import operator
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import pytest

from automation.deployment import Deployment
from components.hosting.definitions import DEFINITIONS
from components.monitoring.alarm import CALLERS_AFFECTED, RUNBOOK, Alarm, Comparison
from components.monitoring.alarms import alarm_keys
from components.settings import Hosting
from localcloud.cloud import Cloud
from localcloud.workspace import STACK
from tests.end_to_end.alarms.edge_faults import EDGE_FAULTS
from tests.end_to_end.alarms.fault import Fault
from tests.end_to_end.alarms.host_faults import HOST_FAULTS, LAMBDA_INSTANCES
from tests.end_to_end.alarms.monitored import Message, Monitored, monitored
from tests.end_to_end.alarms.path_faults import PATH_FAULTS
from tests.end_to_end.alarms.rotation_faults import ROTATION_FAULTS
from tests.end_to_end.alarms.runbook import Runbook
from tests.stand_in import Aws
from tests.waiting import wait_until

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_FAULTS: Final = (*PATH_FAULTS, *EDGE_FAULTS, *HOST_FAULTS, *ROTATION_FAULTS)
_BREACHES: Final = {
    Comparison.ABOVE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.BELOW: operator.lt,
}
_EDGE: Final = {"edge": True, "edgeRequestsPerIp": 1_000_000}
_SETTINGS: Final[dict[Hosting, dict[str, Any]]] = {
    Hosting.APP_RUNNER: {},
    # The tests' calls are no reason to start more tasks.
    Hosting.FARGATE: {"requestsPerTarget": 10_000},
    Hosting.LAMBDA: {"maxInstances": LAMBDA_INSTANCES},
}


@pytest.fixture(scope="module", params=list(Hosting), ids=str)
def stack(
    request: pytest.FixtureRequest,
    running: Cloud,
    deployed: Deployment,
    outputs: dict[str, Any],
    aws: Aws,
) -> Iterator[Monitored]:
    assert outputs
    settings = {**_EDGE, **_SETTINGS[request.param]}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        with monitored(request.param, running, deployed, aws, **settings) as stack:
            yield stack


@pytest.fixture
def runbook(pipeline: dict[str, str], tmp_path: Path) -> Runbook:
    return Runbook(environment=pipeline, folder=tmp_path, stack=STACK)


def test_there_is_a_fault_for_every_alarm() -> None:
    for hosting in Hosting:
        faults = {each.alarm for each in _FAULTS if hosting in each.hosts}
        assert faults == set(alarm_keys([DEFINITIONS[hosting]])), hosting


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.alarm)
def test_an_alarm_is_raised_by_its_fault_and_no_other_is(
    stack: Monitored, runbook: Runbook, fault: Fault
) -> None:
    if stack.hosting not in fault.hosts:
        pytest.skip(f"{stack.hosting} has no alarm {fault.alarm}")
    alarm = stack.alarm(fault.alarm, fault.client)
    expected = {alarm.name} | ({CALLERS_AFFECTED} if alarm.affects_callers else set())

    stack.settle()
    with stack.configuration_kept():
        with fault.exists(stack) if fault.exists else nullcontext():
            _raise(stack, fault, alarm)
            wait_until(lambda: stack.raised() == expected, f"{expected} are raised")
            if alarm.affects_callers:
                assert alarm.name in runbook.run(CALLERS_AFFECTED, "Diagnosis")
            found = runbook.run(alarm.key, "Diagnosis")
            assert re.search(fault.evidence, found, re.MULTILINE | re.DOTALL), found
            if fault.fix:
                fault.fix(stack)
            if runbook.commands(alarm.key, "Mitigation"):
                runbook.run(alarm.key, "Mitigation", **fault.values)
            stack.let_alarms_end(alarm.period // 60)
            runbook.run(alarm.key, "Over")
            if alarm.affects_callers:
                runbook.run(CALLERS_AFFECTED, "Over")
        # An alarm without values is raised again by those of an earlier period.
        stack.let_alarms_end(alarm.period // 60)
        _expect_messages(stack.messages(), alarm, expected)


def _raise(stack: Monitored, fault: Fault, alarm: Alarm) -> None:
    minutes = alarm.period // 60
    for number in range(1, alarm.datapoints_to_alarm + 1):
        if fault.in_each_period is None:
            stack.pass_minutes(minutes)
            continue
        fault.in_each_period(stack)
        wait_until(lambda: _is_breached(stack, alarm), f"{alarm.key} is breached")
        # An alarm is raised with its last minute, and one of single values ends with its period.
        if number < alarm.datapoints_to_alarm:
            stack.pass_minutes(minutes)
    stack.complete_minute()


def _is_breached(stack: Monitored, alarm: Alarm) -> bool:
    value = stack.value(alarm)
    return value is not None and _BREACHES[alarm.comparison](value, alarm.threshold)


def _expect_messages(messages: list[Message], alarm: Alarm, expected: set[str]) -> None:
    """Expect that each expected alarm has sent that it is raised and that it has ended.

    Here minutes without values pass in a moment, so an alarm can do so more than once.
    """
    assert {each.alarm for each in messages} == expected
    for name in expected:
        states = [each.state for each in messages if each.alarm == name]
        assert states == ["ALARM", "OK"] * (len(states) // 2), name
    for each in messages:
        anchor = alarm.key if each.alarm == alarm.name else CALLERS_AFFECTED
        assert f"{RUNBOOK}#{anchor}" in each.description
