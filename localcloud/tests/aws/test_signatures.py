"""Signatures and the gate, without an endpoint."""

import asyncio
import datetime as dt
from typing import Any

import pytest

from aws.calls import JSON, QUERY, QUERY_BY_GET, REGION, REST, Call, Raw
from localcloud.access_key import AccessKey
from localcloud.aws.ecr.app import EcrApp
from localcloud.aws.ecr.models import Registry
from localcloud.aws.gate import Gate
from localcloud.aws.keys import KeyRing
from localcloud.aws.refusals import Problem, Protocol, RefusedError, encode
from localcloud.aws.signatures import RequestHead, Verifier

_KEY = AccessKey.generate()
_HOST = "localhost:4566"
_NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)


def _no_issued_key(_key_id: str, _token: str) -> str:
    raise RefusedError(Problem.UNKNOWN_KEY)


def _verifier(now: dt.datetime | None = None) -> Verifier:
    return Verifier(
        find_secret=KeyRing([_KEY], _no_issued_key).secret,
        region=REGION,
        services={"iam", "sts", "ecr", "cognito-idp", "lambda"},
        now=lambda: now or dt.datetime.now(dt.UTC),
    )


def _request(raw: Raw) -> RequestHead:
    path, _, query = raw.target.partition("?")
    headers = [(name.lower(), value) for name, value in raw.headers.items()]
    return RequestHead(method=raw.method, path=path, query=query, headers=headers)


def _verified(raw: Raw, now: dt.datetime | None = None) -> None:
    verifier, request = _verifier(now), _request(raw)
    signature, secret = verifier.check(request)
    verifier.verify(request, raw.body, signature, secret)


@pytest.mark.parametrize(("call", "minutes"), [(JSON, 5), (REST, 5), (QUERY, 15)])
@pytest.mark.parametrize("sign", [1, -1], ids=["early", "late"])
def test_a_signature_is_valid_for_as_long_as_on_aws(call: Call, minutes: int, sign: int) -> None:
    raw = call.signed(_HOST, _KEY, at=_NOW)
    _verified(raw, _NOW)
    within = dt.timedelta(minutes=minutes)
    _verified(raw, _NOW + sign * within)
    with pytest.raises(RefusedError, match=r"Signature (expired|not yet current)") as refused:
        _verified(raw, _NOW + sign * (within + dt.timedelta(seconds=1)))
    assert refused.value.problem is Problem.MISMATCH


@pytest.mark.parametrize(
    ("expires", "valid"), [("1", True), ("604800", True), ("604801", False), ("-1", False)]
)
def test_a_presigned_request_is_valid_for_its_lifetime(expires: str, *, valid: bool) -> None:
    raw = QUERY_BY_GET.signed(_HOST, _KEY, presigned=True, expires=int(expires))
    if valid:
        _verified(raw)
        late = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=int(expires) + 1)
        with pytest.raises(RefusedError, match="Signature expired"):
            _verified(raw, late)
    else:
        with pytest.raises(RefusedError, match="X-Amz-Expires"):
            _verified(raw)


@pytest.mark.parametrize(
    "path", ["/a%2Fb/c%20d", "/2015-03-31/functions/arn%3Aaws%3Alambda/x", "/"]
)
@pytest.mark.parametrize("query", ["", "b=2&a=1&a=0", "x=%20%2F&empty="])
def test_encoded_paths_and_queries_are_verified(path: str, query: str) -> None:
    call = Call(
        service="lambda",
        method="GET",
        path=f"{path}?{query}" if query else path,
        headers={"x-amz-note": "two  spaces "},
        body=b"",
        unknown_key="",
        mismatch="",
        missing="",
        status=403,
    )
    _verified(call.signed(_HOST, _KEY))


def test_a_second_authorization_header_is_refused() -> None:
    request = _request(JSON.signed(_HOST, _KEY))
    doubled = RequestHead(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=[*request.headers, ("authorization", "AWS4-HMAC-SHA256 Credential=x")],
    )
    with pytest.raises(RefusedError) as refused:
        _verifier().check(doubled)
    assert refused.value.problem is Problem.INCOMPLETE


def test_no_secret_is_in_a_repr() -> None:
    raw = JSON.signed(_HOST, _KEY, token="a-session-token")
    request = _request(raw)
    shown = f"{request!r} {_verifier()!r}"
    signature = raw.headers["Authorization"].rpartition("=")[2]
    assert _KEY.secret not in shown
    assert "a-session-token" not in shown
    assert signature not in shown


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("problem", Problem)
def test_a_refusal_has_a_code_in_every_protocol(problem: Problem, protocol: Protocol) -> None:
    status, headers, body = encode(RefusedError(problem, "why <not>"), protocol)
    assert status in {400, 403}
    query_code, json_code, _ = problem.value
    in_xml = protocol in {Protocol.QUERY, Protocol.REST_XML}
    code = query_code if in_xml else json_code
    assert code.encode() in body
    assert headers["x-amzn-requestid"]


async def _never(*_: object) -> None:
    pytest.fail("the request was passed on")


def _gate(**limits: float) -> Gate:
    images = Registry(aws_host="aws.example", local_host=_HOST)
    return Gate(
        port=4566,
        verifier=_verifier(),
        ecr=EcrApp(images, _never),
        application=_never,
        **limits,
    )


def _scope(kind: str = "http", length: int = 10) -> dict[str, Any]:
    return {
        "type": kind,
        "method": "POST",
        "path": "/oauth2/token",
        "raw_path": b"/oauth2/token",
        "query_string": b"",
        "headers": [(b"host", _HOST.encode()), (b"content-length", str(length).encode())],
    }


async def _statuses(gate: Gate, scope: dict[str, Any], messages: list[dict[str, Any]]) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:  # noqa: ANN401 - whatever is sent
        sent.append(message)

    await gate(scope, receive, send)
    return [each.get("status", each.get("code")) for each in sent if "body" not in each]


async def test_a_body_that_does_not_arrive_times_out() -> None:
    begun = [{"type": "http.request", "body": b"grant", "more_body": True}]
    assert await _statuses(_gate(body_seconds=0.05), _scope(), begun) == [408]


async def test_a_large_body_is_refused_before_it_is_read() -> None:
    assert await _statuses(_gate(), _scope(length=65_537), []) == [413]
    pieces = [{"type": "http.request", "body": b"x" * 40_000, "more_body": True}] * 2
    assert await _statuses(_gate(), _scope(), pieces) == [413]


async def test_web_sockets_are_refused() -> None:
    assert await _statuses(_gate(), _scope(kind="websocket"), []) == [1008]
