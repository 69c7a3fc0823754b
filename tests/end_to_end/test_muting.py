"""A deployment of a stack with alarms: they are quiet meanwhile, and never afterwards."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from automation.deployment import Deployment
from automation.hosting.host import Aws as AwsCall
from automation.hosting.host import aws_of
from automation.muting import MUTED, alarm_names, muting
from components.monitoring.alarm import NAMESPACE
from components.monitoring.canary_alarms import CANARY_SUCCESS
from components.names import ResourceNames
from localcloud.aws.control import ControlClient
from localcloud.cloud import REGION, Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK, read_config, write_config
from tests.end_to_end.updating import updating_the_service
from tests.repository import ROOT
from tests.stand_in import Aws
from tests.waiting import read_until

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_NAMES = ResourceNames(prefix="neo4j-mcp", stack=STACK)
_RULE, _CANARY, _ALARM = _NAMES.mute_rule, _NAMES.canary_rule, _NAMES.alarm("canary-failing")
_INTERVAL = 300
_RUNS = 6
_TIMEOUT = 300
_SECONDS = 30.0


@pytest.fixture(scope="module", autouse=True)
def monitored(running: Cloud, deployed: Deployment) -> Iterator[None]:
    """Deploy the stack with monitoring, and restore it at the end."""
    workspace = Home(running.home).workspace
    before = read_config(workspace)
    write_config(workspace, before | {"neo4j-mcp:monitoring": {"enabled": True}})
    try:
        deployed.up()
        yield
    finally:
        write_config(workspace, before)
        deployed.up()


@pytest.fixture
def control(running: Cloud) -> ControlClient:
    return ControlClient(url=running.aws_endpoint, region=REGION, key=running.access_key())


def _configure(running: Cloud, size: int) -> None:
    workspace = Home(running.home).workspace
    write_config(workspace, read_config(workspace) | {"neo4j-mcp:schemaSampleSize": size})


def _automation(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "automation", *arguments, "--stack", STACK],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )


def _rules(aws: Aws) -> list[str]:
    found = aws("cloudwatch").list_alarm_mute_rules()["AlarmMuteRuleSummaries"]
    return [each["AlarmMuteRuleArn"].rpartition(":")[2] for each in found]


def _status(aws: Aws) -> str:
    return str(aws("cloudwatch").get_alarm_mute_rule(AlarmMuteRuleName=_RULE)["Status"])


def _owner(aws: Aws) -> str:
    """Return what distinguishes the rules of two deployments."""
    return str(aws("cloudwatch").get_alarm_mute_rule(AlarmMuteRuleName=_RULE)["Description"])


def _run_canary_until(aws: Aws, control: ControlClient, success: int, state: str) -> None:
    """Publish what the canary would, as often as it would, until its alarm is in a state."""
    metric = {
        "MetricName": CANARY_SUCCESS,
        "Dimensions": [{"Name": "Service", "Value": f"neo4j-mcp-{STACK}"}],
        "Value": success,
    }
    found = {"StateValue": "unknown"}
    for _ in range(_RUNS):
        aws("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[metric])
        control.call("MoveClock", Seconds=_INTERVAL)
        (found,) = aws("cloudwatch").describe_alarms(AlarmNames=[_ALARM])["MetricAlarms"]
        if found["StateValue"] == state:
            return
    raise AssertionError("the alarm never was " + state)


def _notifications(aws: Aws) -> int:
    """Return how often the alarm has notified its topic."""
    found = aws("cloudwatch").describe_alarm_history(AlarmName=_ALARM, HistoryItemType="Action")
    return sum("Successfully" in each["HistorySummary"] for each in found["AlarmHistoryItems"])


def test_an_alarm_that_is_raised_during_a_deployment_notifies_at_its_end(
    deployed: Deployment, aws: Aws, control: ControlClient
) -> None:
    state, reported = deployed.state(), list[str]()
    (alarms,) = alarm_names(state).values()
    # Only this test runs the canary.
    aws("events").disable_rule(Name=_CANARY)
    _run_canary_until(aws, control, 1, "OK")
    before = _notifications(aws)

    with muting(
        state, _RULE, lambda region: aws_of(deployed.aws_clients(region)), reported.append
    ) as mute:
        mute()
        rule = aws("cloudwatch").get_alarm_mute_rule(AlarmMuteRuleName=_RULE)
        assert rule["Status"] == "ACTIVE"
        assert set(rule["MuteTargets"]["AlarmNames"]) == set(alarms)
        _run_canary_until(aws, control, 0, "ALARM")
        assert _notifications(aws) == before

    assert read_until(lambda: _notifications(aws), before.__ne__, _SECONDS) == before + 1
    assert reported == []
    assert _rules(aws) == []


def test_a_deployment_that_waits_for_another_mutes_only_afterwards(
    running: Cloud, deployed: Deployment, aws: Aws, pipeline: dict[str, str]
) -> None:
    _configure(running, 42)
    seen: list[tuple[str, str]] = []

    def aws_in(region: str) -> AwsCall:
        return aws_of(deployed.aws_clients(region))

    deploy = ("automation", "deploy", "--stack", STACK)
    with updating_the_service(*deploy, environment=pipeline) as first:
        # It holds the lock until the second one waits.
        os.killpg(first.pid, signal.SIGSTOP)
        owner = _owner(aws)

        def report(line: str) -> None:
            if line.startswith("Waiting for "):
                seen.append(("waiting", _owner(aws)))
                os.killpg(first.pid, signal.SIGCONT)

        with muting(deployed.state(), _RULE, aws_in, report) as mute:

            def on_lock() -> None:
                mute()
                seen.append(("at work", _owner(aws)))

            deployed.up(report, on_lock)
            assert first.wait(_TIMEOUT) == 0
            seen.append(("done", _owner(aws)))

    waiting, at_work, done = seen
    assert waiting == ("waiting", owner)
    assert at_work[0] == "at work"
    assert at_work[1] != owner
    assert done == ("done", at_work[1])
    assert _rules(aws) == []


def test_a_killed_deployment_leaves_the_alarms_muted_for_an_hour_at_most(
    running: Cloud,
    deployed: Deployment,
    aws: Aws,
    control: ControlClient,
    pipeline: dict[str, str],
) -> None:
    _configure(running, 41)
    deploy = updating_the_service("automation", "deploy", "--stack", STACK, environment=pipeline)
    with deploy as process:
        assert _status(aws) == "ACTIVE"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_TIMEOUT)
    assert _status(aws) == "ACTIVE"

    control.call("MoveClock", Seconds=int(MUTED.total_seconds()))
    assert _status(aws) == "EXPIRED"

    done = _automation(pipeline, "deploy")
    assert done.returncode == 0, done.stderr
    assert "muted" not in done.stderr
    assert _rules(aws) == []
    assert deployed.preview().none


def test_a_month_of_monitoring_is_estimated_from_what_is_deployed(
    deployed: Deployment, pipeline: dict[str, str]
) -> None:
    done = _automation(pipeline, "cost", "--only", "monitoring", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)

    lines = {line["what"]: line["quantity"]["load"] for line in found["lines"]}
    (alarms,) = alarm_names(deployed.state()).values()
    assert lines["Alarms"] >= len(alarms) - lines["Composite alarms"]
    assert lines["Canary: runs"] == 8760
    assert lines["Canary: tokens"] > 0
    assert lines["Dashboards"] == 1
    assert 3 < found["usdAMonth"]["idle"] == found["usdAMonth"]["load"] < 30
