"""Pure decisions about topics and subscriptions.

Sources: the API reference of SNS; "Example cases for Amazon SNS access control" in its developer
guide; "Permissions for CloudWatch" and "Using resource-based policies for Amazon EventBridge" for
what services send along; hashicorp/terraform-provider-aws for the text of errors.
"""

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from localcloud.aws.functions import Source
from localcloud.aws.iam import rules as iam
from localcloud.aws.protocol import ApiError
from localcloud.aws.sns.models import Subscription, Topic

CONFIRMED_BY_OWNER: Final = frozenset({"email", "email-json", "https"})
"""The protocols with an endpoint that somebody else owns."""
DELIVERED: Final = frozenset({*CONFIRMED_BY_OWNER, "lambda", "sqs"})
_RAW: Final = frozenset({"https", "sqs"})
PUBLISH: Final = "sns:Publish"
_PROTOCOLS: Final = frozenset({*DELIVERED, "application", "firehose", "http", "https", "sms"})
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_URL: Final = re.compile(r"https://[^/?#\s]+(?:[/?][^#\s]*)?")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
_LAMBDA: Final = re.compile(r"arn:aws:lambda:[\w-]+:[0-9]{12}:function:[\w:$-]+")
_QUEUE: Final = re.compile(r"arn:aws:sqs:[\w-]+:[0-9]{12}:[\w-]+")
_SUBJECT: Final = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,99}")
_MAX_MESSAGE: Final = 256 * 1024
_MAX_TAGS: Final = 50
_AWS_KEY: Final = "alias/aws/sns"
_ATTRIBUTES: Final = frozenset(
    {"DisplayName", "KmsMasterKeyId", "Policy", "SignatureVersion", "TracingConfig"}
)
_OTHER_ATTRIBUTES: Final = re.compile(
    r"ArchivePolicy|ContentBasedDeduplication|DataProtectionPolicy|DeliveryPolicy|FifoTopic"
    r"|FifoThroughputScope|(?:Application|Firehose|HTTP|Lambda|SQS)"
    r"(?:SuccessFeedbackRoleArn|FailureFeedbackRoleArn|SuccessFeedbackSampleRate)"
)
_OTHER_SUBSCRIPTION_ATTRIBUTES: Final = frozenset(
    {
        "DeliveryPolicy",
        "FilterPolicy",
        "FilterPolicyScope",
        "RedrivePolicy",
        "ReplayPolicy",
        "SubscriptionRoleArn",
    }
)
# The services that name the owner of what they act for, as the default policy requires.
_NAME_THEIR_OWNER: Final = frozenset({"cloudwatch.amazonaws.com"})


def invalid(parameter: str) -> ApiError:
    """Return the error for a parameter, in SNS's words."""
    return ApiError("InvalidParameter", f"Invalid parameter: {parameter}")


def unsupported(what: str) -> ApiError:
    """Return the error for what the stand-in doesn't have."""
    return ApiError("InvalidParameter", f"The stand-in's SNS doesn't support {what}.")


def missing(what: str) -> ApiError:
    """Return the error for a topic or a subscription that doesn't exist."""
    return ApiError("NotFound", f"{what} does not exist", HTTPStatus.NOT_FOUND)


def check_name(name: str) -> None:
    """Require a topic's name to be valid.

    Raises:
        ApiError: InvalidParameter.
    """
    if name.endswith(".fifo"):
        raise unsupported(f"FIFO topics, such as {name}")
    if not _NAME.fullmatch(name):
        raise invalid("Topic Name")


