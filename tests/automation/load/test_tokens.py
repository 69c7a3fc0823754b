"""The token that another thread renews."""

import queue
import threading

from automation.load.tokens import ClientToken, RenewedToken, SeveralTokens
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


def test_a_rejected_token_is_discarded_and_replaced_at_once() -> None:
    tokens = ["first"]
    replaced = threading.Event()

    def discard(token: str) -> None:
        assert token == "first"
        tokens.append("second")

    def request() -> str:
        if len(tokens) > 1:
            replaced.set()
        return tokens[-1]

    # It wouldn't look by itself within this test.
    with RenewedToken(request, discard=discard, interval=2 * LIMIT) as token:
        token.reject("of another client")
        assert token.rejections == 0
        token.reject("first")
        token.reject("first")
        assert replaced.wait(LIMIT)
        while token() == "first":
            threading.Event().wait(0.001)
        token.reject("first")
        assert (token.rejections, token.renewals) == (1, 1)


def test_several_clients_take_turns_and_only_the_rejected_token_is_replaced() -> None:
    first = RenewedToken(lambda: "a")
    second = RenewedToken(lambda: "b")
    with SeveralTokens({"one": first, "other": second}) as tokens:
        turns = [ClientToken(client="one", value="a"), ClientToken(client="other", value="b")] * 2
        assert [tokens() for _ in range(4)] == turns
        assert tokens.first() == turns[0]
        assert "value" not in repr(turns)
        tokens.reject("b")
        assert (first.rejections, second.rejections, tokens.rejections) == (0, 1, 1)
