"""The endpoint refuses unsigned requests and web pages, tested over HTTP."""

import base64
import dataclasses
import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable, Mapping

import pytest
from botocore.exceptions import ClientError

from aws.calls import (
    APP_RUNNER,
    CALLS,
    JSON,
    QUERY,
    QUERY_BY_GET,
    REST,
    Call,
    Raw,
    send,
)
from aws.conftest import AwsEndpoint, create_role
from localcloud.access_key import AccessKey
from tests import other_user

pytestmark = pytest.mark.stand_in

_NAMES = [call.service for call in CALLS]


def altered(raw: Raw, **headers: str) -> Raw:
    return dataclasses.replace(raw, headers={**raw.headers, **headers})


@pytest.mark.parametrize("call", CALLS, ids=_NAMES)
def test_a_signed_request_is_answered(endpoint: AwsEndpoint, call: Call) -> None:
    response = send(endpoint.registry, call.signed(endpoint.registry, endpoint.key))
    assert response.status == 200
    assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("call", [QUERY_BY_GET, REST], ids=["sts", "lambda"])
def test_a_presigned_request_is_verified(endpoint: AwsEndpoint, call: Call) -> None:
    host, key = endpoint.registry, endpoint.key
    right = call.signed(host, key, presigned=True)
    assert send(endpoint.registry, right).status == 200
    other = dataclasses.replace(key, secret=AccessKey.generate().secret)
    longer = right.target.replace("X-Amz-Expires=60", "X-Amz-Expires=61")
    for wrong in (
        call.signed(host, other, presigned=True),
        call.signed(host, key, presigned=True, expires=0),
        dataclasses.replace(right, target=longer),
        dataclasses.replace(right, body=b"a body"),
    ):
        response = send(endpoint.registry, wrong)
        assert (response.code, response.status) == (call.mismatch, call.status)


def _unknown_key(host: str, call: Call, _: AccessKey) -> Raw:
    return call.signed(host, AccessKey.generate())


def _wrong_secret(host: str, call: Call, key: AccessKey) -> Raw:
    return call.signed(host, dataclasses.replace(key, secret=AccessKey.generate().secret))


def _tampered(host: str, call: Call, key: AccessKey) -> Raw:
    return dataclasses.replace(call.signed(host, key), body=call.body + b" ")


def _declared_hash(host: str, call: Call, key: AccessKey) -> Raw:
    unsigned_payload = dataclasses.replace(
        call, headers={**call.headers, "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    )
    return dataclasses.replace(unsigned_payload.signed(host, key), body=b"anything")


def _other_path(host: str, call: Call, key: AccessKey) -> Raw:
    return dataclasses.replace(call.signed(host, key), target="/2015-03-31/functions/x")


def _old(host: str, call: Call, key: AccessKey) -> Raw:
    return call.signed(host, key, at=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=16))


def _future(host: str, call: Call, key: AccessKey) -> Raw:
    return call.signed(host, key, at=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=16))


def _other_region(host: str, call: Call, key: AccessKey) -> Raw:
    return call.signed(host, key, region="eu-west-1")


def _other_service(host: str, call: Call, key: AccessKey) -> Raw:
    return dataclasses.replace(call, service="s3").signed(host, key)


def _unsigned_header(host: str, call: Call, key: AccessKey) -> Raw:
    return altered(call.signed(host, key), **{"x-amz-meta": "added on the way"})


def _token_of_another(host: str, call: Call, key: AccessKey) -> Raw:
    return call.signed(host, key, token="some-token")


def _test_key(host: str, call: Call, _: AccessKey) -> Raw:
    return call.signed(host, AccessKey(key_id="test", secret="test"))


def _account_as_key(host: str, call: Call, key: AccessKey) -> Raw:
    return call.signed(host, dataclasses.replace(key, key_id="000000000000"))


_WRONG: Mapping[str, tuple[Callable[[str, Call, AccessKey], Raw], str]] = {
    "unknown key": (_unknown_key, "unknown_key"),
    "ministack's usual key": (_test_key, "unknown_key"),
    "account's id as the key": (_account_as_key, "mismatch"),
    "wrong secret": (_wrong_secret, "mismatch"),
    "tampered body": (_tampered, "mismatch"),
    "body's hash not signed": (_declared_hash, "mismatch"),
    "other path": (_other_path, "mismatch"),
    "too old": (_old, "mismatch"),
    "too early": (_future, "mismatch"),
    "other region": (_other_region, "mismatch"),
    "service that isn't here": (_other_service, "mismatch"),
    "header that isn't signed": (_unsigned_header, "mismatch"),
    "session token of another key": (_token_of_another, "unknown_key"),
}


