"""vegeta makes the calls of a plan, and nothing that happens to them is lost."""

import itertools
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from automation.load.engine import LoadError, Recorded, Target, attack
from automation.load.mix import Entry, Mix
from automation.load.outcomes import judge
from automation.load.plan import Phase, Plan, concurrent, steady
from automation.load.tokens import ClientToken
from automation.load.vegeta import Vegeta
from tests.automation.load.mcp_server import mcp_server, result, succeed

pytestmark = pytest.mark.program
builds_vegeta = pytest.mark.slow
"""Building vegeta takes a minute once, which is more than all these tests."""

READ = Entry(name="read", tool="read-cypher", weight=3, arguments={"query": "RETURN 1"})
WRITE = Entry(name="write", tool="write-cypher", arguments={"query": "CREATE ()"}, unique="id")
MIX = Mix(entries=(READ, WRITE))


@pytest.fixture(scope="session")
def vegeta() -> Vegeta:
    """Build vegeta on first use, as the command does."""
    return Vegeta.install()


def _attack(vegeta: Vegeta, plan: Plan, target: Target) -> list[Recorded]:
    return sorted(attack(vegeta, plan, MIX, target, run_id="run"), key=lambda each: each.due)


def _token(value: str, client: str = "writer") -> ClientToken:
    return ClientToken(client=client, value=value)


def _target(url: str, *, timeout: float = 60.0, most: int = 64) -> Target:
    return Target(url=url, token=lambda: _token("token"), timeout=timeout, most=most)


def _failures(recorded: Sequence[Recorded]) -> Counter[str]:
    return Counter(
        failure.kind if (failure := judge(each).failure) else "none" for each in recorded
    )


@builds_vegeta
def test_every_call_is_made_once_in_the_proportions_of_the_mix(vegeta: Vegeta) -> None:
    plan = Plan(phases=(Phase(name="ramp", seconds=0.5, start=40, end=120),))
    with mcp_server() as server:
        recorded = _attack(vegeta, plan, _target(server.url))
    assert [each.due for each in recorded] == list(plan.due())
    assert len(recorded) == len(server.requests) == 40
    assert Counter(each.entry.name for each in recorded) == {"read": 30, "write": 10}
    written = [
        each["params"]["arguments"]["params"]["id"]
        for each in server.requests
        if each["params"]["name"] == "write-cypher"
    ]
    assert sorted(written) == sorted(e.identity for e in recorded if e.entry is WRITE)
    assert len(set(written)) == 10
    # The number that identifies a call in vegeta's results isn't sent.
    assert set(server.paths) == {"/mcp"}
    assert _failures(recorded) == {"none": 40}


@builds_vegeta
def test_each_client_makes_calls_in_the_proportions_of_the_mix(vegeta: Vegeta) -> None:
    """Two clients, whose turns have a period that divides the mix's four calls."""
    names = itertools.cycle(["reader", "writer"])
    with mcp_server() as server:
        target = Target(url=server.url, token=lambda: _token("token", next(names)))
        recorded = _attack(vegeta, steady(160, warm_up=0, seconds=0.25), target)
    made = Counter((each.client, each.entry.name) for each in recorded)
    assert made == {
        ("reader", "read"): 15,
        ("reader", "write"): 5,
        ("writer", "read"): 15,
        ("writer", "write"): 5,
    }


@builds_vegeta
def test_a_failed_tool_is_a_failure_although_its_status_is_200(vegeta: Vegeta) -> None:
    def answer(request: dict[str, Any]) -> tuple[int, bytes]:
        if request["params"]["name"] == "write-cypher":
            text = "failed: Neo4jError: Neo.ClientError.Security.Forbidden (no)"
            return 200, result(request, text, is_error=True)
        return succeed(request)

    with mcp_server(answer) as server:
        recorded = _attack(vegeta, steady(80, warm_up=0, seconds=0.25), _target(server.url))
    assert _failures(recorded) == {"none": 15, "ForbiddenError": 5}


@builds_vegeta
def test_a_call_is_timed_from_when_it_was_due(vegeta: Vegeta) -> None:
    """One slow answer delays the calls behind it, and their time includes the delay."""
    waiting = threading.Event()

    def answer(request: dict[str, Any]) -> tuple[int, bytes]:
        if not waiting.is_set():
            waiting.set()
            threading.Event().wait(0.5)
        return succeed(request)

    plan = steady(20, warm_up=0, seconds=0.5)
    with mcp_server(answer) as server:
        recorded = _attack(vegeta, plan, _target(server.url, most=1))
    # The last one was due at 0.45 s, and none before it was answered until 0.5 s.
    for due, each in zip(plan.due(), recorded, strict=True):
        assert judge(each).seconds >= 0.5 - due


