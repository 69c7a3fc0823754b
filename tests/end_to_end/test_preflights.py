"""What AWS refuses to some accounts, before and in the middle of a deployment."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from automation.deployment import Deployment, DeploymentError, Target
from localcloud.cloud import Cloud
from tests.end_to_end.plain_stack import PlainStack, plain_stack
from tests.repository import ROOT
from tests.stand_in import Aws

pytestmark = pytest.mark.stand_in

_TIMEOUT = 300
# Without the keys that only App Runner has.
_ON_LAMBDA = {"hosting": "lambda", "cpu": "", "memory": "", "healthCheck": {}}


@pytest.fixture(scope="module")
def stack(running: Cloud) -> Iterator[PlainStack]:
    with plain_stack(running, "new-account") as stack:
        yield stack


@pytest.fixture
def new_customer(running: Cloud) -> Iterator[None]:
    """An account that App Runner doesn't take."""
    running.control().call("SetAppRunnerOpen", Open=False)
    yield
    running.control().call("SetAppRunnerOpen", Open=True)


@pytest.fixture
def new_account(running: Cloud) -> Iterator[None]:
    """An account with the concurrency that AWS allows to new ones."""
    running.control().call("SetConcurrencyLimit", Limit=10)
    yield
    running.control().call("SetConcurrencyLimit", Limit=1000)


def deploy(stack: PlainStack, pipeline: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "automation", "deploy", "--stack", stack.name]
    return subprocess.run(
        [*command, "--workspace", str(stack.workspace)],
        cwd=ROOT,
        env=os.environ | pipeline,
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )


def created(stack: PlainStack) -> list[str]:
    return [each["type"] for each in json.loads(stack.state())["deployment"].get("resources", [])]


@pytest.mark.usefixtures("new_customer")
def test_an_account_that_app_runner_refuses_is_shown_another_host_and_nothing_is_created(
    stack: PlainStack, pipeline: dict[str, str], aws: Aws
) -> None:
    done = deploy(stack, pipeline)

    assert done.returncode == 3, done.stderr
    assert "no longer available to new customers" in done.stderr
    assert f"pulumi config set --stack {stack.name} hosting lambda" in done.stderr
    assert "Traceback" not in done.stderr
    assert created(stack) == []
    assert aws("apprunner").list_services()["ServiceSummaryList"] == []


@pytest.mark.slow
@pytest.mark.usefixtures("new_account")
def test_an_account_without_concurrency_to_reserve_is_shown_the_setting_and_nothing_is_created(
    stack: PlainStack, pipeline: dict[str, str]
) -> None:
    kept = {key: stack.setting(key) for key in ("cpu", "memory", "healthCheck")}
    stack.configure(_ON_LAMBDA)
    try:
        done = deploy(stack, pipeline)
    finally:
        stack.configure({"hosting": "apprunner", **kept})

    assert done.returncode == 3, done.stderr
    assert "at most 0 can be reserved" in done.stderr
    assert f"pulumi config set --stack {stack.name} maxInstances 0" in done.stderr
    assert created(stack) == []


@pytest.mark.slow
def test_a_subnet_that_does_not_exist_is_reported_and_nothing_is_created(
    stack: PlainStack, pipeline: dict[str, str]
) -> None:
    missing = {"subnetIds": ["subnet-0123abcd"], "securityGroupIds": ["sg-0123abcd"]}
    stack.configure({"vpcConnector": missing})
    try:
        done = deploy(stack, pipeline)
    finally:
        stack.configure({"vpcConnector": {}})

    assert done.returncode == 3, done.stderr
    assert "subnet-0123abcd" in done.stderr
    assert "--path 'vpcConnector.subnetIds[0]'" in done.stderr
    assert created(stack) == []


@pytest.mark.slow
def test_a_key_without_cloudwatch_logs_in_its_policy_is_reported_and_nothing_is_created(
    stack: PlainStack, pipeline: dict[str, str], aws: Aws
) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    stack.configure({"logKeyArn": key})
    try:
        done = deploy(stack, pipeline)
    finally:
        stack.configure({"logKeyArn": ""})

    assert done.returncode == 3, done.stderr
    shown = " ".join(done.stderr.split())
    assert "has no statement for CloudWatch Logs" in shown
    assert '"Service": "logs.us-east-1.amazonaws.com"' in shown
    assert created(stack) == []


@pytest.mark.slow
@pytest.mark.usefixtures("new_customer")
def test_app_runners_refusal_in_the_middle_of_a_deployment_names_the_setting(
    stack: PlainStack,
) -> None:
    target = Target(
        stack=stack.name,
        workspace=stack.workspace,
        engine=stack.home.engine,
        environment=stack.environment,
    )

    with pytest.raises(DeploymentError) as raised:
        Deployment(target).up()

    assert "no longer available to new customers" in str(raised.value)
    assert f"pulumi config set --stack {stack.name} hosting lambda" in str(raised.value)
