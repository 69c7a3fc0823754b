import datetime as dt

from localcloud.aws.ecs.metrics import service_metrics

_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_metrics_have_the_names_and_dimensions_of_ecs() -> None:
    cpu, memory = service_metrics("c", "s", [(10, 20), (30, 40)], _AT)
    dimensions = [{"Name": "ClusterName", "Value": "c"}, {"Name": "ServiceName", "Value": "s"}]
    assert (cpu["MetricName"], memory["MetricName"]) == ("CPUUtilization", "MemoryUtilization")
    assert cpu["Dimensions"] == memory["Dimensions"] == dimensions
    assert (cpu["Values"], memory["Values"]) == ([10, 30], [20, 40])
    assert cpu["Unit"] == "Percent"


def test_a_service_without_tasks_has_no_metrics() -> None:
    assert service_metrics("c", "s", [], _AT) == []
