"""How checks are registered and run, without a stack."""

import _thread
import threading
import time
from typing import Any

import httpx2
import pytest

from automation.checks import runner
from automation.checks.context import Context
from automation.checks.probe import Probe
from automation.checks.registry import CHECKS, Check, CheckFunction, check
from automation.checks.results import Outcome
from automation.checks.verdicts import Failed, Skipped, Undecided


class _NoStack(Context):
    """A context for checks that don't use the stack."""

    def __init__(self) -> None:
        """Leave out settings and outputs."""
        self.stopping = threading.Event()

    def http_client(self, **options: Any) -> httpx2.Client:  # noqa: ANN401 - httpx2's own
        # Without certificates, which take a busy machine long to load.
        return httpx2.Client(
            transport=httpx2.MockTransport(lambda _: httpx2.Response(404)), **options
        )


_CONTEXT = _NoStack()


def _make_check(
    function: CheckFunction,
    name: str = "P1-made-up",
    *,
    limit: float = 5.0,
    serial: bool = False,
) -> Check:
    return Check(id=name, sentence="Made up", function=function, limit=limit, serial=serial)


def _observe(probe: Probe) -> None:
    probe.note("something", "observed")


def test_a_check_with_evidence_passes() -> None:
    result = runner.run_one(_make_check(_observe), _CONTEXT)
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    assert [each.response for each in result.evidence] == ["observed"]


def test_a_check_without_evidence_fails() -> None:
    result = runner.run_one(_make_check(lambda _: None), _CONTEXT)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "the check made no request")


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (Failed("it is so"), Outcome.FAILED, "it is so"),
        (Skipped("there is none"), Outcome.SKIPPED, "there is none"),
        (Undecided("who knows"), Outcome.UNDECIDED, "who knows"),
        (KeyError("missing"), Outcome.FAILED, "KeyError: 'missing'"),
    ],
)
def test_an_exception_decides_the_outcome_and_the_evidence_is_kept(
    error: Exception, outcome: Outcome, reason: str
) -> None:
    def observe_and_raise(probe: Probe) -> None:
        _observe(probe)
        raise error

    result = runner.run_one(_make_check(observe_and_raise), _CONTEXT)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert result.evidence[0].response == "observed"


def test_a_check_that_hangs_is_undecided_after_its_time_limit_and_keeps_its_evidence() -> None:
    released = threading.Event()

    def hang(probe: Probe) -> None:
        _observe(probe)
        released.wait()

    result = runner.run_one(_make_check(hang, limit=2.0), _CONTEXT)
    released.set()
    assert (result.outcome, result.reason) == (Outcome.UNDECIDED, "it didn't end within 2 s")
    assert result.evidence[0].response == "observed"


def test_checks_run_in_parallel_but_serial_ones_one_at_a_time() -> None:
    together = threading.Barrier(3)
    running = threading.Lock()

    def meet(probe: Probe) -> None:
        together.wait(5)
        _observe(probe)

    def run_alone(probe: Probe) -> None:
        assert running.acquire(blocking=False)
        time.sleep(0.05)
        running.release()
        _observe(probe)

    checks = [_make_check(meet, f"P2-{number}") for number in range(3)]
    checks += [_make_check(run_alone, f"P1-{number}", serial=True) for number in range(3)]
    reported: list[str] = []
    results = runner.run(checks, _CONTEXT, lambda result: reported.append(result.id))
    assert [result.id for result in results] == sorted(check.id for check in checks)
    assert {result.outcome for result in results} == {Outcome.PASSED}
    assert sorted(reported) == [result.id for result in results]


def test_an_interrupt_ends_waiting_checks_and_starts_no_others() -> None:
    context = _NoStack()
    reported: list[str] = []

    def wait(probe: Probe) -> None:
        probe.wait(3600)

    def interrupt(result: object) -> None:
        # Only once: a second interrupt would hit whatever runs after this test.
        if not reported:
            _thread.interrupt_main()
        reported.append(str(result))

    checks = [_make_check(wait, f"P1-{number}", limit=100) for number in range(3)]
    checks += [_make_check(_observe, f"P2-{number}") for number in range(20)]
    with pytest.raises(KeyboardInterrupt):
        runner.run(checks, context, interrupt)
    assert context.stopping.is_set()
    assert len(reported) < len(checks)


@pytest.mark.parametrize("name", ["P9-unknown", "P1", "P1-Upper", "p1-x", "P1-x-"])
def test_a_malformed_id_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a valid check id"):
        check(name)


def test_an_id_can_be_registered_only_once() -> None:
    registry: dict[str, Check] = {}
    check("P1-twice", registry=registry)(_observe)
    with pytest.raises(ValueError, match="registered twice"):
        check("P1-twice", registry=registry)
    assert registry.keys() == {"P1-twice"}


def test_every_check_says_what_it_proves() -> None:
    assert len(CHECKS) > 50
    for each in CHECKS.values():
        assert len(each.sentence) > 10, each.id
        assert each.limit > 0
