"""P6: who is notified of the alarms."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from automation.checks.monitoring import own_region, refresh_command, require_monitoring, topic_arn
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import Failed
from components.edge_alarms import REGION as EDGE_REGION
from components.settings import Subscription

# What SNS lists instead of the ARN of a subscription that isn't in use.
_PENDING: Final = "PendingConfirmation"
_UNUSED: Final = frozenset({_PENDING, "Deleted"})
_CONFIRMATION: Final = {
    "email": (
        "open the link in the e-mail from AWS Notifications. SNS sends it again if it is"
        " subscribed again: aws sns subscribe --region {region} --topic-arn {topic} --protocol"
        " email --notification-endpoint {endpoint}"
    ),
    "https": (
        "the endpoint has to open the SubscribeURL of the message of the type"
        " SubscriptionConfirmation, which SNS sends again if it is subscribed again in the console"
        " of SNS"
    ),
}
_MASK: Final = "****"


@check("P6-subscriptions")
def subscriptions(probe: Probe) -> None:
    """Somebody is notified of the alarms: every configured subscription is confirmed."""
    require_monitoring(probe)
    own, configured = own_region(probe), probe.context.settings.monitoring.subscriptions
    regions = [own]
    if probe.context.settings.edge and own != EDGE_REGION:
        regions.append(EDGE_REGION)
    problems: list[str] = []
    for region in regions:
        topic = topic_arn(probe, region)
        listed = _listed(probe, region, topic)
        for name, subscription in configured.items():
            problems += _problems(probe, topic, name, subscription, listed)
        if not configured and all(each["SubscriptionArn"] in _UNUSED for each in listed):
            problems.append(
                f"nobody is notified of an alarm: {topic} has no confirmed subscription. Set"
                " monitoring.subscriptions (see docs/monitoring.md)"
            )
    if problems:
        raise Failed("; ".join(problems))


def _listed(probe: Probe, region: str, topic: str) -> Sequence[Mapping[str, Any]]:
    """Return the subscriptions of a topic; the evidence has no endpoint, which can have a key."""
    response = probe.aws_pages(
        "sns",
        "list_subscriptions_by_topic",
        region=region,
        TopicArn=topic,
        shown=lambda response: [
            {key: each[key] for key in ("Protocol", "SubscriptionArn")}
            for each in response.get("Subscriptions", ())
        ],
    )
    found: Sequence[Mapping[str, Any]] = response.get("Subscriptions", ())
    return found


def _problems(
    probe: Probe,
    topic: str,
    name: str,
    wanted: Subscription,
    listed: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    endpoints = {wanted.endpoint, _masked(wanted.endpoint)}
    arns = [
        each["SubscriptionArn"]
        for each in listed
        if each["Protocol"] == wanted.protocol and each["Endpoint"] in endpoints
    ]
    what = f"the subscription {name} ({wanted.protocol}) of {topic}"
    if any(arn not in _UNUSED for arn in arns):
        return
    if _PENDING in arns:
        confirmation = _CONFIRMATION[wanted.protocol].format(
            region=topic.split(":")[3], topic=topic, endpoint=wanted.endpoint
        )
        yield f"{what} isn't confirmed: {confirmation}"
    else:
        yield (
            f"{what} is missing: nobody confirmed it within two days, or somebody removed it. To"
            f" subscribe again, run: {refresh_command(probe)}"
        )


def _masked(endpoint: str) -> str:
    """Return an endpoint as SNS lists it: with asterisks for the password of a URL.

    Source: topic_subscription_test.go in hashicorp/terraform-provider-aws.
    """
    password = urlsplit(endpoint).password
    return endpoint.replace(f":{password}@", f":{_MASK}@", 1) if password else endpoint
