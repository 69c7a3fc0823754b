"""The events of an invocation in its function's log group."""

from dataclasses import replace

from localcloud.aws.lambda_.invocation_log import Invocation, messages

WARM = Invocation(
    request_id="1f2e",
    version="3",
    ended=1_700_000_000.25,
    seconds=0.0521,
    initialization=None,
    memory=128,
    peak_memory=40,
)


def test_the_functions_lines_are_between_start_and_end() -> None:
    assert messages(WARM, "one\ntwo\x1fof two lines\n") == [
        "START RequestId: 1f2e Version: 3",
        "one",
        "two\nof two lines",
        "END RequestId: 1f2e",
        (
            "REPORT RequestId: 1f2e\tDuration: 52.10 ms\tBilled Duration: 53 ms\t"
            "Memory Size: 128 MB\tMax Memory Used: 40 MB\t"
        ),
    ]


def test_a_cold_start_is_reported_apart_from_the_duration() -> None:
    report = messages(replace(WARM, initialization=0.1205), "")[-1]
    assert report.endswith("Max Memory Used: 40 MB\tInit Duration: 120.50 ms\t")


def test_a_timeout_is_logged_with_its_time_and_request() -> None:
    _, line, timeout, _, report = messages(WARM, "working\nTask timed out after 3.00 seconds")
    assert line == "working"
    assert timeout == "2023-11-14T22:13:20.250Z 1f2e Task timed out after 3.00 seconds"
    assert report.endswith("\tStatus: timeout\t")
