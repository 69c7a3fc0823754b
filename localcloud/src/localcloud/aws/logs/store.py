"""ministack's log store, as the stand-in's own code listens to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localcloud.aws.logs.metric_filter import LogEvent

Listener = Callable[[str, Sequence[LogEvent]], None]
"""Called with a log group and its new events, from any thread; must not raise."""
ListenToLogs = Callable[[Listener], None]


def listening(store: Any) -> ListenToLogs:  # noqa: ANN401 - a module without types
    """Return a function that reports all events that the store receives from now on.

    Those of Lambda functions get there without a request.

    Args:
        store: the module ministack.services.cloudwatch_logs.
    """

    def listen(listener: Listener) -> None:
        deliver = store._fanout_to_subscription_filters  # noqa: SLF001  all events pass here

        def deliver_and_report(
            group: str, stream: str, events: Sequence[Mapping[str, Any]]
        ) -> None:
            listener(
                group,
                [LogEvent(at=each["timestamp"] / 1000, message=each["message"]) for each in events],
            )
            deliver(group, stream, events)

        store._fanout_to_subscription_filters = deliver_and_report  # noqa: SLF001  the same

    return listen
