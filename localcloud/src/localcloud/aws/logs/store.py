"""ministack's log store, for the stand-in's own code."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localcloud.aws.logs.metric_filter import LogEvent
from localcloud.aws.logs.patterns import parse_pattern

Listener = Callable[[str, Sequence[LogEvent]], None]
"""Called with a log group and its new events, from any thread; must not raise."""


class LogStore:
    """The log groups that ministack keeps, and their events."""

    def __init__(self, store: Any) -> None:  # noqa: ANN401 - a module without types
        """Let ministack read filter patterns as CloudWatch Logs does.

        Args:
            store: the module ministack.services.cloudwatch_logs.
        """
        self._store = store
        store._compile_filter_pattern = _matcher  # noqa: SLF001  ministack publishes no such place

    def listen(self, listener: Listener) -> None:
        """Report all events that the store receives from now on.

        Those of Lambda functions get there without a request.
        """
        deliver = self._store._fanout_to_subscription_filters  # noqa: SLF001  all events pass here

        def deliver_and_report(
            group: str, stream: str, events: Sequence[Mapping[str, Any]]
        ) -> None:
            listener(
                group,
                [LogEvent(at=each["timestamp"] / 1000, message=each["message"]) for each in events],
            )
            deliver(group, stream, events)

        self._store._fanout_to_subscription_filters = deliver_and_report  # noqa: SLF001  the same

    def append(self, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        """Add events; the group and the stream are created if they are missing."""
        names = {"logGroupName": group, "logStreamName": stream}
        entries = [{"timestamp": int(each.at * 1000), "message": each.message} for each in events]
        # What exists already is refused, without an exception.
        self._store._create_log_group({"logGroupName": group})  # noqa: SLF001  the same
        self._store._create_log_stream(names)  # noqa: SLF001  the same
        self._store._put_log_events({**names, "logEvents": entries})  # noqa: SLF001  the same

    def has(self, group: str) -> bool:
        """Return whether a log group exists."""
        return group in self._store._log_groups  # noqa: SLF001  the same

    def set_key(self, group: str, key: str | None) -> None:
        """Change the ARN of the key that encrypts a log group."""
        self._store._log_groups[group]["kmsKeyId"] = key  # noqa: SLF001  the same


def _matcher(text: str) -> Callable[[str], bool]:
    """Return whether events match a pattern, which `app` has found to be valid."""
    pattern = parse_pattern(text or "")
    return lambda message: pattern.match(message) is not None
