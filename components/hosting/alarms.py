"""The alarms that several hosts have: one key, threshold and reason each, with a host's metrics.

Pure. A host whose service doesn't report a metric leaves the alarm out.
"""

from typing import Final

from components.monitoring.alarm import Alarm, Comparison, Metric, Severity, Subject

EVENTS_NAMESPACE: Final = "AWS/Events"
_MINUTES_5: Final = 300


def host_metric(
    namespace: str,
    subject: Subject,
    name: str,
    statistic: str,
    identifier: str = "m1",
    label: str = "",
) -> Metric:
    """Return a metric; a host's module binds its namespace and its subject."""
    return Metric(
        namespace=namespace,
        name=name,
        statistic=statistic,
        subject=subject,
        id=identifier,
        label=label,
    )


def error_rate(metrics: tuple[Metric, ...], expression: str) -> Alarm:
    """Return the alarm of the share of server errors, in percent."""
    return Alarm(
        key="service-errors",
        title="The service answers with server errors",
        severity=Severity.PAGE,
        metrics=metrics,
        expression=expression,
        comparison=Comparison.AT_LEAST,
        threshold=5,
        unit="percent of the requests",
        period=_MINUTES_5,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        affects_callers=True,
        meaning="Requests are answered with 5xx: instances fail, are missing or don't answer.",
        reason=(
            "One request in twenty is more than a deployment or a lost instance causes. 20 requests"
            " or fewer don't count, since one failure would be a large share of them."
        ),
        normal="None; the server answers failed tool calls with 200.",
    )


def throttled(metric: Metric) -> Alarm:
    """Return the alarm of requests that are refused with 429."""
    return Alarm(
        key="service-throttled",
        title="Requests are refused for lack of capacity",
        severity=Severity.PAGE,
        metrics=(metric,),
        comparison=Comparison.AT_LEAST,
        threshold=5,
        unit="refused requests",
        period=_MINUTES_5,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        affects_callers=True,
        meaning="All instances are busy, so further requests are answered with 429.",
        reason="The client library repeats a refused request, so single ones go unnoticed.",
        normal="None.",
    )


def high_latency(metric: Metric, *, threshold: float, unit: str) -> Alarm:
    """Return the alarm of slow calls.

    Args:
        threshold: half a minute, in the metric's unit.
        unit: the metric's unit.
    """
    return Alarm(
        key="high-latency",
        title="Calls take long",
        severity=Severity.TICKET,
        metrics=(metric,),
        comparison=Comparison.AT_LEAST,
        threshold=threshold,
        unit=f"{unit} (p90)",
        period=_MINUTES_5,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        meaning="One call in ten takes half a minute or longer.",
        reason="The server ends every call after 60 seconds; half of that is close to failing.",
        normal="Below a second, but for large queries.",
    )


def instances_at_maximum(metric: Metric, *, most: int) -> Alarm:
    """Return the alarm of a service that can't scale out any further.

    Args:
        most: the configured maximum of instances.
    """
    return Alarm(
        key="instances-at-maximum",
        title="The service can't scale out any further",
        severity=Severity.TICKET,
        metrics=(metric,),
        comparison=Comparison.AT_LEAST,
        threshold=most,
        unit="instances",
        period=_MINUTES_5,
        evaluation_periods=3,
        datapoints_to_alarm=3,
        meaning="As many instances run as maxInstances allows. More load makes calls slow or fail.",
        reason="Three periods in a row, because a short peak may use all of them.",
        normal="Fewer than maxInstances.",
    )


def cpu(metric: Metric) -> Alarm:
    """Return the alarm of busy processors."""
    return _usage(
        metric,
        key="high-cpu",
        title="The instances' processors are busy",
        meaning="The instances use most of their CPU, and scaling out doesn't relieve them.",
    )


def memory(metric: Metric) -> Alarm:
    """Return the alarm of full memory."""
    return _usage(
        metric,
        key="high-memory",
        title="The instances' memory is nearly full",
        meaning="The instances use most of their memory; one that needs more is killed.",
    )


def _usage(metric: Metric, *, key: str, title: str, meaning: str) -> Alarm:
    return Alarm(
        key=key,
        title=title,
        severity=Severity.TICKET,
        metrics=(metric,),
        comparison=Comparison.AT_LEAST,
        threshold=85,
        unit="percent",
        period=_MINUTES_5,
        evaluation_periods=3,
        datapoints_to_alarm=3,
        meaning=meaning,
        reason="Above 85 percent for a quarter of an hour, a peak finds no room.",
        normal="Below 50 percent.",
    )


def deployment_failed(afterwards: str) -> Alarm:
    """Return the alarm of a deployment that failed, also one that was rolled back.

    Args:
        afterwards: what the host does then, as a sentence.
    """
    return Alarm(
        key="deployment-failed",
        title="A deployment failed or was rolled back",
        severity=Severity.TICKET,
        metrics=(
            # Source: "Monitoring Amazon EventBridge" in the Amazon EventBridge User Guide.
            Metric(
                namespace=EVENTS_NAMESPACE,
                name="TriggeredRules",
                statistic="Sum",
                subject=Subject.DEPLOYMENTS,
            ),
        ),
        comparison=Comparison.AT_LEAST,
        threshold=1,
        unit="events",
        period=_MINUTES_5,
        evaluation_periods=1,
        datapoints_to_alarm=1,
        meaning=f"The host reports a failed deployment. {afterwards}",
        reason="Every failure counts, because `pulumi up` may report success.",
        normal="None.",
    )