@builds_vegeta
def test_each_caller_waits_for_its_last_call(vegeta: Vegeta) -> None:
    running, lock, most = 0, threading.Lock(), 0

    def answer(request: dict[str, Any]) -> tuple[int, bytes]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1
        return succeed(request)

    plan = concurrent(3, warm_up=0, seconds=0.5)
    with mcp_server(answer) as server:
        recorded = _attack(vegeta, plan, _target(server.url))
    assert most == 3
    assert len(recorded) == len(server.requests) > 3
    assert all(each.ended - each.due >= 0.01 for each in recorded)
    # At any time, at most three calls are under way; times are exact to a microsecond.
    began = [(each.due + 2e-6, 1) for each in recorded]
    edges = sorted([*began, *((each.ended, -1) for each in recorded)])
    assert max(itertools.accumulate(step for _, step in edges)) <= 3


@builds_vegeta
def test_callers_stop_at_the_end(vegeta: Vegeta) -> None:
    """A hundred calls are still on vegeta's standard input then, which it must not make."""

    def answer(request: dict[str, Any]) -> tuple[int, bytes]:
        threading.Event().wait(0.5)
        return succeed(request)

    with mcp_server(answer) as server:
        recorded = _attack(vegeta, concurrent(1, warm_up=0, seconds=0.5), _target(server.url))
    assert 1 <= len(recorded) < 50


@builds_vegeta
def test_a_new_token_is_used_on_the_way(vegeta: Vegeta) -> None:
    numbers = itertools.count()
    with mcp_server() as server:
        plan = steady(100, warm_up=0, seconds=0.2)
        target = Target(url=server.url, token=lambda: _token(f"token-{next(numbers) // 10}"))
        _attack(vegeta, plan, target)
    assert Counter(server.tokens) == {"Bearer token-0": 10, "Bearer token-1": 10}


@builds_vegeta
def test_the_token_of_a_rejected_call_is_reported_while_calls_are_made(vegeta: Vegeta) -> None:
    """The first token is refused until it is replaced, by HTTP and by the database in turn."""
    text = "failed: Neo4jError: Neo.ClientError.Security.TokenExpired (expired)"
    tokens = ["old"]
    numbers = itertools.count()

    def answer(request: dict[str, Any]) -> tuple[int, bytes]:
        if server.tokens[-1] != "Bearer old":
            return succeed(request)
        return (401, b"no") if next(numbers) % 2 else (200, result(request, text, is_error=True))

    with mcp_server(answer) as server:
        target = Target(
            url=server.url,
            token=lambda: _token(tokens[-1]),
            rejected=lambda _: tokens.append("new"),
        )
        # Long enough for the first response on a busy machine; the rest succeeds.
        recorded = _attack(vegeta, concurrent(1, warm_up=0, seconds=1), target)
    failures = _failures(recorded)
    assert failures["none"] > 0
    assert failures["TokenExpiredError"] >= 1
    assert set(failures) <= {"none", "TokenExpiredError", "UnauthorizedError"}
    assert {"old", "new"} == set(tokens)


@builds_vegeta
def test_the_calls_of_an_interrupted_run_are_returned(vegeta: Vegeta) -> None:
    def answer(request: dict[str, Any]) -> tuple[int, bytes]:
        if len(server.requests) == 10:
            signal.raise_signal(signal.SIGINT)
        return succeed(request)

    with mcp_server(answer) as server:
        target = _target(server.url)
        recorded = _attack(vegeta, steady(20, warm_up=0, seconds=600), target)
    assert target.stopping.is_set()
    assert 10 <= len(recorded) == len(server.requests)
    assert _failures(recorded) == {"none": len(recorded)}


@builds_vegeta
def test_calls_without_an_answer_are_failures(vegeta: Vegeta) -> None:
    with mcp_server() as server:
        url = server.url
    recorded = _attack(vegeta, steady(20, warm_up=0, seconds=0.2), _target(url))
    assert _failures(recorded) == {"connection refused": 4}


@builds_vegeta
def test_a_call_that_takes_too_long_is_a_failure(vegeta: Vegeta) -> None:
    done = threading.Event()

    def answer(request: dict[str, Any]) -> tuple[int, bytes]:
        done.wait(60)
        return succeed(request)

    with mcp_server(answer) as server:
        plan = steady(10, warm_up=0, seconds=0.2)
        recorded = _attack(vegeta, plan, _target(server.url, timeout=0.2))
        done.set()
    assert _failures(recorded) == {"timeout": 2}


def test_a_program_that_ends_early_is_reported(tmp_path: Path) -> None:
    program = tmp_path / "vegeta"
    program.write_text("#!/bin/sh\necho out of memory >&2\nexit 7\n")
    program.chmod(0o700)
    plan = steady(1000, warm_up=0, seconds=60)
    with pytest.raises(LoadError, match="status 7: out of memory"):
        _attack(Vegeta(path=program, version="0"), plan, _target("http://127.0.0.1:1/mcp"))
