"""App Runner's log streams in CloudWatch Logs (developer guide, Viewing App Runner logs).

A service's events go to the stream `events` of its log group `service`, an operation's events to
`deployment/<operation id>` there, and an instance's output to `instance/<instance id>` of the log
group `application`.
"""

from localcloud.aws.account import Account
from localcloud.aws.apprunner.models import Operation, Service, now
from localcloud.aws.log_sender import LOG_FLUSH_PERIOD, LogSender


class ServiceLog:
    """A service's log."""

    def __init__(
        self, account: Account, service: Service, flush_period: float = LOG_FLUSH_PERIOD
    ) -> None:
        """Start with an empty log.

        Args:
            account: receives the events.
            service: the service.
            flush_period: seconds between two batches.
        """
        self._sender = LogSender(account.put_log_events, flush_period=flush_period)
        self._groups = f"/aws/apprunner/{service.name}/{service.id}"

    def event(self, text: str) -> None:
        """Log an event of the service."""
        self._sender.add(f"{self._groups}/service", "events", _with_time(text))

    def deployment(self, operation: Operation, text: str) -> None:
        """Log an event of an operation."""
        stream = f"deployment/{operation.id}"
        self._sender.add(f"{self._groups}/service", stream, _with_time(text))

    def output(self, instance_id: str, line: str) -> None:
        """Log a line of an instance's output; safe to call from any thread."""
        group, stream = f"{self._groups}/application", f"instance/{instance_id}"
        self._sender.add_from_thread(group, stream, line)

    async def close(self) -> None:
        """Send the remaining events, and stop."""
        await self._sender.close()


def _with_time(text: str) -> str:
    return f"{now():%m-%d-%Y %I:%M:%S %p} [AppRunner] {text}"
