"""SNS: topics, their policies and their subscriptions.

Sources: the Amazon SNS API reference, and the schemas of aws_sns_topic, aws_sns_topic_policy and
aws_sns_topic_subscription for the changes that force a replacement.
"""

import json
from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.waiting import poll_until_done
from localcloud.providers.schema import (
    Created,
    CreateRequest,
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    initializing,
    unsupported,
)
from localcloud.providers.values import Values, as_string

_NOT_FOUND: Final = frozenset({"NotFound", "NotFoundException"})
_POLICY: Final = {"AttributeName": "Policy"}
# Source: subscriptionPendingConfirmationTimeout in hashicorp/terraform-provider-aws,
# internal/service/sns/topic_subscription.go.
_CONFIRMATION_SECONDS: Final = 120.0
_CONFIRMED_BY_PEOPLE: Final = frozenset({"email", "email-json", "http", "https"})
_PENDING: Final = "pending confirmation"


class Topic(AwsResource):
    """aws:sns/topic:Topic."""

    token = "aws:sns/topic:Topic"  # noqa: S105  # a Pulumi type
    service = "sns"
    autonamed = "name"
    not_found_codes = _NOT_FOUND
    creates = Operation(name="CreateTopic")
    reads = Operation(name="GetTopicAttributes", result="Attributes")
    deletes = Operation(name="DeleteTopic")
    id_members = ("TopicArn",)
    tagging = Tagging(resource="ResourceArn")
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="TopicArn"),
        "owner": Property(output=True),
        "beginningArchiveTime": Property(output=True),
        **unsupported(
            "applicationFailureFeedbackRoleArn",
            "applicationSuccessFeedbackRoleArn",
            "applicationSuccessFeedbackSampleRate",
            "archivePolicy",
            "contentBasedDeduplication",
            "deliveryPolicy",
            "displayName",
            "fifoThroughputScope",
            "fifoTopic",
            "firehoseFailureFeedbackRoleArn",
            "firehoseSuccessFeedbackRoleArn",
            "firehoseSuccessFeedbackSampleRate",
            "httpFailureFeedbackRoleArn",
            "httpSuccessFeedbackRoleArn",
            "httpSuccessFeedbackSampleRate",
            "kmsMasterKeyId",
            "lambdaFailureFeedbackRoleArn",
            "lambdaSuccessFeedbackRoleArn",
            "lambdaSuccessFeedbackSampleRate",
            "maximumMessageSize",
            "namePrefix",
            "policy",
            "signatureVersion",
            "sqsFailureFeedbackRoleArn",
            "sqsSuccessFeedbackRoleArn",
            "sqsSuccessFeedbackSampleRate",
            "tracingConfig",
        ),
    }

    def described(self, response: Document) -> Values:
        """Take the name from the ARN: no attribute has it."""
        found = super().described(response)
        return {**found, "name": as_string(found["arn"]).rpartition(":")[2]}


class TopicPolicy(AwsResource):
    """aws:sns/topicPolicy:TopicPolicy, an attribute of the topic."""

    token = "aws:sns/topicPolicy:TopicPolicy"  # noqa: S105  # a Pulumi type
    service = "sns"
    not_found_codes = _NOT_FOUND
    creates = Operation(name="SetTopicAttributes")
    reads = Operation(name="GetTopicAttributes", result="Attributes")
    updates = Operation(name="SetTopicAttributes")
    deletes = Operation(name="SetTopicAttributes")
    id_members = ("TopicArn",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "arn": Property(required=True, force_new=True, aws="TopicArn"),
        "policy": Property(kind=Kind.JSON, required=True, aws="AttributeValue", aws_read="Policy"),
        "region": REGION,
        "owner": Property(output=True),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the topic and the attribute."""
        return {**super().identity(request), **_POLICY}

    def create_parameters(self, request: CreateRequest[Aws]) -> Document:
        """Name the attribute."""
        return super().create_parameters(request) | _POLICY

    def delete_parameters(self, request: ResourceRequest[Aws]) -> Document:
        """Replace the policy with the default one, as the real provider does."""
        policy = default_policy(request.id, as_string(request.state.get("owner") or ""))
        return super().delete_parameters(request) | {"AttributeValue": policy}


def default_policy(topic_arn: str, owner: str) -> str:
    """Return the policy of a topic that has no other.

    Source: defaultTopicPolicy in hashicorp/terraform-provider-aws, internal/service/sns.
    """
    actions = (
        *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission"),
        *("DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish", "Receive"),
    )
    return json.dumps(
        {
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [
                {
                    "Sid": "__default_statement_ID",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [f"SNS:{each}" for each in actions],
                    "Resource": topic_arn,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
                }
            ],
        }
    )


class TopicSubscription(AwsResource):
    """aws:sns/topicSubscription:TopicSubscription."""

    token = "aws:sns/topicSubscription:TopicSubscription"  # noqa: S105  # a Pulumi type
    service = "sns"
    not_found_codes = _NOT_FOUND
    creates = Operation(name="Subscribe")
    reads = Operation(name="GetSubscriptionAttributes", result="Attributes")
    deletes = Operation(name="Unsubscribe")
    id_members = ("SubscriptionArn",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "endpoint": Property(required=True, force_new=True),
        "protocol": Property(required=True, force_new=True),
        "topic": Property(required=True, force_new=True, aws="TopicArn"),
        "region": REGION,
        "arn": Property(output=True, aws="SubscriptionArn"),
        "confirmationWasAuthenticated": Property(kind=Kind.BOOLEAN, output=True),
        "ownerId": Property(output=True, aws="Owner"),
        # It changes when somebody confirms, without an update.
        "pendingConfirmation": Property(kind=Kind.BOOLEAN, output=True, volatile=True),
        **unsupported(
            "confirmationTimeoutInMinutes",
            "deliveryPolicy",
            "endpointAutoConfirms",
            "filterPolicy",
            "filterPolicyScope",
            "rawMessageDelivery",
            "redrivePolicy",
            "replayPolicy",
            "subscriptionRoleArn",
        ),
    }

    def create_parameters(self, request: CreateRequest[Aws]) -> Document:
        """Ask for the ARN of a subscription that isn't confirmed too."""
        return super().create_parameters(request) | {"ReturnSubscriptionArn": True}

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Subscribe, and wait for the confirmation unless a person or an endpoint gives it."""
        created = super().create(request)
        if as_string(request.inputs["protocol"]) not in _CONFIRMED_BY_PEOPLE:
            with initializing(created.id):
                subscription = request.for_resource(created.id, request.inputs)
                poll_until_done(
                    request,
                    lambda: self._confirmed(subscription),
                    what=f"the confirmation of {created.id}",
                    limit=_CONFIRMATION_SECONDS,
                )
        return created

    def described(self, response: Document) -> Values:
        """Convert the attributes, which are all text."""
        found = super().described(response)
        return {
            **found,
            **{
                name: found.get(name) == "true"
                for name in ("confirmationWasAuthenticated", "pendingConfirmation")
            },
        }

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change nothing: every input replaces the subscription."""

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Unsubscribe; one that nobody confirmed can't be, and ends by itself after two days.

        Source: resourceTopicSubscriptionDelete in hashicorp/terraform-provider-aws.
        """
        try:
            super().delete(request)
        except AwsError as error:
            if error.code not in {"InvalidParameter", "InvalidParameterException"} or (
                _PENDING not in str(error)
            ):
                raise

    def _confirmed(self, request: ResourceRequest[Aws]) -> bool | None:
        found = self.read(request)
        return True if found is not None and not found["pendingConfirmation"] else None
