"""The metrics of functions and their URLs."""

from collections.abc import Iterable

from localcloud.aws.lambda_ import invocation_metrics
from localcloud.aws.metric_sender import DataPoint


def values(points: Iterable[DataPoint], **dimensions: str) -> dict[str, float]:
    wanted = tuple(sorted(dimensions.items()))
    return {point.name: point.value for point in points if point.dimensions == wanted}


def test_an_invocation_is_counted_for_all_functions_the_function_and_the_alias() -> None:
    points = invocation_metrics.of_invocation(
        "name:live", at=1.0, seconds=0.25, failed=True, in_flight=2
    )
    expected = {
        "Invocations": 1.0,
        "Errors": 1.0,
        "Throttles": 0.0,
        "Duration": 250.0,
        "ConcurrentExecutions": 2.0,
    }
    assert values(points) == expected
    assert values(points, FunctionName="name") == expected
    assert values(points, FunctionName="name", Resource="name:live") == expected
    assert {(point.namespace, point.at) for point in points} == {("AWS/Lambda", 1.0)}


def test_a_throttled_request_is_no_invocation_and_no_error() -> None:
    points = invocation_metrics.of_throttling("name", at=1.0)
    assert values(points, FunctionName="name", Resource="name") == {"Throttles": 1.0}


def test_requests_to_a_url_are_counted_by_the_class_of_their_status() -> None:
    for status, client_errors, server_errors in [(200, 0.0, 0.0), (429, 1.0, 0.0), (502, 0.0, 1.0)]:
        points = invocation_metrics.of_url_request("name", at=1.0, seconds=0.5, status=status)
        assert values(points, FunctionName="name") == {
            "UrlRequestCount": 1.0,
            "Url4xxCount": client_errors,
            "Url5xxCount": server_errors,
            "UrlRequestLatency": 500.0,
        }