@pytest.mark.parametrize("call", CALLS, ids=_NAMES)
@pytest.mark.parametrize("wrong", _WRONG)
def test_a_wrong_signature_is_refused_as_aws_does(
    endpoint: AwsEndpoint, call: Call, wrong: str
) -> None:
    create, expected = _WRONG[wrong]
    response = send(endpoint.registry, create(endpoint.registry, call, endpoint.key))
    assert (response.code, response.status) == (getattr(call, expected), call.status)
    assert endpoint.key.secret.encode() not in response.body


@pytest.mark.parametrize("call", CALLS, ids=_NAMES)
def test_an_unsigned_request_is_refused_as_aws_does(endpoint: AwsEndpoint, call: Call) -> None:
    response = send(endpoint.registry, call.unsigned(endpoint.registry))
    assert (response.code, response.status) == (call.missing, call.status)


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/iam/aws4_request",
        "AWS4-HMAC-SHA256 Credential=AKIA, SignedHeaders=host, Signature=0",
        "AWS AKIA:c2lnbmF0dXJl",
        "Basic QVdTOmd1ZXNz",
        "AWS4-ECDSA-P256-SHA256 Credential=AKIA/20260101/iam/aws4_request, SignedHeaders=host",
    ],
)
def test_an_incomplete_signature_is_refused(endpoint: AwsEndpoint, authorization: str) -> None:
    response = send(
        endpoint.registry,
        QUERY.unsigned(
            endpoint.registry, authorization=authorization, **{"x-amz-date": "20260101T000000Z"}
        ),
    )
    assert (response.code, response.status) == ("IncompleteSignature", 400)


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("iam", "list_roles", "InvalidClientTokenId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("cognito-idp", "list_user_pools", "UnrecognizedClientException"),
        ("ecr", "describe_repositories", "UnrecognizedClientException"),
        ("apprunner", "list_services", "UnrecognizedClientException"),
        ("logs", "describe_log_groups", "UnrecognizedClientException"),
        ("secretsmanager", "list_secrets", "UnrecognizedClientException"),
        ("lambda", "list_functions", "UnrecognizedClientException"),
        ("cloudwatch", "list_metrics", "UnrecognizedClientException"),
    ],
)
def test_boto3_raises_the_error_of_aws(
    endpoint: AwsEndpoint, service: str, operation: str, code: str
) -> None:
    client = endpoint.client(service, key=AccessKey.generate())
    parameters = {"MaxResults": 1} if operation == "list_user_pools" else {}
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert error["Message"] == "The security token included in the request is invalid."


def _with_host(host: str) -> Callable[[AwsEndpoint], Raw]:
    return lambda endpoint: JSON.signed(
        host.format(port=endpoint.registry.partition(":")[2]), endpoint.key
    )


def _with_headers(**headers: str) -> Callable[[AwsEndpoint], Raw]:
    return lambda endpoint: altered(JSON.signed(endpoint.registry, endpoint.key), **headers)


def _at(method: str, target: str) -> Callable[[AwsEndpoint], Raw]:
    def create(endpoint: AwsEndpoint) -> Raw:
        call = dataclasses.replace(REST, method=method, path=target)
        return call.signed(endpoint.registry, endpoint.key)

    return create


_CLOSED = {
    "foreign host": (_with_host("evil.example"), 403),
    "foreign host, this port": (_with_host("evil.example:{port}"), 403),
    "host that only begins so": (_with_host("localhost.evil.example:{port}"), 403),
    "host of a function": (_with_host("a.lambda-url.us-east-1.localhost:{port}"), 403),
    "other port": (_with_host("localhost:80"), 403),
    "no port": (_with_host("localhost"), 403),
    "origin": (_with_headers(origin="https://evil.example"), 403),
    "origin of itself": (_with_headers(origin="http://localhost:4566"), 403),
    "origin of a file": (_with_headers(origin="null"), 403),
    "preflight": (_at("OPTIONS", "/2015-03-31/functions"), 403),
    "reset": (_at("POST", "/_ministack/reset"), 404),
    "configuration": (_at("POST", "/_ministack/config"), 404),
    "health": (_at("GET", "/_ministack/health"), 404),
    "LocalStack's health": (_at("GET", "/_localstack/health"), 404),
    "short health": (_at("GET", "/health"), 404),
    "code of a function": (_at("GET", "/_ministack/lambda-code/claims"), 404),
    "function URL": (_at("GET", "/_aws/lambda-url/0/"), 404),
    "gateway": (_at("GET", "/_aws/execute-api/0/$default/"), 404),
    "load balancer": (_at("GET", "/_alb/x/"), 404),
}


