"""What a stack's monitoring adds to the permissions of the pipelines' roles. Pure."""

from collections.abc import Iterator, Sequence

from automation.grants import (
    Grant,
    StackLocation,
    function_grant,
    log_grants,
    role_grants,
    rule_grant,
)
from components import policies
from components.edge_alarms import REGION as EDGE_REGION


def monitoring_grants(location: StackLocation, server_logs: Sequence[str]) -> Iterator[Grant]:
    """Return the grants on the canary, the alarms, their topic and the dashboard.

    Args:
        server_logs: ARN patterns of the log groups that the server can write to.
    """
    names = location.names
    yield from role_grants(location, [names.canary_function], [policies.LAMBDA])
    yield function_grant(location, [names.canary_function])
    yield from log_grants(location.log_group_arns(names.canary_log_stem))
    yield rule_grant(location, [names.canary_rule, names.failed_deployment_rule])
    yield from _alarms(location)
    yield from _topics(location)
    yield Grant(
        sid="Dashboard",
        resources=[f"arn:aws:cloudwatch::{location.account}:dashboard/{names.dashboard}"],
        read=["cloudwatch:GetDashboard"],
        write=["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"],
    )
    yield Grant(
        sid="MetricFilters",
        resources=[*location.log_group_arns(names.claims_log_stem), *server_logs],
        read=["logs:DescribeMetricFilters"],
        write=["logs:DeleteMetricFilter", "logs:PutMetricFilter"],
    )
    # None can be limited to a resource: who may describe only some alarms gets no composite ones.
    yield Grant(
        sid="ReadMetrics",
        resources=["*"],
        read=["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"],
    )


def _alarms(location: StackLocation) -> Iterator[Grant]:
    alarms = _in_both_regions(location, "cloudwatch", f"alarm:{location.names.alarm('*')}")
    yield Grant(
        sid="Alarms",
        resources=alarms,
        read=["cloudwatch:ListTagsForResource"],
        write=[
            "cloudwatch:DeleteAlarms",
            "cloudwatch:PutCompositeAlarm",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ],
    )
    # Muting the stack's alarms during a deployment, and no others.
    rules = _in_both_regions(location, "cloudwatch", f"alarm-mute-rule:{location.names.mute_rule}")
    yield Grant(
        sid="MuteAlarms",
        resources=[*rules, *alarms],
        read=["cloudwatch:GetAlarmMuteRule"],
        write=["cloudwatch:DeleteAlarmMuteRule", "cloudwatch:PutAlarmMuteRule"],
    )


def _topics(location: StackLocation) -> Iterator[Grant]:
    yield Grant(
        sid="AlarmTopic",
        resources=_in_both_regions(location, "sns", location.names.alarm_topic),
        read=[
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
        ],
        write=[
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:SetTopicAttributes",
            "sns:Subscribe",
            "sns:TagResource",
            "sns:UntagResource",
        ],
    )
    # Neither can be limited to a topic. Source: "Actions, resources, and condition keys for Amazon
    # SNS" in the Service Authorization Reference.
    yield Grant(
        sid="Subscriptions",
        resources=["*"],
        read=["sns:GetSubscriptionAttributes"],
        write=["sns:Unsubscribe"],
    )


def _in_both_regions(location: StackLocation, service: str, resource: str) -> list[str]:
    """Return the ARNs of a resource in the stack's region and in that of the edge's metrics."""
    regions = dict.fromkeys((location.region, EDGE_REGION))
    return [f"arn:aws:{service}:{region}:{location.account}:{resource}" for region in regions]
