import json
from collections.abc import Callable
from typing import Any

import pytest

from demo import functions_bench
from demo.figures import BenchError
from demo.functions_bench import paired, require_equal

ROWS: dict[str, Any] = {"result": {"content": [{"type": "text", "text": "[]"}]}}
REFUSED: dict[str, Any] = {"result": {"content": [], "isError": True}}


class Clock:
    """A clock that calls advance."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def call(self, *seconds: float) -> Callable[[], None]:
        """Return a call that takes each of the times in turn."""
        turns = iter(seconds)

        def taken() -> None:
            self.now += next(turns)

        return taken


def test_the_ratio_is_the_median_of_pairs_after_a_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(functions_bench, "time", clock)
    one = clock.call(90, 90, 90, 2, 6, 3)
    other = clock.call(1, 1, 1, 1, 1, 2)

    assert paired(one, other, 3) == (2, 1.5, 6)


def test_equal_answers_can_be_compared() -> None:
    answer = json.dumps(ROWS)

    require_equal(answer.encode(), answer)


@pytest.mark.parametrize("answer", [REFUSED, {"error": {"code": -32603}}])
def test_a_failed_call_is_not_compared(answer: dict[str, Any]) -> None:
    text = json.dumps(answer)

    with pytest.raises(BenchError, match="the call failed"):
        require_equal(text.encode(), text)


def test_another_result_is_not_compared() -> None:
    with pytest.raises(BenchError, match="and the handler's with 'x'"):
        require_equal(json.dumps(ROWS).encode(), "x")
