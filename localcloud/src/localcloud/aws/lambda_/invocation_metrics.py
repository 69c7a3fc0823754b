"""The metrics of functions and their URLs, as Lambda publishes them. Pure.

Source: "Types of metrics for Lambda functions" in the AWS Lambda Developer Guide: names, units and
dimensions. A throttled request is no invocation, and no error.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from localcloud.aws.metric_sender import DataPoint

NAMESPACE: Final = "AWS/Lambda"
_COUNT: Final = "Count"
_MILLISECONDS: Final = "Milliseconds"


def of_invocation(
    resource: str, *, at: float, seconds: float, failed: bool, in_flight: int
) -> list[DataPoint]:
    """Return the data points of an invocation.

    Args:
        resource: the function's name, with a colon and the version or alias if that was invoked.
        at: when it began, in seconds since the epoch.
        seconds: how long the handler ran.
        failed: whether it ended with an error or a timeout.
        in_flight: the function's invocations at its beginning, with itself.
    """
    return _data_points(
        resource,
        at,
        [
            ("Invocations", 1.0, _COUNT),
            ("Errors", float(failed), _COUNT),
            ("Throttles", 0.0, _COUNT),
            ("Duration", round(seconds * 1000, 2), _MILLISECONDS),
            ("ConcurrentExecutions", float(in_flight), _COUNT),
        ],
    )


def of_throttling(resource: str, *, at: float) -> list[DataPoint]:
    """Return the data points of a request that was throttled."""
    return _data_points(resource, at, [("Throttles", 1.0, _COUNT)])


def of_url_request(resource: str, *, at: float, seconds: float, status: int) -> list[DataPoint]:
    """Return the data points of a request to a function's URL."""
    return _data_points(
        resource,
        at,
        [
            ("UrlRequestCount", 1.0, _COUNT),
            ("Url4xxCount", float(status // 100 == 4), _COUNT),  # noqa: PLR2004 - the status's class
            ("Url5xxCount", float(status // 100 == 5), _COUNT),  # noqa: PLR2004 - the same
            ("UrlRequestLatency", round(seconds * 1000, 2), _MILLISECONDS),
        ],
    )


def _data_points(
    resource: str, at: float, values: Iterable[tuple[str, float, str]]
) -> list[DataPoint]:
    return [
        DataPoint(
            namespace=NAMESPACE, name=name, value=value, unit=unit, at=at, dimensions=dimensions
        )
        for name, value, unit in values
        for dimensions in _dimensions(resource)
    ]


def _dimensions(resource: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """List the dimensions of a metric: of all functions, the function, and what was invoked."""
    function = ("FunctionName", resource.partition(":")[0])
    yield ()
    yield (function,)
    yield function, ("Resource", resource)
