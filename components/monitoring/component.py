"""Monitoring: the alarms, their topic and the dashboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import StackContext
from components.edge_alarms import REGION as EDGE_REGION
from components.monitoring.alarm import CALLERS_AFFECTED, RUNBOOK, Alarm, Metric, Subject
from components.monitoring.alarms import callers_affected_rule, stack_alarms
from components.monitoring.dashboard import DashboardFacts, dashboard_body
from components.monitoring.metric_filters import (
    CLIENT_DIMENSION,
    failed_calls_filter,
    tokens_filter,
)
from components.monitoring.subjects import Dimensions
from components.monitoring.topic import AlarmTopic, AlarmTopicArgs

_RESULT = "result"


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What Monitoring needs.

    Attributes:
        context: what the stack's components share.
        dimensions: the dimensions of all metrics, by what they are of.
        failed_deployments: the pattern of the events of a failed deployment, as JSON; None for a
            host without them.
        server_log: name of the log group that the server writes to.
        claims_log: name of the claims function's log group.
        client_ids: the clients' ids at Cognito, by the clients' names.
    """

    context: StackContext
    dimensions: Mapping[Subject, Dimensions]
    failed_deployments: pulumi.Output[str] | None
    server_log: pulumi.Output[str]
    claims_log: pulumi.Output[str]
    client_ids: Mapping[str, pulumi.Output[str]]


