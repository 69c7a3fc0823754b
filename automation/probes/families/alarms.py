"""Probes of CloudWatch's alarms, metrics and metric math."""

import datetime as dt
from typing import Any, Final

from automation.cost.prices import ALARM_METRIC, COMPOSITE_ALARM, CUSTOM_METRIC
from automation.probes.families.secret_versions import HOURS_A_MONTH
from automation.probes.families.sources import DOC_CLOUDWATCH, REPORT, doc, model
from automation.probes.kinds import ALARM, NAMESPACE
from automation.probes.kinds import COMPOSITE_ALARM as COMPOSITE
from automation.probes.observations import ACCEPTED, UNDOCUMENTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

ALARMS: Final = Family("cloudwatch")
_ALARM_COST: Final = ALARM_METRIC.usd / HOURS_A_MONTH
_COMPOSITE_COST: Final = COMPOSITE_ALARM.usd / HOURS_A_MONTH
_METRIC_COST: Final = CUSTOM_METRIC.usd / HOURS_A_MONTH
_STATE_SECONDS: Final = 600.0
_METRIC_SECONDS: Final = 300.0
_PERIOD: Final = 60


def _alarm(box: Sandbox, suffix: str = "", **more: Any) -> str:  # noqa: ANN401 - boto3's
    """Create an alarm on a metric that nobody publishes, and return its name."""
    name = f"{box.name}{suffix}"
    box.owns(ALARM, name)
    box.client("cloudwatch").put_metric_alarm(
        **{
            "AlarmName": name,
            "Namespace": NAMESPACE,
            "MetricName": box.name,
            "Statistic": "Sum",
            "Period": _PERIOD,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            **more,
        }
    )
    return name


def _composite(box: Sandbox, rule: str) -> str:
    """Create a composite alarm, and return its name."""
    name = f"{box.name}-composite"
    box.owns(COMPOSITE, name)
    box.client("cloudwatch").put_composite_alarm(AlarmName=name, AlarmRule=rule)
    return name


def _described(box: Sandbox, name: str) -> dict[str, Any]:
    found = box.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    described: dict[str, Any] = found[0]
    return described


@ALARMS.probe(
    "alarm-defaults",
    rows=["What an alarm has that isn't set"],
    documented={
        "ActionsEnabled": True,
        "TreatMissingData": UNDOCUMENTED,
        "DatapointsToAlarm": UNDOCUMENTED,
        "StateValue": "INSUFFICIENT_DATA",
        "Dimensions": [],
    },
    source=doc(f"{DOC_CLOUDWATCH}/APIReference/API_PutMetricAlarm.html"),
    cost=_ALARM_COST,
)
def _defaults(box: Sandbox) -> Observation:
    """What does DescribeAlarms show of what PutMetricAlarm didn't set?"""
    found = _described(box, _alarm(box))
    return {
        "ActionsEnabled": found.get("ActionsEnabled"),
        "TreatMissingData": found.get("TreatMissingData"),
        "DatapointsToAlarm": found.get("DatapointsToAlarm"),
        "StateValue": found["StateValue"],
        "Dimensions": found.get("Dimensions"),
    }


@ALARMS.probe(
    "alarm-missing-data",
    rows=["Missing data points of an alarm"],
    documented={
        "breaching": "ALARM",
        "notBreaching": "OK",
        "ignore": "INSUFFICIENT_DATA",
        "missing": "INSUFFICIENT_DATA",
    },
    source=doc(f"{DOC_CLOUDWATCH}/monitoring/alarms-and-missing-data.html"),
    seconds=180,
    cost=4 * _ALARM_COST,
)
def _missing_data(box: Sandbox) -> Observation:
    """In which state is an alarm on a metric without any data?"""
    treatments = ("breaching", "notBreaching", "ignore", "missing")
    names = {each: _alarm(box, f"-{each}", TreatMissingData=each) for each in treatments}

    def states() -> dict[str, str]:
        return {each: _described(box, name)["StateValue"] for each, name in names.items()}

    # Once these two are evaluated, the others are, which stay as they were created.
    box.until(
        lambda: (
            (now := states())["breaching"] != "INSUFFICIENT_DATA"
            and now["notBreaching"] != "INSUFFICIENT_DATA"
        ),
        _STATE_SECONDS,
        "an evaluation",
    )
    return states()


