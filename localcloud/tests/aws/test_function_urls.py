"""Lambda functions by their URLs, created with boto3 and called over TLS."""

import concurrent.futures
import contextlib
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from aws.conftest import ACCOUNT, REGION, AwsEndpoint, create_role, eventually

pytestmark = pytest.mark.stand_in

NAME = "by-url"
LOG_GROUP = "/aws/lambda/by-url-log"
CODE = """
import json, os, time

def handler(event, context):
    print("handled", event["rawPath"], flush=True)
    if event["rawPath"] == "/fail":
        raise ValueError("a secret of the function")
    if event["rawPath"] == "/slow":
        time.sleep(2)
    if event["rawPath"] == "/large":
        return {"statusCode": 200, "body": "a" * 6_500_000}
    return {
        "statusCode": 201,
        "headers": {"www-authenticate": "Bearer"},
        "body": json.dumps({"event": event, "pid": os.getpid()}),
    }
"""


def package(code: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", code)
    return packed.getvalue()


@pytest.fixture(scope="module")
def function(endpoint: AwsEndpoint) -> Iterator[str]:
    write_log = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{LOG_GROUP}:*",
    }
    role = create_role(endpoint, "by-url", "lambda.amazonaws.com", [write_log])
    client = endpoint.client("lambda")
    client.create_function(
        FunctionName=NAME,
        Role=role,
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": package(CODE)},
        Timeout=10,
        LoggingConfig={"LogFormat": "Text", "LogGroup": LOG_GROUP},
    )
    endpoint.client("logs").create_log_group(logGroupName=LOG_GROUP)
    yield NAME
    with contextlib.suppress(ClientError):
        client.delete_function(FunctionName=NAME)


def allow(endpoint: AwsEndpoint, statement: str, action: str, **condition: object) -> None:
    endpoint.client("lambda").add_permission(
        FunctionName=NAME, StatementId=statement, Action=action, Principal="*", **condition
    )


