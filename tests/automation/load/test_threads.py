"""Calls that this process makes itself."""

import threading
from collections import Counter

from automation.load.mix import Entry, Mix
from automation.load.outcomes import Failure
from automation.load.plan import Phase, Plan, concurrent, steady
from automation.load.threads import make_calls

READ = Entry(name="read", tool="read-cypher", weight=3, arguments={"query": "RETURN 1"})
WRITE = Entry(name="write", tool="write-cypher", arguments={"query": "CREATE ()"}, unique="id")
MIX = Mix(entries=(READ, WRITE))
LIMIT = 60.0


def test_every_call_is_made_once_when_it_is_due() -> None:
    made: list[tuple[str, str]] = []
    plan = Plan(phases=(Phase(name="ramp", seconds=0.3, start=100, end=300),))

    def execute(entry: Entry, identity: str) -> None:
        made.append((entry.name, identity))

    outcomes = make_calls(plan, MIX, execute, run_id="run", stopping=threading.Event())
    assert sorted(each.due for each in outcomes) == list(plan.due())
    assert len({identity for _, identity in made}) == len(made) == 60
    assert Counter(name for name, _ in made) == {"read": 45, "write": 15}
    assert all(each.ended >= each.due and each.failure is None for each in outcomes)


def test_a_call_that_has_to_wait_is_timed_from_when_it_was_due() -> None:
    first = threading.Event()

    def execute(_entry: Entry, _identity: str) -> None:
        if not first.is_set():
            first.set()
            threading.Event().wait(0.3)

    plan = steady(20, warm_up=0, seconds=0.25)
    outcomes = make_calls(plan, MIX, execute, run_id="run", stopping=threading.Event(), most=1)
    assert len(outcomes) == 5
    assert all(each.seconds >= 0.3 - each.due for each in outcomes)


def test_each_caller_waits_for_its_last_call() -> None:
    """Three calls meet, which they can't unless three callers make them, and never a fourth."""
    together, lock = threading.Barrier(3, timeout=LIMIT), threading.Lock()
    running, most, rounds = 0, 0, 0

    def execute(_entry: Entry, _identity: str) -> None:
        nonlocal running, most, rounds
        with lock:
            running += 1
            most = max(most, running)
            rounds += 1
            meets = rounds <= 3
        if meets:
            together.wait()
        with lock:
            running -= 1

    outcomes = make_calls(
        concurrent(3, warm_up=0, seconds=0.2),
        MIX,
        execute,
        run_id="run",
        stopping=threading.Event(),
    )
    assert most == 3
    assert len(outcomes) == rounds > 3
    assert all(each.due < 0.2 for each in outcomes)


def test_a_failure_is_kept() -> None:
    failure = Failure(kind="Neo.ClientError.Security.Forbidden", message="no")
    plan = steady(50, warm_up=0, seconds=0.1)
    outcomes = make_calls(plan, MIX, lambda *_: failure, run_id="run", stopping=threading.Event())
    assert [each.failure for each in outcomes] == [failure] * 5
