"""Probes of EventBridge's rules and SNS's topics."""

import json
from typing import Any, Final

from automation.probes.families.sources import DOC_EVENTS, DOC_SNS, doc, model
from automation.probes.kinds import RULE, TOPIC
from automation.probes.observations import ACCEPTED, UNDOCUMENTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

RULES: Final = Family("events", "sts")
TOPICS: Final = Family("sns")
_EVENT: Final = {
    "id": "1",
    "detail-type": "probe",
    "source": "probe",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": ["one"],
    "detail": {"a": "text", "n": 5, "list": ["x", "y"]},
}


def _rule(box: Sandbox, **parameters: Any) -> None:  # noqa: ANN401 - boto3's
    box.owns(RULE, box.name)
    # Nothing runs: the rules have no targets that exist.
    box.client("events").put_rule(Name=box.name, State="DISABLED", **parameters)


@RULES.probe(
    "events-rule-with-targets",
    rows=["Rule with targets"],
    documented={"with a target": "ValidationException", "without": ACCEPTED},
    source=model("events"),
)
def _rule_with_targets(box: Sandbox) -> Observation:
    """How is the deletion of a rule with targets refused?"""
    events = box.client("events")
    _rule(box, ScheduleExpression="rate(1 day)")
    target = f"arn:aws:lambda:{box.around.region}:{box.account}:function:{box.name}"
    events.put_targets(Rule=box.name, Targets=[{"Id": "1", "Arn": target}])
    refused = box.outcome(lambda: events.delete_rule(Name=box.name))
    events.remove_targets(Rule=box.name, Ids=["1"])
    return {
        "with a target": refused,
        "without": box.outcome(lambda: events.delete_rule(Name=box.name)),
    }


@RULES.probe(
    "events-rates",
    rows=["Rate of a schedule"],
    documented={
        "rate(1 hour)": ACCEPTED,
        "rate(2 hours)": ACCEPTED,
        "rate(1 hours)": "ValidationException",
        "rate(2 hour)": "ValidationException",
        "rate(0 hours)": "ValidationException",
        "rate(1 second)": "ValidationException",
    },
    source=doc(f"{DOC_EVENTS}/userguide/eb-scheduled-rule-pattern.html"),
)
def _rates(box: Sandbox) -> Observation:
    """Which rates of a schedule are refused?"""
    rates = (
        "rate(1 hour)",
        "rate(2 hours)",
        "rate(1 hours)",
        "rate(2 hour)",
        "rate(0 hours)",
        "rate(1 second)",
    )
    return {rate: box.outcome(_rule, box, ScheduleExpression=rate) for rate in rates}


@RULES.probe(
    "events-cron",
    rows=["Rotation or rule with a `cron()` schedule"],
    documented={"cron(0 12 * * ? *)": ACCEPTED, "cron(0 12 * * *)": "ValidationException"},
    source=doc(f"{DOC_EVENTS}/userguide/eb-scheduled-rule-pattern.html"),
    differs=["cron(0 12 * * ? *)"],
)
def _cron(box: Sandbox) -> Observation:
    """Which schedules with cron() are refused?"""
    schedules = ("cron(0 12 * * ? *)", "cron(0 12 * * *)")
    return {each: box.outcome(_rule, box, ScheduleExpression=each) for each in schedules}


