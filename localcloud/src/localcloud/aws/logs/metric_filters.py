"""The metric filters of all log groups, applied to what the log store receives."""

import threading
from collections.abc import Sequence

from localcloud.aws.logs.metric_filter import LogEvent, MetricFilter, data_points
from localcloud.aws.metric_sender import Publish


class MetricFilters:
    """The metric filters of one account in one region."""

    def __init__(self, publish: Publish) -> None:
        """Start without filters.

        Args:
            publish: called with new data points, from any thread.
        """
        self._publish = publish
        # Events arrive from the threads of functions too.
        self._lock = threading.Lock()
        self._by_group: dict[str, dict[str, MetricFilter]] = {}

    def of(self, group: str) -> dict[str, MetricFilter]:
        """Return a log group's filters by their names."""
        with self._lock:
            return dict(self._by_group.get(group, {}))

    def put(self, group: str, name: str, metric_filter: MetricFilter) -> None:
        """Store a filter, in place of an earlier one; it concerns events from now on."""
        with self._lock:
            self._by_group.setdefault(group, {})[name] = metric_filter

    def remove(self, group: str, name: str) -> None:
        """Forget a filter, if it exists."""
        with self._lock:
            self._by_group.get(group, {}).pop(name, None)

    def remove_group(self, group: str) -> None:
        """Forget all filters of a log group."""
        with self._lock:
            self._by_group.pop(group, None)

    def receive(self, group: str, events: Sequence[LogEvent]) -> None:
        """Publish the data points of new events."""
        filters = list(self.of(group).values())
        if filters:
            self._publish(data_points(filters, events))
