"""What callers notice of the host: deployments, a killed instance, scaling, on every host alike."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from automation.checks.results import Outcome
from automation.deployment import Deployment, DeploymentError
from automation.drills.records import expect_no_failure, failed
from automation.drills.traffic import Traffic
from automation.hosting.hosts import HOSTS
from components.hosting import environment
from components.settings import Hosting, StackSettings
from localcloud.cloud import Cloud
from tests.end_to_end.changed_by_hand import change_environment
from tests.end_to_end.hosted import Hosted, hosted
from tests.stand_in import Aws
from tests.waiting import read_until

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

# The stand-in removes idle instances after a minute, and looks for them twice a minute.
_SCALING_SECONDS = 480.0
_SCALING_MINUTE = 10
_QUIET_PAUSE = 0.5
_LOAD = 24
_LOG_LEVEL = "NEO4J_MCP_LOG_LEVEL"
_COMPONENTS = {
    Hosting.APP_RUNNER: "components.hosting.apprunner.component",
    Hosting.FARGATE: "components.hosting.fargate.component",
    Hosting.LAMBDA: "components.hosting.lambda_.component",
}


@pytest.fixture(scope="module", params=list(HOSTS), ids=str)
def stack(
    request: pytest.FixtureRequest, running: Cloud, deployed: Deployment, outputs: dict[str, Any]
) -> Iterator[Hosted]:
    assert outputs
    with pytest.MonkeyPatch.context() as patch:
        # Nothing but what `make env` prints.
        for name, value in running.environment().items():
            patch.setenv(name, value)
        with hosted(request.param, running, deployed) as stack:
            yield stack


def test_no_call_fails_while_a_changed_setting_is_deployed(stack: Hosted) -> None:
    with stack.exercise() as exercise, exercise.traffic(exercise.call()) as traffic:
        stack.deploy(logLevel="debug")
        ended = exercise.mark("deployed")
        exercise.expect_success(traffic, ended, within=60.0, in_a_row=10)

    expect_no_failure(traffic.records, "a changed setting was deployed")
    assert stack.service().environment[_LOG_LEVEL] == "debug"


def test_no_call_fails_while_the_same_is_deployed_again(stack: Hosted) -> None:
    result = stack.drill("redeploy-under-traffic")

    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


def test_killed_instances_are_replaced_and_then_no_call_fails(stack: Hosted) -> None:
    result = stack.drill("container-killed")

    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    (timeline,) = (each.response for each in result.evidence if each.request == "Timeline")
    assert "kill " in timeline


def test_load_starts_instances_and_its_end_removes_them(stack: Hosted) -> None:
    # Target tracking judges whole minutes, 15 of them before it removes an instance.
    stack.shorten_scaling(seconds=_SCALING_MINUTE)
    with stack.instances() as instances, stack.exercise() as exercise:
        call = exercise.call()
        with Traffic(call, callers=_LOAD, clock=time.monotonic, pause=0.0) as traffic:
            most = read_until(
                lambda: len(instances.running()), lambda count: count > 1, _SCALING_SECONDS
            )
        assert most > 1
        assert {each.failure for each in failed(traffic.records)} <= {"HTTP 429", "HTTP 503"}
        # Target tracking removes nothing while a metric has no data, so a caller stays.
        counts = [most]

        def count() -> int:
            counts.append(len(instances.running()))
            return counts[-1]

        with Traffic(call, callers=1, clock=time.monotonic, pause=_QUIET_PAUSE) as quiet:
            # The last instances that the load has started may still come.
            least = read_until(count, lambda found: found < max(counts), _SCALING_SECONDS)
            assert least < max(counts)
        expect_no_failure(quiet.records, "instances were removed")


def test_a_version_that_does_not_start_fails_the_deployment(
    stack: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(settings: StackSettings) -> dict[str, str]:
        return environment.server_environment(settings) | {"NEO4J_MCP_TRANSPORT_MODE": "none"}

    before = stack.service()
    with stack.exercise() as exercise, exercise.traffic(exercise.call()) as traffic:
        with monkeypatch.context() as patch:
            patch.setattr(f"{_COMPONENTS[stack.hosting]}.server_environment", broken)
            with pytest.raises(DeploymentError) as raised:
                stack.deploy(schemaSampleSize=50)
        assert stack.service().environment == before.environment
        stack.deploy(schemaSampleSize=60)
        ended = exercise.mark("deployed")
        exercise.expect_success(traffic, ended, within=60.0, in_a_row=10)

    assert f"python -m automation deploy --stack {stack.deployment.stack}" in str(raised.value)
    expect_no_failure(traffic.records, "a version that doesn't start was deployed")


def test_a_service_that_was_changed_by_hand_fails_the_deployment_until_it_is_refreshed(
    stack: Hosted, aws: Aws
) -> None:
    before = stack.service()
    change_environment(aws, stack.hosting, before, _LOG_LEVEL, "error")

    with pytest.raises(DeploymentError) as raised:
        stack.deploy()
    assert f"its environment differs in {_LOG_LEVEL}" in str(raised.value)
    assert f"pulumi refresh --stack {stack.deployment.stack}" in str(raised.value)

    stack.deployment.refresh()
    stack.deploy()
    after = stack.service()
    assert (after.runs, after.environment) == (before.runs, before.environment)
