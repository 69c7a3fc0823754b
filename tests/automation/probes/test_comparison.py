"""A recording that differs is noticed, in a way that a person can read."""

import dataclasses
import datetime as dt

import pytest

from automation.probes.comparison import as_diff, differences, expectation
from automation.probes.observations import ACCEPTED, REFUSED, UNDOCUMENTED, Observation, Value
from automation.probes.recordings import AWS, Recording
from tests.automation.probes.made_up import make_probe

_OBSERVED: Observation = {"second": ACCEPTED, "third": "LimitExceededException", "secrets": 2}
_RECORDING = Recording(
    probe="example",
    question="Is it so?",
    recorded_at=dt.date(2026, 1, 2),
    region="us-east-1",
    source=AWS,
    versions={"boto3": "1"},
    observation=_OBSERVED,
    messages=("One more than the limit.",),
)
_PROBE = make_probe(lambda _: _OBSERVED, documented={"second": ACCEPTED, "third": REFUSED})


def test_an_equal_recording_agrees() -> None:
    assert differences(expectation(_PROBE, _RECORDING), _OBSERVED) == ()


def test_a_recording_that_differs_is_shown_as_a_diff() -> None:
    changed = {**_OBSERVED, "third": "InvalidParameterException", "secrets": 3}
    recorded = dataclasses.replace(_RECORDING, observation=changed)
    expected = expectation(_PROBE, recorded)
    found = differences(expected, _OBSERVED)
    assert as_diff(expected.basis, found) == (
        "--- recorded on AWS on 2026-01-02\n"
        "+++ observed\n"
        "  third:\n"
        '-   "InvalidParameterException"\n'
        '+   "LimitExceededException"\n'
        "  secrets:\n"
        "-   3\n"
        "+   2"
    )


@pytest.mark.parametrize("observed", [{}, {**_OBSERVED, "fourth": ACCEPTED}])
def test_a_missing_or_additional_part_is_a_difference(observed: Observation) -> None:
    assert differences(expectation(_PROBE, _RECORDING), observed)


@pytest.mark.parametrize(
    ("documented", "seen", "agrees"),
    [
        (UNDOCUMENTED, "anything", True),
        (UNDOCUMENTED, None, True),
        (REFUSED, "AnyException", True),
        (REFUSED, ACCEPTED, False),
        ("yes", "no", False),
        (1, True, False),
        (["a", "b"], ["a", "b"], True),
    ],
)
def test_documents_may_leave_something_open(
    documented: Value, seen: Value, *, agrees: bool
) -> None:
    probe = make_probe(lambda _: {}, documented={"answer": documented})
    assert (differences(expectation(probe, None), {"answer": seen}) == ()) is agrees


def test_what_is_open_has_to_be_observed_nevertheless() -> None:
    probe = make_probe(lambda _: {}, documented={"answer": UNDOCUMENTED, "other": REFUSED})
    assert [each.key for each in differences(expectation(probe, None), {})] == ["answer", "other"]


@pytest.mark.parametrize("mark", [UNDOCUMENTED, REFUSED])
def test_a_recording_leaves_nothing_open(mark: str) -> None:
    recorded = dataclasses.replace(_RECORDING, observation={"answer": mark})
    assert differences(expectation(_PROBE, recorded), {"answer": "AnyException"})
