"""The alarm on failed deployments, on the hosts that roll a failed update back by themselves."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from automation.deployment import Deployment
from components.settings import Hosting
from localcloud.aws.control import ControlClient
from localcloud.cloud import REGION, Cloud
from tests.end_to_end.changed_by_hand import change_environment
from tests.end_to_end.hosted import Hosted, hosted
from tests.stand_in import Aws
from tests.waiting import wait_until

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_ADDRESS: Final = "oncall@example.com"
_ALARM: Final = "deployment-failed"


@pytest.fixture(scope="module", params=[Hosting.APP_RUNNER, Hosting.FARGATE], ids=str)
def stack(
    request: pytest.FixtureRequest, running: Cloud, deployed: Deployment, outputs: dict[str, Any]
) -> Iterator[Hosted]:
    """The stack with monitoring."""
    assert outputs
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        with hosted(request.param, running, deployed) as stack:
            oncall = {"protocol": "email", "endpoint": _ADDRESS}
            stack.configure(monitoring={"enabled": True, "subscriptions": {"oncall": oncall}})
            stack.deployment.up()
            yield stack


def test_a_deployment_that_was_rolled_back_raises_an_alarm_that_clears(
    stack: Hosted, aws: Aws
) -> None:
    control = ControlClient(
        url=stack.running.aws_endpoint, region=REGION, key=stack.running.access_key()
    )
    names = stack.context.names
    topic = f"arn:aws:sns:{REGION}:000000000000:{names.alarm_topic}"
    control.call("ConfirmSubscriptions", TopicArn=topic)
    # The topic of the host before had the same name.
    earlier = len(control.call("ListMessages", TopicArn=topic)["Messages"])

    def mails() -> list[dict[str, Any]]:
        messages = control.call("ListMessages", TopicArn=topic)["Messages"][earlier:]
        return [each for each in messages if each["Type"] == "Notification"]

    def changes() -> list[dict[str, Any]]:
        """Return what the alarm has sent, oldest first."""
        sent = [json.loads(each["Message"]) for each in mails()]
        return [each for each in sent if each.get("AlarmName") == names.alarm(_ALARM)]

    def reasons() -> list[dict[str, Any]]:
        """Return the events of failed deployments that the topic got."""
        sent = [json.loads(each["Message"]) for each in mails()]
        return [each["detail"] for each in sent if "detail" in each]

    before = stack.service()
    control.call("MoveClock", Seconds=600)
    assert changes() == []
    change_environment(aws, stack.hosting, before, "NEO4J_MCP_TRANSPORT_MODE", "nonsense")
    wait_until(reasons, "an event")
    [reason] = reasons()
    if stack.hosting is Hosting.APP_RUNNER:
        assert reason["operationStatus"] == "UpdateServiceFailed"
    else:
        assert reason["eventName"] == "SERVICE_DEPLOYMENT_FAILED"
    control.call("MoveClock", Seconds=60)
    wait_until(changes, "the alarm is raised")
    [raised] = changes()
    assert raised["NewStateValue"] == "ALARM"
    assert f"#{_ALARM}" in raised["AlarmDescription"]

    # The host has restored what worked, and nothing else fails.
    assert stack.service().environment == before.environment
    control.call("MoveClock", Seconds=1200)
    wait_until(lambda: len(changes()) > 1, "the alarm is OK")
    assert [each["NewStateValue"] for each in changes()] == ["ALARM", "OK"]
