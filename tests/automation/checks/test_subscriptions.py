"""The check of the alarms' subscriptions, with SNS's answers made up."""

from collections.abc import Sequence
from typing import Any

import pytest

from automation.checks import CHECKS, runner
from automation.checks.results import Outcome, Result
from tests.automation.checks.fake_aws import AnsweredStack
from tests.components.parsing import parse

REGION, EDGE_REGION = "eu-west-1", "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:111122223333:neo4j-mcp-dev-alarms"
EDGE_TOPIC = f"arn:aws:sns:{EDGE_REGION}:111122223333:neo4j-mcp-dev-alarms"
ADDRESS = {"protocol": "email", "endpoint": "oncall@example.com"}
KEY = "in-the-url"
PAGER = {"protocol": "https", "endpoint": f"https://pager.example/{KEY}"}
QUEUE = {"protocol": "sqs", "endpoint": f"arn:aws:sqs:{REGION}:111122223333:alarms"}


def _subscription(wanted: dict[str, str], status: str = "", **changes: str) -> dict[str, Any]:
    arn = status or f"{TOPIC}:6f9e4d2a"
    listed = {"SubscriptionArn": arn, "Protocol": wanted["protocol"], "Owner": "111122223333"}
    return {**listed, "Endpoint": wanted["endpoint"], "TopicArn": TOPIC, **changes}


def _run(
    listed: Sequence[dict[str, Any]],
    *,
    at_edge: Sequence[dict[str, Any]] | None = None,
    enabled: bool = True,
    **configured: dict[str, str],
) -> Result:
    settings = parse(
        {
            "neo4jUri": "neo4j+s://a.databases.neo4j.io",
            "clients": {"agent": {"scopes": ["reader"]}},
            "edge": at_edge is not None,
            "monitoring": {"enabled": enabled, "subscriptions": configured},
        }
    )

    def list_subscriptions(region: str, parameters: dict[str, Any]) -> dict[str, Any]:
        here = region == REGION
        assert parameters["TopicArn"] == (TOPIC if here else EDGE_TOPIC)
        found = listed if here else at_edge or ()
        # One on a page, so that the next pages count.
        start = int(parameters.get("NextToken", "0"))
        more = {"NextToken": str(start + 1)} if start + 1 < len(found) else {}
        return {"Subscriptions": list(found[start : start + 1]), **more}

    stack = AnsweredStack(
        {"ListSubscriptionsByTopic": list_subscriptions},
        settings=settings,
        outputs={"alarmTopicArn": TOPIC},
        region=REGION,
    )
    result = runner.run_one(CHECKS["P6-subscriptions"], stack)
    assert KEY not in result.model_dump_json()
    return result


def test_confirmed_subscriptions_pass() -> None:
    listed = [_subscription(each) for each in (ADDRESS, PAGER, QUEUE)]

    result = _run(listed, oncall=ADDRESS, pager=PAGER, queue=QUEUE)

    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


def test_without_monitoring_there_is_nothing_to_check() -> None:
    assert _run([], enabled=False, oncall=ADDRESS).outcome is Outcome.SKIPPED


def test_an_address_that_nobody_confirmed_fails() -> None:
    result = _run([_subscription(ADDRESS, "PendingConfirmation")], oncall=ADDRESS)

    assert result.outcome is Outcome.FAILED
    assert result.reason == (
        f"the subscription oncall (email) of {TOPIC} isn't confirmed: open the link in the e-mail"
        " from AWS Notifications. SNS sends it again if it is subscribed again: aws sns subscribe"
        f" --region {REGION} --topic-arn {TOPIC} --protocol email --notification-endpoint"
        " oncall@example.com"
    )


def test_a_url_that_is_not_confirmed_fails_without_showing_it() -> None:
    result = _run([_subscription(PAGER, "PendingConfirmation")], pager=PAGER)

    assert result.outcome is Outcome.FAILED
    assert "the subscription pager (https)" in result.reason
    assert "SubscribeURL" in result.reason


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [_subscription(ADDRESS, "Deleted")],
        [_subscription(ADDRESS, Endpoint="somebody.else@example.com")],
        [_subscription(ADDRESS, Protocol="email-json")],
    ],
)
def test_a_missing_subscription_fails(listed: list[dict[str, Any]]) -> None:
    result = _run([_subscription(PAGER), *listed], oncall=ADDRESS, pager=PAGER)

    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith(f"the subscription oncall (email) of {TOPIC} is missing: ")
    assert result.reason.endswith("run: pulumi up --refresh --stack dev")
    assert "pager" not in result.reason


def test_all_subscriptions_are_reported_at_once() -> None:
    reason = _run([_subscription(PAGER, "Deleted")], oncall=ADDRESS, pager=PAGER).reason

    assert "the subscription oncall (email)" in reason
    assert "the subscription pager (https)" in reason


def test_a_subscription_that_was_confirmed_and_made_again_passes() -> None:
    listed = [_subscription(ADDRESS, "PendingConfirmation"), _subscription(ADDRESS)]

    assert _run(listed, oncall=ADDRESS).outcome is Outcome.PASSED


def test_a_url_with_a_password_is_recognized_although_sns_masks_it() -> None:
    wanted = {"protocol": "https", "endpoint": f"https://neo4j:{KEY}@pager.example/hook"}
    masked = _subscription(wanted, Endpoint="https://neo4j:****@pager.example/hook")

    assert _run([masked], pager=wanted).outcome is Outcome.PASSED


@pytest.mark.parametrize("listed", [[], [_subscription(ADDRESS, "PendingConfirmation")]])
def test_alarms_that_notify_nobody_fail(listed: list[dict[str, Any]]) -> None:
    result = _run(listed)

    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith(f"nobody is notified of an alarm: {TOPIC} has no confirmed")


def test_a_subscription_from_elsewhere_is_enough() -> None:
    assert _run([_subscription(QUEUE)]).outcome is Outcome.PASSED


def test_the_edges_topic_in_another_region_has_subscriptions_too() -> None:
    here = [_subscription(ADDRESS)]

    passed = _run(here, at_edge=[_subscription(ADDRESS)], oncall=ADDRESS)
    failed = _run(here, at_edge=[_subscription(ADDRESS, "PendingConfirmation")], oncall=ADDRESS)

    assert passed.outcome is Outcome.PASSED
    assert failed.outcome is Outcome.FAILED
    assert f"the subscription oncall (email) of {EDGE_TOPIC} isn't confirmed" in failed.reason
    assert f"--region {EDGE_REGION}" in failed.reason
