"""CloudWatch: metric alarms, composite alarms and dashboards.

Sources: the Amazon CloudWatch API reference, and the schemas of aws_cloudwatch_metric_alarm,
aws_cloudwatch_composite_alarm and aws_cloudwatch_dashboard for the changes that force a
replacement.
"""

from typing import Any, ClassVar, Final

from localcloud.providers.aws.clients import Aws, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsRequest,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.schema import (
    Kind,
    Properties,
    Property,
    ResourceRequest,
    unsupported,
)
from localcloud.providers.values import Values

_NOT_FOUND: Final = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
_ACTIONS: Final = Property(kind=Kind.SET, items=Property())
# AWS has a list of pairs, Pulumi a map; the endpoint checks the pairs.
_DIMENSIONS: Final = Property(kind=Kind.MAP, items=Property(), unchecked=True)
_QUERY: Final = Property(
    kind=Kind.OBJECT,
    properties={
        "id": Property(required=True),
        "expression": Property(),
        "label": Property(),
        "metric": Property(
            kind=Kind.OBJECT,
            aws="MetricStat",
            properties={
                "dimensions": Property(
                    kind=Kind.MAP, items=Property(), aws="Metric.Dimensions", unchecked=True
                ),
                "metricName": Property(required=True, aws="Metric.MetricName"),
                "namespace": Property(aws="Metric.Namespace"),
                "period": Property(kind=Kind.INTEGER, required=True),
                "stat": Property(required=True),
                "unit": Property(),
            },
        ),
        "period": Property(kind=Kind.INTEGER),
        "returnData": Property(kind=Kind.BOOLEAN, default=False),
        **unsupported("accountId"),
    },
)


def _pairs(dimensions: Document) -> list[Document]:
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]


def _map(dimensions: list[Document]) -> Document:
    return {each["Name"]: each["Value"] for each in dimensions}


def _queried(queries: list[Document]) -> list[dict[str, Any]]:
    """Return the metrics of the queries that have one."""
    return [each["MetricStat"]["Metric"] for each in queries if "MetricStat" in each]


class MetricAlarm(AwsResource):
    """aws:cloudwatch/metricAlarm:MetricAlarm."""

    token = "aws:cloudwatch/metricAlarm:MetricAlarm"  # noqa: S105  # a Pulumi type
    service = "cloudwatch"
    autonamed = "name"
    not_found_codes = _NOT_FOUND
    creates = Operation(name="PutMetricAlarm")
    reads = Operation(name="DescribeAlarms", result="MetricAlarms")
    updates = Operation(name="PutMetricAlarm")
    deletes = Operation(name="DeleteAlarms")
    id_members = ("AlarmName",)
    tagging = Tagging(resource="ResourceARN")
    handled = HANDLED | {"dimensions", "metricQueries"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="AlarmName"),
        "actionsEnabled": Property(kind=Kind.BOOLEAN, default=True),
        "alarmActions": _ACTIONS,
        "alarmDescription": Property(),
        # The real provider accepts the criteria of another kind of alarm instead.
        "comparisonOperator": Property(required=True),
        "datapointsToAlarm": Property(kind=Kind.INTEGER),
        "dimensions": _DIMENSIONS,
        "evaluateLowSampleCountPercentiles": Property(
            computed=True, aws="EvaluateLowSampleCountPercentile"
        ),
        "evaluationPeriods": Property(kind=Kind.INTEGER, required=True),
        "extendedStatistic": Property(),
        "insufficientDataActions": _ACTIONS,
        "metricName": Property(),
        "metricQueries": Property(kind=Kind.SET, items=_QUERY, aws="Metrics"),
        "namespace": Property(),
        "okActions": Property(kind=Kind.SET, items=Property(), aws="OKActions"),
        "period": Property(kind=Kind.INTEGER),
        "statistic": Property(),
        "threshold": Property(kind=Kind.NUMBER),
        "treatMissingData": Property(default="missing"),
        "unit": Property(),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="AlarmArn"),
        **unsupported(
            "evaluationCriteria",
            "evaluationInterval",
            "evaluationWindow",
            "thresholdMetricId",
            "warmUpConfiguration",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the alarm, alone or in a list."""
        return {
            "AlarmName": request.id,
            "AlarmNames": [request.id],
            "AlarmTypes": ["MetricAlarm"],
        }

    def described(self, response: Document) -> Values:
        """Convert the dimensions to maps; those of a single metric are apart from the queries'."""
        converted = {**response, "Dimensions": _map(response.get("Dimensions", []))}
        converted["Metrics"] = [
            {
                **each,
                "MetricStat": {
                    **each["MetricStat"],
                    "Metric": {
                        **each["MetricStat"]["Metric"],
                        "Dimensions": _map(each["MetricStat"]["Metric"].get("Dimensions", [])),
                    },
                },
            }
            if "MetricStat" in each
            else each
            for each in response.get("Metrics", [])
        ]
        return super().described(converted)

    def _parameters(self, request: AwsRequest, operation: Operation, inputs: Values) -> Document:
        parameters = super()._parameters(request, operation, inputs)
        for metric in (parameters, *_queried(parameters.get("Metrics", []))):
            if "Dimensions" in metric:
                metric["Dimensions"] = _pairs(metric["Dimensions"])
        return parameters


class CompositeAlarm(AwsResource):
    """aws:cloudwatch/compositeAlarm:CompositeAlarm."""

    token = "aws:cloudwatch/compositeAlarm:CompositeAlarm"  # noqa: S105  # a Pulumi type
    service = "cloudwatch"
    not_found_codes = _NOT_FOUND
    creates = Operation(name="PutCompositeAlarm")
    reads = Operation(name="DescribeAlarms", result="CompositeAlarms")
    updates = Operation(name="PutCompositeAlarm")
    deletes = Operation(name="DeleteAlarms")
    id_members = ("AlarmName",)
    tagging = Tagging(resource="ResourceARN")
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "alarmName": Property(required=True, force_new=True),
        "alarmRule": Property(required=True),
        "actionsEnabled": Property(kind=Kind.BOOLEAN, default=True, force_new=True),
        "alarmActions": _ACTIONS,
        "alarmDescription": Property(),
        "insufficientDataActions": _ACTIONS,
        "okActions": Property(kind=Kind.SET, items=Property(), aws="OKActions"),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="AlarmArn"),
        **unsupported("actionsSuppressor"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the alarm, alone or in a list."""
        return {
            "AlarmName": request.id,
            "AlarmNames": [request.id],
            "AlarmTypes": ["CompositeAlarm"],
        }


class Dashboard(AwsResource):
    """aws:cloudwatch/dashboard:Dashboard."""

    token = "aws:cloudwatch/dashboard:Dashboard"  # noqa: S105  # a Pulumi type
    service = "cloudwatch"
    not_found_codes = _NOT_FOUND
    creates = Operation(name="PutDashboard")
    reads = Operation(name="GetDashboard")
    updates = Operation(name="PutDashboard")
    deletes = Operation(name="DeleteDashboards")
    id_members = ("DashboardName",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "dashboardName": Property(required=True, force_new=True),
        "dashboardBody": Property(kind=Kind.JSON, required=True),
        "region": REGION,
        "dashboardArn": Property(output=True),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the dashboard, alone or in a list."""
        return {"DashboardName": request.id, "DashboardNames": [request.id]}
