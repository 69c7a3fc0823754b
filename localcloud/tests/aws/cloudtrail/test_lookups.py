"""Lookups in the event history."""

from typing import Any

import pytest

from localcloud.aws.cloudtrail.app import CloudTrail
from localcloud.aws.cloudtrail.lookups import look_up
from localcloud.aws.cloudtrail.models import Event, History, Resource
from localcloud.aws.protocol import ApiError


def event(number: int, **changes: Any) -> Event:  # noqa: ANN401 - fields of any type
    defaults: dict[str, Any] = {
        "number": number,
        "id": f"id-{number}",
        "name": "GetSecretValue",
        "source": "secretsmanager.amazonaws.com",
        "at": 1000 + number,
        "read_only": True,
        "key_id": "AKIA",
        "username": "alice",
        "resources": (Resource(kind="AWS::SecretsManager::Secret", name="secret"),),
    }
    return Event(**{**defaults, **changes})


OTHER = event(
    2,
    name="PutSecretValue",
    source="other.amazonaws.com",
    read_only=False,
    key_id="ASIA",
    username="function",
    resources=(),
)
EVENTS = [event(3), OTHER, event(1)]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("EventName", "PutSecretValue", [2]),
        ("EventId", "id-3", [3]),
        ("EventSource", "secretsmanager.amazonaws.com", [3, 1]),
        ("ReadOnly", "false", [2]),
        ("Username", "alice", [3, 1]),
        ("AccessKeyId", "ASIA", [2]),
        ("ResourceName", "secret", [3, 1]),
        ("ResourceType", "AWS::SecretsManager::Secret", [3, 1]),
        ("EventName", "GetSecret", []),
    ],
)
def test_events_are_found_by_each_attribute(key: str, value: str, expected: list[int]) -> None:
    attributes = [{"AttributeKey": key, "AttributeValue": value}]
    found, token = look_up(EVENTS, {"LookupAttributes": attributes})
    assert ([each.number for each in found], token) == (expected, None)


def test_both_ends_of_a_time_range_belong_to_it() -> None:
    found, _ = look_up(EVENTS, {"StartTime": 1001, "EndTime": 1002})
    assert [each.number for each in found] == [2, 1]


def test_pages_continue_where_the_last_one_ended_although_events_were_added() -> None:
    request: dict[str, Any] = {"MaxResults": 2}
    first, token = look_up(EVENTS, request)
    assert [each.number for each in first] == [3, 2]
    second, end = look_up([event(4), *EVENTS], {**request, "NextToken": token})
    assert ([each.number for each in second], end) == ([1], None)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (
            {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "x"}] * 2},
            "InvalidLookupAttributesException",
        ),
        ({"StartTime": 2, "EndTime": 1}, "InvalidTimeRangeException"),
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"MaxResults": 0}, "InvalidMaxResultsException"),
        ({"NextToken": "made-up"}, "InvalidNextTokenException"),
    ],
)
def test_invalid_lookups_are_refused(request_: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as refused:
        look_up(EVENTS, request_)
    assert refused.value.code == code


def test_a_token_is_valid_for_the_parameters_that_it_came_with() -> None:
    _, token = look_up(EVENTS, {"MaxResults": 1})
    with pytest.raises(ApiError) as refused:
        look_up(EVENTS, {"MaxResults": 1, "StartTime": 1, "NextToken": token})
    assert refused.value.code == "InvalidNextTokenException"


async def test_two_lookups_a_second_are_answered() -> None:
    now = 0.0
    cloudtrail = CloudTrail(History(), lambda: now)
    for _ in range(2):
        await cloudtrail.call("LookupEvents", {})
    with pytest.raises(ApiError) as refused:
        await cloudtrail.call("LookupEvents", {})
    assert refused.value.code == "ThrottlingException"
    now = 0.5
    await cloudtrail.call("LookupEvents", {})


async def test_trails_and_insights_are_refused_by_name() -> None:
    cloudtrail = CloudTrail(History(), lambda: 0.0)
    for operation, parameters in [
        ("CreateTrail", {}),
        ("LookupEvents", {"EventCategory": "insight"}),
    ]:
        with pytest.raises(ApiError, match="LookupEvents of management events only"):
            await cloudtrail.call(operation, parameters)


def test_the_oldest_events_are_forgotten() -> None:
    history = History(most=2)
    for number in range(1, 4):
        history.add(event(number))
    assert [each.number for each in history.newest_first()] == [3, 2]
