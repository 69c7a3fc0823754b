import asyncio
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import pytest

from aws.apprunner.conftest import until
from localcloud.aws.apprunner.logs import ServiceLog
from localcloud.aws.apprunner.models import Operation, OperationType, Service

if TYPE_CHECKING:
    from localcloud.aws.account import Account


class FakeAccount:
    """Receives log events, or fails."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, str], list[str]] = {}
        self.calls = 0
        self.fails = False

    async def put_log_events(
        self, group: str, stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        self.calls += 1
        if self.fails:
            raise OSError("no")
        self.streams.setdefault((group, stream), []).extend(message for _, message in events)


@pytest.fixture
def account() -> FakeAccount:
    return FakeAccount()


def log_of(account: FakeAccount) -> ServiceLog:
    service = Service(
        name="s", arn="arn", url="localhost:1", id="1d", configuration=cast("Any", None)
    )
    return ServiceLog(cast("Account", account), service, flush_period=0.05)


async def test_events_go_to_the_streams_of_app_runner(account: FakeAccount) -> None:
    log = log_of(account)
    operation = Operation(kind=OperationType.CREATE_SERVICE, target_arn="arn")
    log.event("Service creation started.")
    log.deployment(operation, "Starting to pull your application image.")
    for line in range(2500):
        await asyncio.to_thread(log.output, "i1", f"line {line}")
    await log.close()
    [event] = account.streams["/aws/apprunner/s/1d/service", "events"]
    assert re.fullmatch(
        r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d [AP]M \[AppRunner\] Service creation started\.", event
    )
    assert len(account.streams["/aws/apprunner/s/1d/service", f"deployment/{operation.id}"]) == 1
    lines = account.streams["/aws/apprunner/s/1d/application", "instance/i1"]
    assert lines == [f"line {line}" for line in range(2500)]
    assert account.calls < 100


async def test_events_that_are_lost_do_not_stop_the_log(account: FakeAccount) -> None:
    log = log_of(account)
    account.fails = True
    log.event("lost")
    await until(lambda: account.calls)
    account.fails = False
    log.event("kept")
    await log.close()
    [event] = account.streams["/aws/apprunner/s/1d/service", "events"]
    assert event.endswith("kept")
