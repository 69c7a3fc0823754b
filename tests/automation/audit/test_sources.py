"""How an audit reads its sources, and what people see of it."""

import datetime as dt
import io
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

from automation.audit.printing import print_audit
from automation.audit.records import Audit
from automation.audit.sources import CLAIMS_LOG, EVENT_HISTORY, read_audit
from automation.terminal import console
from tests.automation.audit.test_records import AGENT, NOON, log_event, read_event, token_line

SINCE = NOON - dt.timedelta(hours=1)
UNTIL = NOON + dt.timedelta(hours=1)
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "LookupEvents")


class _Aws:
    """AWS with one page of each source after the other; validates every request."""

    def __init__(self, *, denied: str = "") -> None:
        self._denied = denied
        self.requests: list[dict[str, Any]] = []

    def __call__(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        name = "".join(part.title() for part in operation.split("_"))
        model = botocore.session.get_session().get_service_model(service)
        shape = model.operation_model(name).input_shape
        assert shape is not None
        validate_parameters(parameters, shape)
        if operation == self._denied:
            raise DENIED
        self.requests.append(parameters)
        match operation:
            case "get_function_configuration":
                return {"LoggingConfig": {"LogGroup": "/aws/lambda/p-dev-claims-12345678"}}
            case "filter_log_events" if "nextToken" in parameters:
                return {"events": [log_event(token_line("id1", "reader"))]}
            case "filter_log_events":
                return {"events": [log_event(token_line("id2", "writer"))], "nextToken": "more"}
            case "lookup_events" if "NextToken" in parameters:
                return {"Events": [read_event(errorCode="AccessDenied")]}
        return {"Events": [read_event(), read_event()], "NextToken": "more"}


def _audit(aws: _Aws) -> tuple[Audit, list[float]]:
    pauses: list[float] = []
    return read_audit("dev", [AGENT], "p-dev-claims", aws, SINCE, UNTIL, pauses.append), pauses


def _printed(audit: Audit) -> str:
    written = io.StringIO()
    print_audit(audit, console(file=written, width=160))
    return written.getvalue()


def test_every_page_of_both_sources_is_read_within_cloudtrails_limit() -> None:
    aws = _Aws()

    found, pauses = _audit(aws)

    assert {each.client for each in found.tokens} == {"agent", None}
    assert [each.error for each in found.reads] == ["", "", "AccessDenied"]
    assert pauses == [0.5]
    (logs, *_) = (each for each in aws.requests if "logGroupName" in each)
    assert logs["startTime"] == int(SINCE.timestamp() * 1000)
    (lookup, *_) = (each for each in aws.requests if "LookupAttributes" in each)
    assert (lookup["StartTime"], lookup["EndTime"]) == (SINCE, UNTIL)


def test_a_source_that_cannot_be_read_is_reported_with_the_other_one() -> None:
    found, _ = _audit(_Aws(denied="lookup_events"))

    assert len(found.tokens) == 2
    assert set(found.unread) == {EVENT_HISTORY}
    assert f"! {EVENT_HISTORY} can't be read: An error occurred (AccessDenied)" in _printed(found)

    found, _ = _audit(_Aws(denied="filter_log_events"))

    assert len(found.reads) == 3
    assert set(found.unread) == {CLAIMS_LOG}


def test_people_see_equal_events_as_one_line_with_their_number() -> None:
    printed = _printed(_audit(_Aws())[0])

    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in printed.splitlines()
        if line.startswith("│")
    ]
    at = "2026-11-27 12:00 UTC"
    caller = "arn:aws:sts::111122223333:assumed-role/agent/session"
    assert ["(removed)", "id2", "writer", "1", at, at] in rows
    assert ["agent", "id1", "reader", "1", at, at] in rows
    assert ["agent", caller, "198.51.100.7", "read", "2", at, at] in rows
    assert ["agent", caller, "198.51.100.7", "AccessDenied", "1", at, at] in rows


def test_the_document_has_every_event() -> None:
    document = _audit(_Aws())[0].document()

    assert len(document["secretReads"]) == 3
    assert document["tokens"][1] == {
        "at": "2026-11-27T12:00:00+00:00",
        "client": "agent",
        "clientId": "id1",
        "groups": ["reader"],
    }
    assert document["unread"] == {}
