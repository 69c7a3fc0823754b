"""How checks are run, without a deployment: each check here looks at something made up."""

import _thread
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from automation.checks import registry, runner
from automation.checks.context import Context
from automation.checks.inspection import Inspection
from automation.checks.registry import CHECKS, Check, check
from automation.checks.results import Outcome
from automation.checks.verdicts import Failed, Skipped, Undecided


class _Nothing(Context):
    """A deployment of which nothing is asked."""

    def __init__(self) -> None:
        """It has neither settings nor outputs."""
        self.stopping = threading.Event()

    def http_client(self, **options: Any) -> httpx2.Client:  # noqa: ANN401 - httpx2's own
        return httpx2.Client(**options)


_CONTEXT = _Nothing()


def _check(
    look: Callable[[Inspection], None],
    name: str = "P1-made-up",
    *,
    limit: float = 5.0,
    serial: bool = False,
) -> Check:
    return Check(id=name, sentence="Made up", look=look, limit=limit, serial=serial)


def _sees(inspection: Inspection) -> None:
    inspection.note("something", "seen")


def test_a_check_that_looked_passes() -> None:
    result = runner.run_one(_check(_sees), _CONTEXT)
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    assert [each.answered for each in result.evidence] == ["seen"]


def test_a_check_that_looked_at_nothing_fails() -> None:
    result = runner.run_one(_check(lambda _: None), _CONTEXT)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "the check looked at nothing")


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (Failed("it is so"), Outcome.FAILED, "it is so"),
        (Skipped("there is none"), Outcome.SKIPPED, "there is none"),
        (Undecided("who knows"), Outcome.UNDECIDED, "who knows"),
        (KeyError("missing"), Outcome.FAILED, "KeyError: 'missing'"),
    ],
)
def test_whatever_is_raised_becomes_the_verdict_and_evidence_stays(
    error: Exception, outcome: Outcome, reason: str
) -> None:
    def look(inspection: Inspection) -> None:
        _sees(inspection)
        raise error

    result = runner.run_one(_check(look), _CONTEXT)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert result.evidence[0].answered == "seen"


def test_a_check_that_hangs_is_undecided_at_its_limit_and_keeps_its_evidence() -> None:
    let_go = threading.Event()

    def look(inspection: Inspection) -> None:
        _sees(inspection)
        let_go.wait()

    # It would wait for ever.
    result = runner.run_one(_check(look, limit=0.2), _CONTEXT)
    let_go.set()
    assert (result.outcome, result.reason) == (Outcome.UNDECIDED, "it didn't end within 0.2 s")
    assert result.evidence[0].answered == "seen"


def test_checks_run_side_by_side_and_serial_ones_alone_among_themselves() -> None:
    together = threading.Barrier(3)
    running = threading.Lock()

    def meets(inspection: Inspection) -> None:
        together.wait(5)
        _sees(inspection)

    def alone(inspection: Inspection) -> None:
        assert running.acquire(blocking=False)
        time.sleep(0.05)
        running.release()
        _sees(inspection)

    checks = [_check(meets, f"P2-{number}") for number in range(3)]
    checks += [_check(alone, f"P1-{number}", serial=True) for number in range(3)]
    told: list[str] = []
    results = runner.run(checks, _CONTEXT, lambda result: told.append(result.id))
    assert [result.id for result in results] == sorted(check.id for check in checks)
    assert {result.outcome for result in results} == {Outcome.PASSED}
    assert sorted(told) == [result.id for result in results]


def test_an_interruption_ends_those_that_wait_and_starts_no_other() -> None:
    context = _Nothing()
    seen: list[str] = []

    def waits(inspection: Inspection) -> None:
        inspection.wait(3600)

    def tell(result: object) -> None:
        # Once: a second one would reach whatever runs after this test.
        if not seen:
            _thread.interrupt_main()
        seen.append(str(result))

    checks = [_check(waits, f"P1-{number}", limit=100) for number in range(3)]
    checks += [_check(_sees, f"P2-{number}") for number in range(20)]
    with pytest.raises(KeyboardInterrupt):
        runner.run(checks, context, tell)
    assert context.stopping.is_set()
    assert len(seen) < len(checks)


@pytest.mark.parametrize("name", ["P9-unknown", "P1", "P1-Upper", "p1-x", "P1-x-"])
def test_a_malformed_id_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no id"):
        check(name)


def test_an_id_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CHECKS", {})
    check("P1-twice")(_sees)
    with pytest.raises(ValueError, match="two checks"):
        check("P1-twice")


def test_every_check_says_what_it_proves() -> None:
    assert len(CHECKS) > 50
    for each in CHECKS.values():
        assert len(each.sentence) > 10, each.id
        assert each.limit > 0