@pytest.fixture
def url(endpoint: AwsEndpoint, function: str) -> Iterator[str]:
    client = endpoint.client("lambda")
    created = client.create_function_url_config(FunctionName=function, AuthType="NONE")
    allow(endpoint, "public", "lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    allow(endpoint, "invoke", "lambda:InvokeFunction", InvokedViaFunctionUrl=True)
    yield str(created["FunctionUrl"])
    # A test may have deleted some of them.
    missing = client.exceptions.ResourceNotFoundException
    with contextlib.suppress(missing):
        client.delete_function_url_config(FunctionName=function)
    for statement in ("public", "invoke"):
        with contextlib.suppress(missing):
            client.remove_permission(FunctionName=function, StatementId=statement)


@pytest.fixture
def caller(endpoint: AwsEndpoint) -> Iterator[httpx.Client]:
    with httpx.Client(verify=endpoint.tls(), timeout=30) as client:
        yield client


def test_a_request_reaches_the_function(url: str, caller: httpx.Client) -> None:
    response = caller.post(
        f"{url}mcp?a=1&a=2", headers={"Authorization": "Bearer t"}, content=b"\xff"
    )

    assert response.status_code == 201
    assert response.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
    event = response.json()["event"]
    assert (event["rawPath"], event["rawQueryString"]) == ("/mcp", "a=1&a=2")
    assert event["headers"]["authorization"] == "Bearer t"
    assert event["isBase64Encoded"] is True


def test_the_address_is_the_same_in_every_answer(
    endpoint: AwsEndpoint, function: str, url: str
) -> None:
    client = endpoint.client("lambda")

    assert url.startswith("https://localhost:")
    assert client.get_function_url_config(FunctionName=function)["FunctionUrl"] == url
    (listed,) = client.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"]
    assert listed["FunctionUrl"] == url
    updated = client.update_function_url_config(FunctionName=function, AuthType="AWS_IAM")
    assert updated["FunctionUrl"] == url


def test_a_url_without_both_permissions_is_forbidden(
    endpoint: AwsEndpoint, function: str, url: str, caller: httpx.Client
) -> None:
    client = endpoint.client("lambda")
    client.remove_permission(FunctionName=function, StatementId="invoke")

    response = caller.get(url)

    assert (response.status_code, response.headers["x-amzn-errortype"]) == (
        403,
        "AccessDeniedException",
    )
    allow(endpoint, "invoke", "lambda:InvokeFunction", InvokedViaFunctionUrl=True)


@pytest.mark.parametrize("path", ["fail", "large"])
def test_an_error_of_the_function_is_not_shown(url: str, caller: httpx.Client, path: str) -> None:
    response = caller.get(url + path)

    assert (response.status_code, response.text) == (502, "Internal Server Error")


def test_no_more_run_than_are_reserved(
    endpoint: AwsEndpoint, function: str, url: str, caller: httpx.Client
) -> None:
    client = endpoint.client("lambda")
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        statuses = sorted(pool.map(lambda _: caller.get(f"{url}slow").status_code, range(3)))
    client.delete_function_concurrency(FunctionName=function)

    assert statuses == [201, 429, 429]
    assert caller.get(url).status_code == 201


def test_new_code_serves_the_next_request(
    endpoint: AwsEndpoint, function: str, url: str, caller: httpx.Client
) -> None:
    changed = "def handler(event, context):\n    return {'statusCode': 204}\n"
    client = endpoint.client("lambda")
    client.update_function_code(FunctionName=function, ZipFile=package(changed))
    try:
        assert caller.get(url).status_code == 204
    finally:
        client.update_function_code(FunctionName=function, ZipFile=package(CODE))
    assert caller.get(url).status_code == 201


def test_what_the_function_prints_is_in_its_log_group(
    endpoint: AwsEndpoint, url: str, caller: httpx.Client
) -> None:
    caller.get(f"{url}printed")

    def events() -> list[dict[str, Any]]:
        found = endpoint.client("logs").filter_log_events(logGroupName=LOG_GROUP)["events"]
        return [each for each in found if "handled /printed" in each["message"]]

    assert eventually(events)


def test_a_deleted_url_answers_no_more(
    endpoint: AwsEndpoint, function: str, url: str, caller: httpx.Client
) -> None:
    endpoint.client("lambda").delete_function_url_config(FunctionName=function)

    with pytest.raises(httpx.ConnectError):
        caller.get(url)


def test_a_url_of_an_alias_reaches_the_aliases_version(
    endpoint: AwsEndpoint, function: str, url: str, caller: httpx.Client
) -> None:
    client, alias = endpoint.client("lambda"), {"FunctionName": function, "Qualifier": "live"}
    first = client.publish_version(FunctionName=function)["Version"]
    client.create_alias(FunctionName=function, Name="live", FunctionVersion=first)
    created = client.create_function_url_config(**alias, AuthType="NONE")
    assert created["FunctionUrl"] != url
    assert created["FunctionArn"].endswith(f":{function}:live")
    listed = client.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"]
    assert {each["FunctionUrl"] for each in listed} == {url, created["FunctionUrl"]}
    # The permissions of the function aren't the alias's.
    assert caller.get(created["FunctionUrl"]).status_code == 403
    for statement, action, condition in (
        ("live-public", "lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
        ("live-invoke", "lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        client.add_permission(
            **alias, StatementId=statement, Action=action, Principal="*", **condition
        )
    assert caller.get(created["FunctionUrl"]).status_code == 201

    changed = "def handler(event, context):\n    return {'statusCode': 204}\n"
    client.update_function_code(FunctionName=function, ZipFile=package(changed))
    client.get_waiter("function_updated_v2").wait(FunctionName=function)
    second = client.publish_version(FunctionName=function)["Version"]
    try:
        assert caller.get(url).status_code == 204
        assert caller.get(created["FunctionUrl"]).status_code == 201
        client.update_alias(FunctionName=function, Name="live", FunctionVersion=second)
        assert caller.get(created["FunctionUrl"]).status_code == 204
    finally:
        client.update_function_code(FunctionName=function, ZipFile=package(CODE))
        client.get_waiter("function_updated_v2").wait(FunctionName=function)
    client.delete_function_url_config(**alias)
    with pytest.raises(httpx.ConnectError):
        caller.get(created["FunctionUrl"])
    assert caller.get(url).status_code == 201
    client.delete_alias(FunctionName=function, Name="live")


def test_a_version_has_no_url(endpoint: AwsEndpoint, function: str) -> None:
    client = endpoint.client("lambda")
    version = client.publish_version(FunctionName=function)["Version"]

    with pytest.raises(ClientError) as caught:
        client.create_function_url_config(FunctionName=function, Qualifier=version, AuthType="NONE")
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_deleted_function_has_no_url(
    endpoint: AwsEndpoint, function: str, url: str, caller: httpx.Client
) -> None:
    """Last, since it deletes the function of the others."""
    assert json.loads(caller.get(url).text)["pid"]
    endpoint.client("lambda").delete_function(FunctionName=function)

    with pytest.raises(httpx.ConnectError):
        caller.get(url)
