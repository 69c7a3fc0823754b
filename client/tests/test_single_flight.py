"""Work that many callers share, and its outcome for each of them."""

import asyncio
import contextvars
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from neo4j_mcp_client import InvalidClientError
from neo4j_mcp_client.single_flight import Outcome, SingleFlight

TIMEOUT = 10.0


class Held:
    """Work that waits until it is released."""

    def __init__(self, outcome: str | BaseException) -> None:
        self.outcome = outcome
        self.started, self.released = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.started.set()
        assert self.released.wait(TIMEOUT)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def lead_and_follow(
    flight: SingleFlight[str], work: Held, pool: ThreadPoolExecutor, followers: int = 3
) -> tuple[Future[Outcome[str]], list[Future[Outcome[str]]]]:
    """Let one caller work, and have others wait for it."""
    leader = pool.submit(flight.run, work, wait_limit=TIMEOUT)
    assert work.started.wait(TIMEOUT)
    waiting = [
        pool.submit(flight.run, lambda: "their own", wait_limit=TIMEOUT) for _ in range(followers)
    ]
    # Whoever comes late does the work itself, which the tests allow; this makes it unlikely.
    time.sleep(0.1)
    work.released.set()
    return leader, waiting


def test_each_caller_knows_who_did_the_work() -> None:
    with ThreadPoolExecutor(4) as pool:
        leader, followers = lead_and_follow(SingleFlight(), Held("the leader's"), pool)
        assert leader.result(TIMEOUT) == Outcome("the leader's", own=True)
        for follower in followers:
            outcome = follower.result(TIMEOUT)
            assert outcome == Outcome("their own" if outcome.own else "the leader's", outcome.own)


def test_ctrl_c_only_ends_the_thread_that_works() -> None:
    with ThreadPoolExecutor(4) as pool:
        leader, followers = lead_and_follow(SingleFlight(), Held(KeyboardInterrupt()), pool)
        with pytest.raises(KeyboardInterrupt):
            leader.result(TIMEOUT)
        assert {follower.result(TIMEOUT).result for follower in followers} == {"their own"}


def test_a_failure_is_each_ones_own_exception() -> None:
    error = InvalidClientError("wrong")
    with ThreadPoolExecutor(4) as pool:
        leader, followers = lead_and_follow(SingleFlight(), Held(error), pool)
        raised = [each.exception(TIMEOUT) for each in (leader, *followers)]
    shared = [each for each in raised if each is not None]
    assert len({id(each) for each in shared}) == len(shared) > 1
    assert {str(each) for each in shared} == {str(error)}
    assert shared[0] is error


async def test_tasks_get_exceptions_of_their_own_too() -> None:
    flight = SingleFlight[str]()
    work = Held(InvalidClientError("wrong"))
    tasks = [asyncio.create_task(flight.run_async(work, wait_limit=TIMEOUT)) for _ in range(3)]
    await asyncio.to_thread(work.started.wait, TIMEOUT)
    work.released.set()
    raised = await asyncio.gather(*tasks, return_exceptions=True)
    assert len({id(each) for each in raised}) == 3
    assert {type(each) for each in raised} == {InvalidClientError}


async def test_a_task_that_led_and_was_cancelled_leaves_its_work_to_the_others() -> None:
    flight = SingleFlight[str]()
    work = Held("done")
    leader = asyncio.create_task(flight.run_async(work, wait_limit=TIMEOUT))
    await asyncio.to_thread(work.started.wait, TIMEOUT)
    follower = asyncio.create_task(flight.run_async(lambda: "its own", wait_limit=TIMEOUT))
    await asyncio.sleep(0)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    work.released.set()
    assert await follower == Outcome("done", own=False)


def test_a_closing_event_loop_does_not_affect_others(caplog: pytest.LogCaptureFixture) -> None:
    flight = SingleFlight[str]()
    work = Held("done")

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await flight.run_async(work, wait_limit=0.05)

    asyncio.run(give_up())
    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(flight.run, lambda: "its own", wait_limit=TIMEOUT)
        time.sleep(0.05)
        work.released.set()
        assert follower.result(TIMEOUT).result in {"done", "its own"}
    assert caplog.text == ""


def test_a_caller_that_waits_too_long_gives_up() -> None:
    flight = SingleFlight[str]()
    work = Held("late")
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(flight.run, work, wait_limit=TIMEOUT)
        assert work.started.wait(TIMEOUT)
        with pytest.raises(TimeoutError):
            flight.run(lambda: "never", wait_limit=0.01)
        work.released.set()
        assert leader.result(TIMEOUT).result == "late"


async def test_the_work_runs_in_the_callers_context() -> None:
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("mine")
    outcome = await SingleFlight[str]().run_async(variable.get, wait_limit=TIMEOUT)
    assert outcome.result == "mine"
