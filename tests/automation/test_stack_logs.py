"""Which log groups a part of a stack writes to, and the order of their lines."""

import datetime as dt
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.hosting.hosts import HOSTS
from automation.stack_logs import Line, Log, NoLogError, Writer, find_log, read_lines
from components.names import ResourceNames
from components.settings import Hosting

NAMES = ResourceNames(prefix="neo4j-mcp", stack="dev")
NOON = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
HOST = HOSTS[Hosting.LAMBDA]


class _Aws:
    """Two functions with a log group each, of which one has two pages of events."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def __call__(self, _service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        self.requests.append(parameters)
        match operation, parameters:
            case "get_function_configuration", {"FunctionName": "neo4j-mcp-dev-claims"}:
                return {"LoggingConfig": {"LogGroup": "claims"}}
            case "filter_log_events", {"logGroupName": "one", "nextToken": "more"}:
                return {"events": [_event(3)]}
            case "filter_log_events", {"logGroupName": "one"}:
                return {"events": [_event(1)], "nextToken": "more"}
            case "filter_log_events", {"logGroupName": "two"}:
                return {"events": [_event(2), _event(4)]}
            case "filter_log_events", {"logGroupName": "denied"}:
                raise _error("AccessDeniedException", operation)
        raise _error("ResourceNotFoundException", operation)


def _event(minute: int) -> dict[str, Any]:
    at = NOON + dt.timedelta(minutes=minute)
    return {"timestamp": int(at.timestamp() * 1000), "message": f"line {minute}\n"}


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


def test_a_functions_log_group_is_the_one_that_it_writes_to() -> None:
    assert find_log(Writer.CLAIMS, _Aws(), NAMES, HOST) == Log(groups=("claims",))


@pytest.mark.parametrize(
    ("writer", "function", "setting"),
    [
        (Writer.ROTATION, "neo4j-mcp-dev-rotation", ""),
        (Writer.CANARY, "neo4j-mcp-dev-canary", "neo4j-mcp:monitoring.enabled true"),
    ],
)
def test_a_missing_function_is_named_with_what_deploys_it(
    writer: Writer, function: str, setting: str
) -> None:
    with pytest.raises(NoLogError) as raised:
        find_log(writer, _Aws(), NAMES, HOST)

    message = str(raised.value)
    assert function in message
    assert setting in message
    assert "python -m automation deploy --stack dev" in message


def test_lines_of_several_groups_are_in_the_order_of_time() -> None:
    aws = _Aws()

    lines = list(read_lines(aws, Log(groups=("one", "two")), NOON, NOON + HOUR))

    assert [each.message for each in lines] == ["line 1", "line 2", "line 3", "line 4"]
    assert [each.source for each in lines] == ["one", "two", "one", "two"]
    assert {(each["startTime"], each["endTime"]) for each in aws.requests} == {
        (int(NOON.timestamp() * 1000), int((NOON + HOUR).timestamp() * 1000))
    }


def test_events_outside_of_log_groups_are_in_the_same_order() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    at = (NOON + dt.timedelta(minutes=each) for each in (3, -1, 60))
    events = [Line(at=each.astimezone(zone), source="service", message="stopped") for each in at]

    lines = read_lines(_Aws(), Log(groups=("two",), events=tuple(events)), NOON, NOON + HOUR)

    assert [str(each) for each in lines] == [
        "2026-11-27T12:02:00.000+00:00 line 2",
        "2026-11-27T12:03:00.000+00:00 stopped",
        "2026-11-27T12:04:00.000+00:00 line 4",
    ]


def test_a_group_that_does_not_exist_yet_has_no_lines() -> None:
    lines = list(read_lines(_Aws(), Log(groups=("two", "missing")), NOON, NOON + HOUR))

    assert [each.message for each in lines] == ["line 2", "line 4"]


def test_a_group_that_may_not_be_read_is_an_error() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        list(read_lines(_Aws(), Log(groups=("two", "denied")), NOON, NOON + HOUR))


def test_a_line_has_its_time_in_utc() -> None:
    line = Line(at=NOON, source="one", message="ready")

    assert str(line) == "2026-11-27T12:00:00.000+00:00 ready"
    assert line.document() == {
        "at": "2026-11-27T12:00:00.000+00:00",
        "source": "one",
        "message": "ready",
    }
