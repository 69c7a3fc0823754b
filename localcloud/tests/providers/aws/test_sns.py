"""SNS's topics, their policies and their subscriptions."""

import json

import pytest

from localcloud.providers.aws.clients import AwsError
from localcloud.providers.aws.sns import Topic, TopicPolicy, TopicSubscription
from localcloud.providers.schema import InitializationError
from localcloud.providers.values import Values
from providers.aws.fake import create_request, fake, resource_request

_ARN = "arn:aws:sns:us-east-1:000000000000:alarms"
_SUBSCRIPTION = f"{_ARN}:0123"
_INPUTS: Values = {"endpoint": "oncall@example.com", "protocol": "email", "topic": _ARN}


def _attributes(*, pending: bool) -> dict[str, object]:
    return {
        "Attributes": {
            "SubscriptionArn": _SUBSCRIPTION,
            "TopicArn": _ARN,
            "Protocol": "email",
            "Endpoint": "oncall@example.com",
            "Owner": "000000000000",
            "PendingConfirmation": json.dumps(pending),
            "ConfirmationWasAuthenticated": "false",
        }
    }


def test_a_topics_name_is_the_end_of_its_arn() -> None:
    aws = fake(
        GetTopicAttributes=[{"Attributes": {"TopicArn": _ARN, "Owner": "000000000000"}}],
        ListTagsForResource=[{"Tags": [{"Key": "Team", "Value": "graph"}]}],
    )
    found = Topic().read(resource_request(aws, _ARN, {}))
    assert found is not None
    assert (found["name"], found["arn"], found["owner"]) == ("alarms", _ARN, "000000000000")
    assert found["tags"] == {"Team": "graph"}


def test_a_policy_is_an_attribute_of_the_topic() -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    aws = fake(SetTopicAttributes=[{}])
    created = TopicPolicy().create(create_request(aws, {"arn": _ARN, "policy": policy}))
    assert created.id == _ARN
    assert aws.called("SetTopicAttributes") == [
        {"TopicArn": _ARN, "AttributeName": "Policy", "AttributeValue": policy}
    ]


def test_a_deleted_policy_leaves_the_default_one() -> None:
    aws = fake(SetTopicAttributes=[{}])
    TopicPolicy().delete(resource_request(aws, _ARN, {"arn": _ARN, "owner": "000000000000"}))
    (sent,) = aws.called("SetTopicAttributes")
    (statement,) = json.loads(sent["AttributeValue"])["Statement"]
    assert sent["AttributeName"] == "Policy"
    assert statement["Resource"] == _ARN
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceOwner": "000000000000"}}


def test_a_subscription_that_a_person_confirms_is_created_pending() -> None:
    aws = fake(
        Subscribe=[{"SubscriptionArn": _SUBSCRIPTION}],
        GetSubscriptionAttributes=[_attributes(pending=True)],
    )
    assert TopicSubscription().create(create_request(aws, _INPUTS)).id == _SUBSCRIPTION
    (sent,) = aws.called("Subscribe")
    assert sent["ReturnSubscriptionArn"] is True
    found = TopicSubscription().read(resource_request(aws, _SUBSCRIPTION, {}))
    assert found is not None
    assert found["pendingConfirmation"] is True
    assert {name: found[name] for name in _INPUTS} == _INPUTS


def test_a_queues_subscription_is_awaited_until_it_is_confirmed() -> None:
    aws = fake(
        Subscribe=[{"SubscriptionArn": _SUBSCRIPTION}],
        GetSubscriptionAttributes=[_attributes(pending=True), _attributes(pending=False)],
    )
    queue: Values = {**_INPUTS, "protocol": "sqs", "endpoint": "arn:aws:sqs:x:0:q"}
    TopicSubscription().create(create_request(aws, queue))
    assert len(aws.called("GetSubscriptionAttributes")) == 2


def test_a_queues_subscription_that_nobody_confirms_is_kept_as_not_working() -> None:
    aws = fake(
        Subscribe=[{"SubscriptionArn": _SUBSCRIPTION}],
        GetSubscriptionAttributes=[_attributes(pending=True)],
    )
    queue: Values = {**_INPUTS, "protocol": "sqs", "endpoint": "arn:aws:sqs:x:0:q"}
    with pytest.raises(InitializationError, match="timed out"):
        TopicSubscription().create(create_request(aws, queue, timeout=0))


def test_a_pending_subscription_is_left_to_end_by_itself() -> None:
    pending = AwsError(
        "Unsubscribe",
        "InvalidParameter",
        "Cannot unsubscribe a subscription that is pending confirmation",
    )
    TopicSubscription().delete(resource_request(fake(Unsubscribe=[pending]), _SUBSCRIPTION, {}))
    other = fake(Unsubscribe=[AwsError("Unsubscribe", "InvalidParameter", "no such ARN")])
    with pytest.raises(AwsError, match="no such ARN"):
        TopicSubscription().delete(resource_request(other, _SUBSCRIPTION, {}))