@pytest.mark.parametrize("closed", _CLOSED)
def test_closed_paths_are_refused_even_if_signed(endpoint: AwsEndpoint, closed: str) -> None:
    create, status = _CLOSED[closed]
    response = send(endpoint.registry, create(endpoint))
    assert response.status == status
    assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "target",
    [
        "/oauth2/authorize",
        "/oauth2/userInfo",
        "/login",
        "/logout",
        "/us-east-1_x/.well-known/jwks.json/../../2015-03-31/functions",
        "/us-east-1_x/y/.well-known/jwks.json",
        "/v2/apis",
        "/v2/email/identities",
        "/iceberg/v1/config",
        "/bucket/object",
        "//_ministack/health",
        "/%5fministack/health",
    ],
)
def test_paths_that_resemble_public_ones_are_refused(endpoint: AwsEndpoint, target: str) -> None:
    raw = Raw(method="GET", target=target, headers={"host": endpoint.registry})
    assert send(endpoint.registry, raw).status in {403, 404}


def test_a_public_path_with_a_target_must_be_signed(endpoint: AwsEndpoint) -> None:
    raw = dataclasses.replace(JSON.unsigned(endpoint.registry), target="/oauth2/token")
    assert send(endpoint.registry, raw).code == JSON.missing


def test_a_large_public_body_is_refused(endpoint: AwsEndpoint) -> None:
    raw = Raw(
        method="POST",
        target="/oauth2/token",
        headers={"host": endpoint.registry, "content-type": "application/x-www-form-urlencoded"},
        body=b"x" * (64 * 1024 + 1),
    )
    assert send(endpoint.registry, raw).status == 413


def test_a_web_socket_is_refused(endpoint: AwsEndpoint) -> None:
    headers = {
        "host": endpoint.registry,
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    raw = Raw(method="GET", target="/_aws/execute-api/0/$default/", headers=headers)
    assert send(endpoint.registry, raw).status == 404


def test_keys_that_sts_and_iam_issue_are_verified(endpoint: AwsEndpoint) -> None:
    role = create_role(endpoint, "assumed", "lambda.amazonaws.com", [])
    assumed = endpoint.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
    session = assumed["Credentials"]
    key = AccessKey(key_id=session["AccessKeyId"], secret=session["SecretAccessKey"])
    token = session["SessionToken"]
    right = APP_RUNNER.signed(endpoint.registry, key, token=token)
    assert send(endpoint.registry, right).status == 200
    other = dataclasses.replace(key, secret=AccessKey.generate().secret)
    for wrong, code in (
        (APP_RUNNER.signed(endpoint.registry, other, token=token), APP_RUNNER.mismatch),
        (APP_RUNNER.signed(endpoint.registry, key, token="another"), APP_RUNNER.unknown_key),
        (APP_RUNNER.signed(endpoint.registry, key), APP_RUNNER.unknown_key),
    ):
        assert send(endpoint.registry, wrong).code == code
    iam = endpoint.client("iam")
    iam.create_user(UserName="someone")
    created = iam.create_access_key(UserName="someone")["AccessKey"]
    key = AccessKey(key_id=created["AccessKeyId"], secret=created["SecretAccessKey"])
    assert send(endpoint.registry, JSON.signed(endpoint.registry, key)).status == 200
    iam.delete_access_key(UserName="someone", AccessKeyId=key.key_id)
    refused = send(endpoint.registry, JSON.signed(endpoint.registry, key))
    assert refused.code == JSON.unknown_key


_CALLER = """
import boto3

def handler(event, context):
    return boto3.client("sts").get_caller_identity()["Account"]
"""


def _archive(source: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", source)
    return archive.getvalue()


def test_a_function_can_call_aws(
    endpoint: AwsEndpoint,
) -> None:
    functions = endpoint.client("lambda")
    functions.create_function(
        FunctionName="caller",
        Runtime="python3.13",
        Role=create_role(endpoint, "caller", "lambda.amazonaws.com", []),
        Handler="index.handler",
        Code={"ZipFile": _archive(_CALLER)},
    )
    response = functions.invoke(FunctionName="caller", Payload=b"{}")
    assert json.loads(response["Payload"].read()) == "000000000000"


_ATTACK = """
statuses = []
for path, body in (
    ("/2015-03-31/functions", {
        "FunctionName": "attack", "Runtime": "python3.13", "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/x", "Code": {"ZipFile": parameters["archive"]},
    }),
    ("/2015-03-31/functions/attack/invocations", {}),
    ("/_ministack/reset", {}),
):
    connection = http.client.HTTPConnection(parameters["address"], timeout=30)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    statuses.append(connection.getresponse().status)
print(json.dumps(statuses))
"""


@other_user.as_nobody
def test_another_user_of_this_machine_cannot_run_code(endpoint: AwsEndpoint) -> None:
    archive = _archive("def handler(event, context):\n    import os\n    return os.getuid()\n")
    statuses = other_user.run(
        "import http.client, json",
        _ATTACK,
        address=endpoint.registry,
        archive=base64.b64encode(archive).decode(),
    )
    assert statuses == [403, 403, 404]
    functions = endpoint.client("lambda").list_functions()["Functions"]
    assert "attack" not in [each["FunctionName"] for each in functions]