def default_policy(topic_arn: str, account_id: str) -> str:
    """Return the policy of a topic that is created without one."""
    actions = (
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
    )
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": topic_arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account_id}},
    }
    return json.dumps(
        {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    )


def topic_attributes(current: Mapping[str, str], changes: Mapping[str, str]) -> Mapping[str, str]:
    """Change what can be set of a topic.

    Raises:
        ApiError: InvalidParameter.
    """
    for name, value in changes.items():
        _check_topic_attribute(name, value)
    changed = {**current, **changes}
    # An empty value removes the key.
    return {name: value for name, value in changed.items() if value or name == "DisplayName"}


def _check_topic_attribute(name: str, value: str) -> None:
    if _OTHER_ATTRIBUTES.fullmatch(name):
        raise unsupported(f"the attribute {name} of a topic")
    if name not in _ATTRIBUTES:
        raise invalid("AttributeName")
    if name == "Policy":
        _check_policy(value)
    if name == "KmsMasterKeyId" and value not in {"", _AWS_KEY}:
        raise unsupported(f"the key {value}, only {_AWS_KEY}")
    allowed = {"SignatureVersion": {"1", "2"}, "TracingConfig": {"Active", "PassThrough"}}
    if value not in allowed.get(name, {value}):
        raise invalid(name)


def _check_policy(text: str) -> None:
    try:
        document = json.loads(text)
        statements = document["Statement"]
        statements = statements if isinstance(statements, list) else [statements]
        for statement in statements:
            actions = statement.get("Action", statement.get("NotAction", []))
            listed = actions if isinstance(actions, list) else [actions]
            if statement["Effect"] not in {"Allow", "Deny"} or not statement["Principal"]:
                raise invalid("Policy Error: null")
            if not all(action.lower().startswith("sns:") for action in listed):
                raise invalid("Policy statement action out of service scope!")
    except (AttributeError, KeyError, TypeError, ValueError):
        raise invalid("Policy Error: null") from None


def check_subscription(protocol: str, endpoint: str) -> None:
    """Require that a protocol is supported and its endpoint valid.

    Raises:
        ApiError: InvalidParameter.
    """
    if protocol not in _PROTOCOLS:
        raise invalid(f"Does not support this protocol string: {protocol}")
    if protocol not in DELIVERED:
        raise unsupported(f"the protocol {protocol}")
    expected, problem = {
        "email": (_ADDRESS, "Email address"),
        "email-json": (_ADDRESS, "Email address"),
        "https": (_URL, "Endpoint must match the specified protocol"),
        "lambda": (_LAMBDA, "Lambda endpoint ARN"),
        "sqs": (_QUEUE, "SQS endpoint ARN"),
    }[protocol]
    if not expected.fullmatch(endpoint):
        raise invalid(problem)


def raw_delivery(protocol: str, attributes: Mapping[str, str]) -> bool | None:
    """Return what a request says about raw delivery; None if it says nothing.

    Raises:
        ApiError: InvalidParameter.
    """
    for name in attributes:
        if name in _OTHER_SUBSCRIPTION_ATTRIBUTES:
            raise unsupported(f"the attribute {name} of a subscription")
        if name != "RawMessageDelivery":
            raise invalid("AttributeName")
    value = attributes.get("RawMessageDelivery")
    if value is None:
        return None
    if value not in {"true", "false"}:
        raise invalid("Attributes Reason: RawMessageDelivery: Invalid value [" + value + "].")
    if value == "true" and protocol not in _RAW:
        raise invalid(
            "Attributes Reason: RawMessageDelivery: Delivery protocol"
            f" [{protocol}] does not support raw message delivery."
        )
    return value == "true"


def check_message(message: str, subject: str | None) -> None:
    """Require that a message can be sent.

    Raises:
        ApiError: InvalidParameter.
    """
    if not message:
        raise invalid("Empty message")
    if len(message.encode()) > _MAX_MESSAGE:
        raise invalid("Message too long")
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise invalid("Subject")


def why_not_published(topic: Topic, source: Source, account_id: str) -> str | None:
    """Return why a service may not publish to a topic; None if it may."""
    context = {"aws:SourceArn": source.arn, "aws:SourceAccount": account_id}
    if source.service in _NAME_THEIR_OWNER:
        context["aws:SourceOwner"] = account_id
    policy = json.loads(topic.attributes["Policy"])
    if not iam.lets_service(policy, source.service, PUBLISH, topic.arn, context):
        return f"the policy of {topic.arn} doesn't let {source.service} publish to it"
    if topic.attributes.get("KmsMasterKeyId") == _AWS_KEY:
        return (
            f"{topic.arn} is encrypted with {_AWS_KEY}, and the policy of that key doesn't let"
            f" {source.service} use it"
        )
    return None


def with_tags(tags: Mapping[str, str], added: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """Add tags to a topic's, or replace those with the same keys.

    Raises:
        ApiError: TagLimitExceeded.
    """
    changed = {**tags, **{tag["Key"]: tag["Value"] for tag in added}}
    if len(changed) > _MAX_TAGS:
        raise ApiError("TagLimitExceeded", f"A topic has at most {_MAX_TAGS} tags.")
    return changed


def listed(subscription: Subscription, account_id: str) -> Mapping[str, Any]:
    """Return a subscription as in a list."""
    return {
        "SubscriptionArn": "PendingConfirmation" if subscription.pending else subscription.arn,
        "Owner": account_id,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic_arn,
    }


def subscription_attributes(subscription: Subscription, account_id: str) -> Mapping[str, str]:
    """Return the attributes of a subscription."""
    return {
        "SubscriptionArn": subscription.arn,
        "TopicArn": subscription.topic_arn,
        "Owner": account_id,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "PendingConfirmation": _text(subscription.pending),
        "ConfirmationWasAuthenticated": _text(subscription.authenticated),
        "RawMessageDelivery": _text(subscription.raw),
    }


def _text(value: bool) -> str:  # noqa: FBT001 - the text of any boolean
    return str(value).lower()
