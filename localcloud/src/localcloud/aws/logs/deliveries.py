"""Deliveries: which log groups receive the logs of other services' resources (vended logs)."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Source:
    """What sends a log.

    Attributes:
        resource_arn: the resource.
        log_type: the type of its log.
    """

    resource_arn: str
    log_type: str


@dataclass(kw_only=True)
class Deliveries:
    """The sources, the destinations and what connects them; used by several threads."""

    _sources: dict[str, Source] = field(default_factory=dict)
    _destinations: dict[str, str] = field(default_factory=dict)
    _deliveries: dict[str, tuple[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put_source(self, name: str, source: Source) -> None:
        """Add a source, or change it."""
        with self._lock:
            self._sources[name] = source

    def put_destination(self, name: str, group: str) -> None:
        """Add a destination, or change it.

        Args:
            name: its name.
            group: the log group's name.
        """
        with self._lock:
            self._destinations[name] = group

    def add(self, delivery: str, *, source: str, destination: str) -> None:
        """Connect a source with a destination, by their names."""
        with self._lock:
            self._deliveries[delivery] = (source, destination)

    def remove(self, delivery: str) -> None:
        """Remove a connection."""
        with self._lock:
            self._deliveries.pop(delivery, None)

    def remove_source(self, name: str) -> None:
        """Remove a source."""
        with self._lock:
            self._sources.pop(name, None)

    def remove_destination(self, name: str) -> None:
        """Remove a destination."""
        with self._lock:
            self._destinations.pop(name, None)

    def is_used(self, *, source: str | None = None, destination: str | None = None) -> bool:
        """Return whether a delivery has a source or a destination."""
        with self._lock:
            return any(
                source == each_source or destination == each_destination
                for each_source, each_destination in self._deliveries.values()
            )

    def name_of(self, source: Source) -> str | None:
        """Return the name of the source that a resource has for a type of log, if any."""
        with self._lock:
            return next((name for name, each in self._sources.items() if each == source), None)

    def groups(self, source: Source) -> list[str]:
        """Return the names of the log groups that receive a resource's log."""
        with self._lock:
            return list(self._groups(source))

    def _groups(self, wanted: Source) -> Iterator[str]:
        for source, destination in self._deliveries.values():
            if self._sources.get(source) == wanted and destination in self._destinations:
                yield self._destinations[destination]