@ALARMS.probe(
    "alarm-state-by-hand",
    rows=["State that was set by hand"],
    documented={"missing alarm": "ResourceNotFound", "set": "ALARM", "later": "OK"},
    source=doc(f"{DOC_CLOUDWATCH}/APIReference/API_SetAlarmState.html"),
    seconds=240,
    cost=_ALARM_COST,
)
def _state_by_hand(box: Sandbox) -> Observation:
    """Does an alarm return to its actual state after SetAlarmState?"""
    client = box.client("cloudwatch")
    name = _alarm(box, TreatMissingData="notBreaching")
    box.until(lambda: _described(box, name)["StateValue"] == "OK", _STATE_SECONDS, "OK")

    def states() -> list[str]:
        history = client.describe_alarm_history(
            AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
        )["AlarmHistoryItems"]
        return [each["HistorySummary"].rpartition(" ")[2] for each in history]

    before = len(states())
    missing = box.outcome(
        lambda: client.set_alarm_state(
            AlarmName=f"{name}-missing", StateValue="ALARM", StateReason="probe"
        )
    )
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="probe")
    seen = box.until(
        lambda: now if len(now := states()[before:]) > 1 else [], _STATE_SECONDS, "a return"
    )
    return {"missing alarm": missing, "set": seen[0], "later": seen[1]}


@ALARMS.probe(
    "composite-alarms",
    rows=[
        "Deleting an alarm of a composite alarm",
        "Composite alarm on an alarm that doesn't exist",
        "Composite alarm and its children in one DeleteAlarms",
    ],
    documented={
        "missing child": "ValidationError",
        "child deleted": "ValidationError",
        "both deleted": UNDOCUMENTED,
    },
    source=REPORT,
    seconds=10,
    cost=_COMPOSITE_COST + _ALARM_COST,
)
def _composites(box: Sandbox) -> Observation:
    """How is a composite alarm's child protected?"""
    client = box.client("cloudwatch")
    missing = box.outcome(lambda: _composite(box, f'ALARM("{box.name}-missing")'))
    child = _alarm(box)
    parent = _composite(box, f'ALARM("{child}")')
    return {
        "missing child": missing,
        "child deleted": box.outcome(lambda: client.delete_alarms(AlarmNames=[child])),
        "both deleted": box.outcome(lambda: client.delete_alarms(AlarmNames=[parent, child])),
    }


@ALARMS.probe(
    "cloudwatch-error-codes",
    rows=["Error codes of CloudWatch"],
    documented={
        "missing dashboard": "ResourceNotFound",
        "period of 7 seconds": "ValidationError",
        "unknown comparison": "ValidationError",
    },
    source=model("cloudwatch"),
)
def _error_codes(box: Sandbox) -> Observation:
    """Which codes do CloudWatch's errors have?"""
    client = box.client("cloudwatch")
    return {
        "missing dashboard": box.outcome(lambda: client.get_dashboard(DashboardName=box.name)),
        "period of 7 seconds": box.outcome(lambda: _alarm(box, Period=7)),
        "unknown comparison": box.outcome(lambda: _alarm(box, ComparisonOperator="Other")),
    }


def _publish(box: Sandbox, *values: float) -> dt.datetime:
    """Publish values of a minute that is over, and return that minute."""
    minute = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0) - dt.timedelta(minutes=2)
    box.client("cloudwatch").put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[{"MetricName": box.name, "Timestamp": minute, "Values": list(values)}],
    )
    return minute


