"""Versions and aliases of Lambda functions, through boto3."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from aws.conftest import AwsEndpoint, create_role

pytestmark = pytest.mark.stand_in

NAME = "with-versions"
CODE = """
import os

def handler(event, context):
    if event.get("pid"):
        return os.getpid()
    return os.environ["COLOR"]
"""


def package(code: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", code)
    return packed.getvalue()


# Of the time of its creation, too.
PACKED = package(CODE)


@pytest.fixture(scope="module")
def client(endpoint: AwsEndpoint) -> Iterator[Any]:
    client = endpoint.client("lambda")
    created = client.create_function(
        FunctionName=NAME,
        Role=create_role(endpoint, NAME, "lambda.amazonaws.com", []),
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": PACKED},
        Environment={"Variables": {"COLOR": "red"}},
        Publish=True,
    )
    assert created["Version"] == "1"
    yield client
    client.delete_function(FunctionName=NAME)


def change(client: Any, color: str) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    client.update_function_configuration(
        FunctionName=NAME, Environment={"Variables": {"COLOR": color}}
    )
    client.get_waiter("function_updated_v2").wait(FunctionName=NAME)


def invoke(client: Any, qualifier: str) -> str:  # noqa: ANN401 - boto3 creates its clients at run time
    answer = client.invoke(FunctionName=NAME, Qualifier=qualifier, Payload=b"{}")
    return str(json.loads(answer["Payload"].read()))


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_version_published_with_the_function_is_active_and_has_its_arn(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    found = client.get_function_configuration(FunctionName=NAME, Qualifier="1")

    assert found["FunctionArn"].endswith(f":function:{NAME}:1")
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")


def test_a_version_keeps_its_environment_and_an_alias_leads_to_it(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    client.create_alias(FunctionName=NAME, Name="live", FunctionVersion="1")
    change(client, "green")
    version = client.publish_version(FunctionName=NAME)["Version"]

    assert (invoke(client, "1"), invoke(client, version)) == ("red", "green")
    assert invoke(client, "live") == "red"
    client.update_alias(FunctionName=NAME, Name="live", FunctionVersion=version)
    assert invoke(client, "live") == "green"
    found = client.get_function_configuration(FunctionName=NAME, Qualifier="live")
    assert (found["Version"], found["Environment"]["Variables"]) == (version, {"COLOR": "green"})


def test_the_environments_of_a_version_that_no_alias_leads_to_end(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    versions = client.list_versions_by_function(FunctionName=NAME)["Versions"]
    *_, first, second = (each["Version"] for each in versions)
    client.update_alias(FunctionName=NAME, Name="live", FunctionVersion=first)
    answer = client.invoke(FunctionName=NAME, Qualifier="live", Payload=b'{"pid": true}')
    environment = psutil.Process(json.loads(answer["Payload"].read()))

    client.update_alias(FunctionName=NAME, Name="live", FunctionVersion=second)

    environment.wait(10)
    assert not environment.is_running()


def test_nothing_is_published_unless_something_has_changed(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    change(client, "blue")
    version = client.publish_version(FunctionName=NAME)["Version"]
    client.update_function_code(FunctionName=NAME, ZipFile=PACKED)
    client.get_waiter("function_updated_v2").wait(FunctionName=NAME)

    assert client.publish_version(FunctionName=NAME)["Version"] == version
    changed = client.update_function_code(
        FunctionName=NAME, ZipFile=package(f"{CODE}# changed"), Publish=True
    )
    assert int(changed["Version"]) == int(version) + 1


def test_nothing_is_published_during_a_change(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    client.update_function_configuration(
        FunctionName=NAME, Environment={"Variables": {"COLOR": "pink"}}
    )
    with pytest.raises(ClientError) as error:
        client.publish_version(FunctionName=NAME)

    assert code_of(error) == "ResourceConflictException"
    client.get_waiter("function_updated_v2").wait(FunctionName=NAME)


def test_an_alias_leads_to_a_version_that_exists(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    with pytest.raises(ClientError) as created:
        client.create_alias(FunctionName=NAME, Name="other", FunctionVersion="99")
    with pytest.raises(ClientError) as updated:
        client.update_alias(FunctionName=NAME, Name="live", FunctionVersion="99")

    assert {code_of(created), code_of(updated)} == {"ResourceNotFoundException"}


def test_a_reservation_is_for_all_versions(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    client.put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=0)
    try:
        for qualifier in ("1", "live"):
            with pytest.raises(ClientError) as error:
                invoke(client, qualifier)
            assert code_of(error) == "TooManyRequestsException"
    finally:
        client.delete_function_concurrency(FunctionName=NAME)
    assert invoke(client, "1") == "red"


def test_a_version_with_an_alias_is_not_deleted(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    version = client.get_alias(FunctionName=NAME, Name="live")["FunctionVersion"]
    with pytest.raises(ClientError) as error:
        client.delete_function(FunctionName=NAME, Qualifier=version)

    assert code_of(error) == "ResourceConflictException"


def test_the_policy_of_an_alias_is_not_the_functions(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    client.add_permission(
        FunctionName=NAME,
        Qualifier="live",
        StatementId="everyone",
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
    )
    policy = json.loads(client.get_policy(FunctionName=NAME, Qualifier="live")["Policy"])
    assert [each["Sid"] for each in policy["Statement"]] == ["everyone"]
    with pytest.raises(ClientError) as error:
        client.get_policy(FunctionName=NAME)

    assert code_of(error) == "ResourceNotFoundException"
