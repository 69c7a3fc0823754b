import datetime as dt

import pytest

from automation.checks.results import Outcome
from automation.probes.observations import Observation, Unanswered
from automation.probes.recordings import AWS, STAND_IN, Recording
from automation.probes.runner import run
from automation.probes.sandbox import NotObservedError, Sandbox
from tests.automation.probes.made_up import error, kind, make_probe, make_surroundings

_DAY = dt.date(2026, 1, 2)


def test_an_observation_as_documented_passes_and_is_recorded() -> None:
    probe = make_probe(lambda _: {"answer": "yes"})
    [result] = run([probe], make_surroundings(), {}, today=lambda: _DAY)
    assert (result.outcome, result.differences, result.remaining) == (Outcome.PASSED, (), {})
    assert result.recording
    assert result.recording.observation == {"answer": "yes"}
    assert (result.recording.source, result.recording.recorded_at) == (AWS, _DAY)
    assert result.recording.versions.keys() == {"boto3", "botocore"}


def test_another_observation_fails() -> None:
    probe = make_probe(lambda _: {"answer": "no"})
    [result] = run([probe], make_surroundings(), {})
    assert result.outcome is Outcome.FAILED
    assert [(each.expected, each.observed) for each in result.differences] == [("yes", "no")]


def test_a_recording_replaces_the_documents() -> None:
    probe = make_probe(lambda _: {"answer": "no"})
    recorded = Recording(
        probe="example",
        question="Is it so?",
        recorded_at=_DAY,
        region="us-east-1",
        source=AWS,
        versions={},
        observation={"answer": "no"},
    )
    [result] = run([probe], make_surroundings(), {"example": recorded})
    assert result.outcome is Outcome.PASSED
    assert "2026-01-02" in result.expected.basis


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("http://localhost:4566", Outcome.PASSED),
        ("https://sts.us-east-1.amazonaws.com", Outcome.FAILED),
    ],
)
def test_a_known_difference_of_the_stand_in_counts_on_aws_only(url: str, outcome: Outcome) -> None:
    probe = make_probe(lambda _: {"answer": "no"}, differs=["answer"])
    [result] = run([probe], make_surroundings(url), {})
    assert result.outcome is outcome


def test_a_recording_of_another_endpoint_is_no_recording_of_aws() -> None:
    probe = make_probe(lambda _: {"answer": "yes"})
    [result] = run([probe], make_surroundings("http://localhost:4566"), {})
    assert result.recording
    assert result.recording.source == STAND_IN


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (Unanswered("there is no VPC"), Outcome.SKIPPED),
        (error("AccessDeniedException"), Outcome.UNDECIDED),
        (NotObservedError("it wasn't observed"), Outcome.UNDECIDED),
    ],
)
def test_everything_is_removed_if_a_probe_ends_early(raised: Exception, outcome: Outcome) -> None:
    removed: list[str] = []

    def observe(box: Sandbox) -> Observation:
        box.owns(kind("bucket", removed), "one")
        box.owns(kind("bucket", removed), "two")
        raise raised

    [result] = run([make_probe(observe)], make_surroundings(), {})
    assert result.outcome is outcome
    assert str(raised) in result.reason
    assert removed == ["two", "one"]
    assert result.recording is None


def test_an_interruption_removes_everything() -> None:
    removed: list[str] = []

    def observe(box: Sandbox) -> Observation:
        box.owns(kind("bucket", removed), "one")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run([make_probe(observe)], make_surroundings(), {}))
    assert removed == ["one"]


def test_what_cannot_be_removed_is_reported_and_the_rest_is_removed() -> None:
    removed: list[str] = []

    def observe(box: Sandbox) -> Observation:
        failing = kind("bucket", removed, {"two": "AccessDenied", "three": "NoSuchEntity"})
        for name in ("one", "two", "three"):
            box.owns(failing, name)
        return {"answer": "yes"}

    [result] = run([make_probe(observe)], make_surroundings(), {})
    assert removed == ["one"]
    assert list(result.remaining) == ["bucket two"]
    assert "AccessDenied" in result.remaining["bucket two"]


def test_what_a_probe_says_and_observes_is_blanked() -> None:
    def observe(box: Sandbox) -> Observation:
        box.placeholders.learn("secret", ["correct-horse"])
        refuse = error("Refused", f"{box.name} of 111122223333 has correct-horse")

        def call() -> None:
            raise refuse

        return {"answer": box.outcome(call), "name": box.name}

    [result] = run([make_probe(observe)], make_surroundings(), {})
    assert result.recording
    text = result.recording.text()
    assert "<name:1> of <account> has <secret:1>" in text
    assert not any(each in text for each in ("111122223333", "correct-horse", "neo4j-mcp-probe-"))


def test_each_run_has_names_of_its_own() -> None:
    names: list[str] = []

    def observe(box: Sandbox) -> Observation:
        names.append(box.name)
        return {"answer": "yes"}

    list(run([make_probe(observe)] * 3, make_surroundings(), {}))
    assert len(set(names)) == 3
    assert all(each.startswith("neo4j-mcp-probe-") and len(each) == 24 for each in names)


def test_a_wait_is_limited() -> None:
    times = iter(range(100))

    def observe(box: Sandbox) -> Observation:
        box.until(lambda: None, 5, "the change")
        return {}

    around = make_surroundings(clock=lambda: float(next(times)))
    [result] = run([make_probe(observe)], around, {})
    assert result.outcome is Outcome.UNDECIDED
    assert "the change wasn't observed within 5 s" in result.reason


def test_a_probe_is_announced_before_it_runs() -> None:
    steps: list[str] = []

    def observe(_: Sandbox) -> Observation:
        steps.append("runs")
        return {"answer": "yes"}

    probes = [make_probe(observe, key=key) for key in ("first", "second")]
    list(run(probes, make_surroundings(), {}, on_start=lambda probe: steps.append(probe.key)))
    assert steps == ["first", "runs", "second", "runs"]
