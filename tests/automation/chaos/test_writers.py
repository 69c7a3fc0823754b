"""Callers write with ids, and a server that loses or repeats writes is found."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from automation.chaos.writers import Run, Writers, WrongWriteError
from automation.chaos.writes import Expected, Way, find_problems, summarize
from automation.proxy import Proxy
from neo4j_mcp_client import (
    ClientCredentials,
    Neo4jMcp,
    NetworkError,
    TokenProvider,
)
from tests.automation.chaos.fake_stack import FakeStack

FAILURES = Expected(kinds={"HTTP 503", "NetworkError"})


@contextmanager
def _writers(server: FakeStack, way: Way) -> Iterator[Writers]:
    with Proxy(server.respond) as proxy:
        credentials = ClientCredentials(
            client_id="id",
            client_secret="made up",
            token_url=f"{proxy.url}/oauth2/token",
            scopes=(),
            mcp_url=f"{proxy.url}/mcp",
        )
        tokens = TokenProvider(credentials)
        with Neo4jMcp(credentials.mcp_url, tokens) as client:
            yield Writers(way, Run(id="run", connect=server.driver, patience=1.0), client, tokens)


def _problems(writers: Writers, server: FakeStack) -> list[str]:
    return find_problems(writers.way, writers.attempts, +server.graph, FAILURES)


def test_every_write_has_another_id() -> None:
    server = FakeStack()
    with _writers(server, Way.ONCE) as writers:
        for _ in range(3):
            writers()
    assert server.graph == {"once-0": 1, "once-1": 1, "once-2": 1}
    assert all(writers.owns(write) for write in server.graph)
    assert not writers.owns("merged-0")
    assert _problems(writers, server) == []


def test_a_server_that_acknowledges_before_it_writes_is_found() -> None:
    server = FakeStack()
    server.executes = 0
    with _writers(server, Way.ONCE) as writers:
        writers()
    assert _problems(writers, server) == [
        "1 of 1 acknowledged writes aren't in the database: once-0"
    ]


def test_a_server_that_executes_writes_twice_is_found() -> None:
    server = FakeStack()
    server.executes = 2
    with _writers(server, Way.ONCE) as writers:
        writers()
    assert "once-0 2 times" in _problems(writers, server)[0]


@pytest.mark.parametrize("way", list(Way))
def test_a_write_that_failed_is_repeated_unless_the_way_forbids_it(way: Way) -> None:
    server = FakeStack()
    server.merges = False
    with _writers(server, way) as writers:
        server.answers = False
        with pytest.raises(NetworkError) as raised:
            writers()
        server.answers = True
        writers()
    assert raised.value.may_have_run
    assert len(server.graph) == (2 if way is Way.ONCE else 1)
    written = summarize(way, writers.attempts, server.graph)
    assert (written.calls, written.lost) == (2, 0)
    assert written.unacknowledged == written.present == (way is Way.ONCE)
    assert written.repeated == (way is not Way.ONCE)
    assert bool(_problems(writers, server)) == (way is Way.MERGED)


def test_callers_that_merge_lock_their_own_node() -> None:
    server = FakeStack()
    with _writers(server, Way.MERGED) as writers:
        threads = [threading.Thread(target=writers) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        writers()
    assert all(" SET w.last = $id MERGE " in query for query in server.queries)
    assert len(server.queries) == 3


def test_callers_need_a_new_token_again_and_again() -> None:
    server = FakeStack()
    with _writers(server, Way.ONCE) as writers:
        for _ in range(40):
            writers()
    assert server.tokens == 3


def test_another_acknowledgment_than_the_own_one_is_an_unnamed_failure() -> None:
    server = FakeStack()
    server.acknowledges = "other"
    with _writers(server, Way.ONCE) as writers, pytest.raises(WrongWriteError):
        writers()
    (problem,) = _problems(writers, server)
    assert "isn't the client library's: WrongWriteError" in problem
