"""The token that another thread renews."""

import queue
import threading

from automation.load.tokens import RenewedToken
from neo4j_mcp_client import NetworkError

LIMIT = 60.0


def test_calls_use_the_new_token_once_it_is_there() -> None:
    requested: queue.Queue[str] = queue.Queue()
    requested.put("first")
    with RenewedToken(lambda: requested.get(timeout=LIMIT), interval=0.001) as token:
        assert token() == "first"
        requested.put("second")
        # The renewal takes the next one only after it has stored this one.
        requested.put("second")
        requested.put("second")
        while not requested.empty():
            threading.Event().wait(0.001)
        assert token() == "second"
        assert token.renewals == 1
        # So that the thread ends.
        requested.put("second")


def test_a_token_stays_in_use_while_there_is_no_other() -> None:
    asked = threading.Semaphore(0)
    answers = iter(["first"])

    def request() -> str:
        asked.release()
        token = next(answers, None)
        if token is None:
            raise NetworkError("unreachable", may_have_run=False)
        return token

    with RenewedToken(request, interval=0.001) as token:
        for _ in range(4):
            assert asked.acquire(timeout=LIMIT)
        assert token() == "first"
        assert token.renewals == 0


def test_a_token_is_not_in_the_repr() -> None:
    with RenewedToken(lambda: "hidden") as token:
        assert "hidden" not in repr(token)