class Monitoring(pulumi.ComponentResource):
    """The alarms of a stack, their topic and the dashboard (``neo4j-mcp:monitoring:Monitoring``).

    Creates an alarm for each of `components.monitoring.alarms`, the composite alarm that callers
    are affected, the topic that all of them notify (when they are raised and when they end), the
    rule of failed deployments, the metric filters of the server's and of the claims function's
    logs, and the dashboard. CloudFront's metrics are in us-east-1, so in a stack elsewhere the
    edge's alarm and a second topic are there.

    Nothing of it is protected, so that monitoring can be switched off.

    Idle cost: 0.10 USD a month for each alarm, 0.50 USD for the composite one, 0.30 USD for each
    metric of a log, and 3 USD for a dashboard after the account's third.

    Attributes:
        outputs: the stack's outputs that only stacks with monitoring have.
    """

    outputs: Mapping[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the alarms and what they need."""
        super().__init__("neo4j-mcp:monitoring:Monitoring", name, None, opts)
        context = args.context
        topic = AlarmTopic(
            f"{name}-topic", AlarmTopicArgs(context=context), pulumi.ResourceOptions(parent=self)
        )
        dimensions = dict(args.dimensions)
        if args.failed_deployments is not None:
            dimensions[Subject.DEPLOYMENTS] = self._deployments(
                context, args.failed_deployments, topic
            )
        # Counts without a dimension: the namespace names the service.
        dimensions[Subject.TOOL_CALLS] = {}
        failed_calls_filter(f"{name}-failed-calls", context, log_group=args.server_log, parent=self)
        tokens_filter(f"{name}-tokens", context, log_group=args.claims_log, parent=self)
        alarms = tuple(stack_alarms(context.settings, context.names.service_dimension))
        declared = {
            each.name: self._alarm(args, each, dimensions, self._topic_of(context, each, topic))
            for each in alarms
        }
        affected = self._callers_affected(context, alarms, declared, topic)
        dashboard = self._dashboard(args, alarms, dimensions, [affected.arn, *_arns(declared)])
        self.outputs = {"alarmTopicArn": topic.arn, "dashboard": dashboard.dashboard_name}
        self.register_outputs({"alarmTopicArn": topic.arn})

    def _topic_of(self, context: StackContext, alarm: Alarm, topic: AlarmTopic) -> AlarmTopic:
        """Return the topic in the alarm's region, since an alarm can notify no other."""
        if _region_of(alarm) is None:
            return topic
        return AlarmTopic(
            f"{self.pulumi_resource_name}-edge-topic",
            AlarmTopicArgs(context=context, region=EDGE_REGION),
            pulumi.ResourceOptions(parent=self),
        )

    def _alarm(
        self,
        args: MonitoringArgs,
        alarm: Alarm,
        dimensions: Mapping[Subject, Dimensions],
        topic: AlarmTopic,
    ) -> aws.cloudwatch.MetricAlarm:
        context = args.context
        single = alarm.metrics[0] if alarm.expression is None else None
        description: pulumi.Input[str] = alarm.description
        if alarm.client:
            client_id = args.client_ids[alarm.client]
            dimensions = {**dimensions, Subject.CLIENT: {CLIENT_DIMENSION: client_id}}
            description = pulumi.Output.concat(
                alarm.description, "\nClient: ", alarm.client, ", whose id is ", client_id
            )
        return aws.cloudwatch.MetricAlarm(
            f"{self.pulumi_resource_name}-{alarm.name}",
            name=context.names.alarm(alarm.name),
            alarm_description=description,
            comparison_operator=alarm.comparison.value,
            threshold=alarm.threshold,
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=alarm.datapoints_to_alarm,
            treat_missing_data=alarm.missing_data.value,
            namespace=single.namespace if single else None,
            metric_name=single.name if single else None,
            dimensions=dimensions[single.subject] if single else None,
            period=alarm.period if single else None,
            statistic=single.statistic if single and not single.is_percentile else None,
            extended_statistic=single.statistic if single and single.is_percentile else None,
            metric_queries=None if single else list(_queries(alarm, dimensions)),
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
            region=_region_of(alarm),
            tags=context.tags,
            opts=context.options(aws.cloudwatch.MetricAlarm, parent=self),
        )

    def _callers_affected(
        self,
        context: StackContext,
        alarms: Iterable[Alarm],
        declared: Mapping[str, aws.cloudwatch.MetricAlarm],
        topic: AlarmTopic,
    ) -> aws.cloudwatch.CompositeAlarm:
        children = [each for each in alarms if each.affects_callers]
        titles = "\n".join(f"- {each.title} ({each.key})" for each in children)
        return aws.cloudwatch.CompositeAlarm(
            f"{self.pulumi_resource_name}-{CALLERS_AFFECTED}",
            alarm_name=context.names.alarm(CALLERS_AFFECTED),
            alarm_description=(
                f"[page] Callers are affected. At least one of these alarms is raised:\n{titles}\n"
                f"Runbook: {RUNBOOK}#{CALLERS_AFFECTED}"
            ),
            alarm_rule=pulumi.Output.all(*(declared[each.name].name for each in children)).apply(
                callers_affected_rule
            ),
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
            tags=context.tags,
            opts=context.options(aws.cloudwatch.CompositeAlarm, parent=self),
        )

    def _deployments(
        self, context: StackContext, pattern: pulumi.Output[str], topic: AlarmTopic
    ) -> Dimensions:
        """Find events of failed deployments, and send them to the topic: they have the reason.

        Returns:
            The dimensions of the rule's metrics.
        """
        name = f"{self.pulumi_resource_name}-failed-deployments"
        rule = aws.cloudwatch.EventRule(
            name,
            name=context.names.failed_deployment_rule,
            description="Finds failed deployments",
            event_pattern=pattern,
            state="ENABLED",
            tags=context.tags,
            opts=context.options(aws.cloudwatch.EventRule, parent=self),
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            target_id="alarms",
            arn=topic.arn,
            opts=context.options(aws.cloudwatch.EventTarget, parent=self),
        )
        return {"RuleName": rule.name}

    def _dashboard(
        self,
        args: MonitoringArgs,
        alarms: Sequence[Alarm],
        dimensions: Mapping[Subject, Dimensions],
        alarm_arns: Sequence[pulumi.Output[str]],
    ) -> aws.cloudwatch.Dashboard:
        context = args.context
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        facts = pulumi.Output.all(
            region=region,
            dimensions=pulumi.Output.all(**{each.name: of for each, of in dimensions.items()}),
            clients=pulumi.Output.all(**args.client_ids),
            alarms=pulumi.Output.all(*alarm_arns),
        )
        return aws.cloudwatch.Dashboard(
            f"{self.pulumi_resource_name}-dashboard",
            dashboard_name=context.names.dashboard,
            dashboard_body=facts.apply(
                lambda known: dashboard_body(
                    alarms,
                    DashboardFacts(
                        service=context.names.service_dimension,
                        region=known["region"],
                        dimensions={Subject[name]: of for name, of in known["dimensions"].items()},
                        client_ids=known["clients"],
                        alarm_arns=tuple(known["alarms"]),
                    ),
                )
            ),
            opts=context.options(aws.cloudwatch.Dashboard, parent=self),
        )


def _region_of(alarm: Alarm) -> str | None:
    """Return the alarm's region; None for the stack's own."""
    return EDGE_REGION if alarm.is_of_edge and aws.config.region != EDGE_REGION else None


def _arns(declared: Mapping[str, aws.cloudwatch.MetricAlarm]) -> Iterable[pulumi.Output[str]]:
    return (each.arn for each in declared.values())


def _queries(
    alarm: Alarm, dimensions: Mapping[Subject, Dimensions]
) -> Iterable[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    yield aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=_RESULT, expression=alarm.expression, label=alarm.title, return_data=True
    )
    for metric in alarm.metrics:
        yield aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=metric.id,
            return_data=False,
            metric=_statistic(metric, alarm.period, dimensions[metric.subject]),
        )


def _statistic(
    metric: Metric, period: int, dimensions: Dimensions
) -> aws.cloudwatch.MetricAlarmMetricQueryMetricArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
        namespace=metric.namespace,
        metric_name=metric.name,
        dimensions=dimensions,
        period=period,
        stat=metric.statistic,
    )