@RULES.probe(
    "events-patterns",
    rows=["Event patterns", "Pattern that isn't valid"],
    documented={
        "value": True,
        "other value": False,
        "prefix": True,
        "anything-but": True,
        "exists": True,
        "exists false": False,
        "any of a list": True,
        "number": True,
        "no list": "InvalidEventPatternException",
        "no JSON": "InvalidEventPatternException",
        "unknown operator": "InvalidEventPatternException",
    },
    source=doc(f"{DOC_EVENTS}/userguide/eb-create-pattern-operators.html"),
)
def _patterns(box: Sandbox) -> Observation:
    """Which events does a pattern match, and which patterns are refused?"""
    events = box.client("events")

    def matches(pattern: str) -> bool | str:
        seen: list[bool] = []
        code = box.outcome(
            lambda: seen.append(
                events.test_event_pattern(EventPattern=pattern, Event=json.dumps(_EVENT))["Result"]
            )
        )
        return seen[0] if code == ACCEPTED else code

    details = {
        "value": {"a": ["text"]},
        "other value": {"a": ["other"]},
        "prefix": {"a": [{"prefix": "te"}]},
        "anything-but": {"a": [{"anything-but": ["other"]}]},
        "exists": {"a": [{"exists": True}]},
        "exists false": {"a": [{"exists": False}]},
        "any of a list": {"list": ["y"]},
        "number": {"n": [5]},
    }
    return {
        **{name: matches(json.dumps({"detail": each})) for name, each in details.items()},
        "no list": matches(json.dumps({"source": "probe"})),
        "no JSON": matches("{"),
        "unknown operator": matches(json.dumps({"source": [{"like": "probe"}]})),
    }


def _topic(box: Sandbox, **attributes: str) -> str:
    """Create a topic, and return its ARN."""
    arn: str = box.client("sns").create_topic(Name=box.name, Attributes=attributes, Tags=box.tags)[
        "TopicArn"
    ]
    box.owns(TOPIC, arn)
    return arn


@TOPICS.probe(
    "sns-topic-created-again",
    rows=["Topic created again"],
    documented={"same settings": True, "other settings": "InvalidParameter"},
    source=doc(f"{DOC_SNS}/api/API_CreateTopic.html"),
)
def _topic_created_again(box: Sandbox) -> Observation:
    """What does CreateTopic do with a name that exists?"""
    first = _topic(box, DisplayName="one")
    return {
        "same settings": _topic(box, DisplayName="one") == first,
        "other settings": box.outcome(lambda: _topic(box, DisplayName="two")),
    }


@TOPICS.probe(
    "sns-unconfirmed-subscription",
    rows=["E-mail address that nobody has confirmed", "Unsubscribing before the confirmation"],
    documented={
        "confirmed": "false",
        "ARN without asking for it": "pending confirmation",
        "listed": ["PendingConfirmation"],
        "unsubscribed": "InvalidParameter",
        "missing": "NotFound",
    },
    source=doc(f"{DOC_SNS}/dg/sns-email-notifications.html"),
)
def _unconfirmed_subscription(box: Sandbox) -> Observation:
    """What is an e-mail subscription before its confirmation?"""
    sns = box.client("sns")
    topic = _topic(box)
    # A domain that receives no mail (RFC 2606 and its null MX record).
    subscribed = {"TopicArn": topic, "Protocol": "email", "Endpoint": "probe@example.com"}
    short = sns.subscribe(**subscribed)["SubscriptionArn"]
    arn = sns.subscribe(**subscribed, ReturnSubscriptionArn=True)["SubscriptionArn"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    confirmed = "false" if attributes["PendingConfirmation"] == "true" else "true"
    missing = f"{arn[:-12]}000000000000"
    return {
        "confirmed": confirmed,
        "ARN without asking for it": short,
        "listed": [each["SubscriptionArn"] for each in listed],
        "unsubscribed": box.outcome(lambda: sns.unsubscribe(SubscriptionArn=arn)),
        "missing": box.outcome(lambda: sns.get_subscription_attributes(SubscriptionArn=missing)),
    }


@TOPICS.probe(
    "sns-default-policy",
    rows=["Alarm or rule and a topic without its own policy"],
    documented={"principals": ['{"AWS":"*"}'], "condition": UNDOCUMENTED},
    source=doc(f"{DOC_SNS}/dg/sns-access-policy-use-cases.html"),
)
def _default_policy(box: Sandbox) -> Observation:
    """Who may publish to a topic without its own policy?"""
    attributes = box.client("sns").get_topic_attributes(TopicArn=_topic(box))["Attributes"]
    statements = json.loads(attributes["Policy"])["Statement"]
    return {
        "principals": [json.dumps(each["Principal"], separators=(",", ":")) for each in statements],
        "condition": [
            f"{operator} {key}"
            for each in statements
            for operator, keys in each.get("Condition", {}).items()
            for key in keys
        ],
    }
