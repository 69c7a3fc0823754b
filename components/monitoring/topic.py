"""AlarmTopic: the topic that the alarms notify, with its subscriptions."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import policies
from components.context import StackContext


@dataclass(frozen=True, kw_only=True)
class AlarmTopicArgs:
    """What AlarmTopic needs.

    Attributes:
        context: what the stack's components share.
        region: where it is, if not in the stack's region.
    """

    context: StackContext
    region: str | None = None


class AlarmTopic(pulumi.ComponentResource):
    """The topic that the alarms notify (``neo4j-mcp:monitoring:AlarmTopic``).

    Creates the topic, the policy that lets the stack's alarms and its rule of failed deployments
    publish, and the subscriptions. Somebody has to confirm a subscription of an e-mail address or a
    URL. The topic isn't encrypted: alarms can't publish to one with SNS's own key, and messages
    contain no secret.

    Idle cost: none; messages are billed by number.

    Attributes:
        arn: the topic's ARN.
        name: the topic's name.
    """

    arn: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(
        self, name: str, args: AlarmTopicArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the topic."""
        super().__init__("neo4j-mcp:monitoring:AlarmTopic", name, None, opts)
        context = args.context
        topic = aws.sns.Topic(
            name,
            name=context.names.alarm_topic,
            region=args.region,
            tags=context.tags,
            opts=context.options(aws.sns.Topic, parent=self),
        )
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            region=args.region,
            policy=topic.arn.apply(
                lambda arn: policies.publish_alarms(
                    arn,
                    alarms=context.names.alarm("*"),
                    rule=context.names.failed_deployment_rule,
                )
            ),
            opts=context.options(aws.sns.TopicPolicy, parent=self),
        )
        for subscriber, subscription in context.settings.monitoring.subscriptions.items():
            endpoint: pulumi.Input[str] = subscription.endpoint
            if subscription.protocol == "https":
                # A URL often contains a key.
                endpoint = pulumi.Output.secret(subscription.endpoint)
            aws.sns.TopicSubscription(
                f"{name}-{subscriber}",
                topic=topic.arn,
                protocol=subscription.protocol,
                endpoint=endpoint,
                region=args.region,
                opts=context.options(aws.sns.TopicSubscription, parent=self),
            )
        # Nobody gets the ARN before alarms may publish.
        self.arn = pulumi.Output.all(topic.arn, policy.id).apply(lambda known: str(known[0]))
        self.name = topic.name
        self.register_outputs({"arn": self.arn})
