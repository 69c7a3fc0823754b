import datetime as dt

import pytest

from localcloud.aws.protocol import ApiError
from localcloud.aws.secretsmanager import schedule

AFTER = dt.datetime(2026, 11, 27, 10, 30, tzinfo=dt.UTC).timestamp()


def moment(timestamp: float) -> str:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC).strftime("%d %H:%M:%S")


@pytest.mark.parametrize(
    ("rules", "opens", "closes"),
    [
        ({"AutomaticallyAfterDays": 1}, "28 00:00:00", "28 23:59:59"),
        ({"AutomaticallyAfterDays": 2}, "29 00:00:00", "29 23:59:59"),
        ({"AutomaticallyAfterDays": 2, "Duration": "3h"}, "29 00:00:00", "29 02:59:59"),
        ({"ScheduleExpression": "rate(1 day)"}, "28 00:00:00", "28 23:59:59"),
        ({"ScheduleExpression": "rate(4 hours)"}, "27 14:00:00", "27 14:59:59"),
        ({"ScheduleExpression": "rate(4 hours)", "Duration": "4h"}, "27 14:00:00", "27 17:59:59"),
    ],
)
def test_the_next_window(rules: dict[str, object], opens: str, closes: str) -> None:
    schedule.require_valid(rules)
    window = schedule.next_window(rules, AFTER)
    assert (moment(window.opens), moment(window.closes)) == (opens, closes)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({}, "either AutomaticallyAfterDays or ScheduleExpression"),
        (
            {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"},
            "either AutomaticallyAfterDays or ScheduleExpression",
        ),
        ({"ScheduleExpression": "cron(0 0 * * ? *)"}, "doesn't support the ScheduleExpression"),
        ({"ScheduleExpression": "rate(3 hours)"}, "between 4 hours and 1000 days"),
        ({"ScheduleExpression": "rate(1001 days)"}, "between 4 hours and 1000 days"),
        ({"AutomaticallyAfterDays": 1, "Duration": "25h"}, "Duration must be"),
        ({"AutomaticallyAfterDays": 1, "Duration": "0h"}, "Duration must be"),
        ({"ScheduleExpression": "rate(4 hours)", "Duration": "5h"}, "Duration must be"),
    ],
)
def test_rules_that_are_refused(rules: dict[str, object], reason: str) -> None:
    with pytest.raises(ApiError, match=reason) as error:
        schedule.require_valid(rules)
    assert error.value.code == "InvalidParameterException"


@pytest.mark.parametrize("expression", ["rate(4 hours)", "rate(1000 days)"])
def test_the_limits_of_a_rate_are_accepted(expression: str) -> None:
    schedule.require_valid({"ScheduleExpression": expression})