def _query(identity: str, name: str, statistic: str, period: int = _PERIOD) -> dict[str, Any]:
    metric = {"Namespace": NAMESPACE, "MetricName": name}
    return {
        "Id": identity,
        "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic},
    }


@ALARMS.probe(
    "metric-percentiles",
    rows=["Percentiles", "Metrics with different periods in one request or alarm"],
    documented={
        "p50 of 1, 2, 3 and 4": UNDOCUMENTED,
        "p90": UNDOCUMENTED,
        "different periods": ACCEPTED,
    },
    source=doc(f"{DOC_CLOUDWATCH}/APIReference/API_GetMetricData.html"),
    seconds=180,
    cost=_METRIC_COST,
    differs=["different periods"],
)
def _percentiles(box: Sandbox) -> Observation:
    """How are percentiles of few values interpolated, and may periods differ in one request?"""
    client = box.client("cloudwatch")
    minute = _publish(box, 1.0, 2.0, 3.0, 4.0)

    def get(*queries: dict[str, Any]) -> dict[str, list[float]]:
        found = client.get_metric_data(
            MetricDataQueries=list(queries),
            StartTime=minute,
            EndTime=minute + dt.timedelta(minutes=1),
        )["MetricDataResults"]
        return {each["Id"]: list(each["Values"]) for each in found}

    half, most = _query("half", box.name, "p50"), _query("most", box.name, "p90")
    seen = box.until(
        lambda: now if (now := get(half, most))["half"] else {}, _METRIC_SECONDS, "the metric"
    )
    hourly = _query("hourly", box.name, "Sum", 3600)
    return {
        "p50 of 1, 2, 3 and 4": seen["half"][0],
        "p90": seen["most"][0] if seen["most"] else None,
        "different periods": box.outcome(get, half, hourly),
    }


@ALARMS.probe(
    "metric-math-without-data",
    rows=[
        "Metric without any data, combined with one that has data",
        "Metrics of an expression that all have no data",
        "Missing values in a condition of metric math",
    ],
    documented={
        "sum with one without data": ["2.0"],
        "difference": ["2.0"],
        "SUM of both": UNDOCUMENTED,
        "FILL of one without data": UNDOCUMENTED,
        "both without data": UNDOCUMENTED,
        "condition that is true": ["5.0"],
        "condition without data": UNDOCUMENTED,
    },
    source=doc(f"{DOC_CLOUDWATCH}/monitoring/using-metric-math.html"),
    seconds=180,
    cost=_METRIC_COST,
)
def _metric_math(box: Sandbox) -> Observation:
    """What are the values of expressions with metrics that have no data?"""
    client = box.client("cloudwatch")
    minute = _publish(box, 2.0)
    expressions = {
        "sum with one without data": "present + absent",
        "difference": "present - absent",
        "SUM of both": "SUM([present, absent])",
        "FILL of one without data": "FILL(absent, 7)",
        "both without data": "absent + missing",
        "condition that is true": "IF(present > 1, 5)",
        "condition without data": "IF(absent > 1, 5)",
    }
    queries = [
        {"Id": f"e{number}", "Expression": each} for number, each in enumerate(expressions.values())
    ]
    metrics = [
        {**_query(identity, name, "Sum"), "ReturnData": identity == "present"}
        for identity, name in (
            ("present", box.name),
            ("absent", f"{box.name}-absent"),
            ("missing", f"{box.name}-missing"),
        )
    ]

    def values() -> dict[str, list[float]]:
        found = client.get_metric_data(
            MetricDataQueries=[*metrics, *queries],
            StartTime=minute,
            EndTime=minute + dt.timedelta(minutes=1),
        )["MetricDataResults"]
        return {each["Id"]: list(each["Values"]) for each in found}

    seen = box.until(
        lambda: now if (now := values())["present"] else {}, _METRIC_SECONDS, "the metric"
    )
    return {
        name: [str(each) for each in seen.get(f"e{number}", [])]
        for number, name in enumerate(expressions)
    }
