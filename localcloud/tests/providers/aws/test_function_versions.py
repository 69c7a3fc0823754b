"""Versions and aliases of functions, as the real provider publishes and reads them."""

from typing import Any

import pytest

from localcloud.providers.aws.lambda_ import Alias, Function, FunctionUrl, Permission
from localcloud.providers.values import Archive, Asset, Values
from providers.aws.fake import FakeAws, create_request, fake, resource_request, update_request

_ARN = "arn:aws:lambda:us-east-1:000000000000:function:server"
_CODE = Archive(assets={"index.py": Asset(text="x = 1")}, hash="1")
_STATE: Values = {
    "name": "server",
    "arn": _ARN,
    "code": _CODE,
    "publish": True,
    "timeout": 3,
    "reservedConcurrentExecutions": -1,
}
_CONFIG = {
    "FunctionUrl": "https://abc.lambda-url.us-east-1.on.aws/",
    "FunctionArn": f"{_ARN}:live",
    "AuthType": "NONE",
    "InvokeMode": "BUFFERED",
}


def _aws(**script: list[Any]) -> FakeAws:
    configuration = {"FunctionName": "server", "FunctionArn": _ARN, "State": "Active"}
    return fake(
        GetFunction=[{"Configuration": configuration}],
        GetFunctionConcurrency=[{}],
        ListTags=[{}],
        UpdateFunctionConfiguration=[{}],
        UpdateFunctionCode=[{}],
        PutFunctionConcurrency=[{}],
        TagResource=[{}],
        PublishVersion=[{"Version": "2"}],
        **script,
    )


@pytest.mark.parametrize(
    ("changed", "published"),
    [
        ({"timeout": 5}, 1),
        ({"code": Archive(assets={"index.py": Asset(text="x = 2")}, hash="2")}, 1),
        ({"tags": {"a": "b"}}, 0),
        ({"reservedConcurrentExecutions": 5}, 0),
        ({"publish": False, "timeout": 5}, 0),
    ],
)
def test_a_version_is_published_of_each_change_that_it_contains(
    changed: Values, published: int
) -> None:
    aws = _aws()

    Function().update(update_request(aws, "server", _STATE, {**_STATE, **changed}))

    assert aws.called("PublishVersion") == [{"FunctionName": "server"}] * published
    if published:
        assert aws.calls[-1][0] == "PublishVersion"
    assert not any("Publish" in each for each in aws.called("UpdateFunctionCode"))


@pytest.mark.parametrize(
    ("pages", "version"),
    [
        ([{"Versions": [{"Version": "$LATEST"}]}], "$LATEST"),
        ([{"Versions": [{"Version": "$LATEST"}, {"Version": "2"}, {"Version": "10"}]}], "10"),
        (
            [
                {"Versions": [{"Version": "$LATEST"}, {"Version": "2"}], "NextMarker": "more"},
                {"Versions": [{"Version": "3"}]},
            ],
            "3",
        ),
    ],
)
def test_the_version_of_a_function_is_the_last_one(
    pages: list[dict[str, Any]], version: str
) -> None:
    aws = _aws(ListVersionsByFunction=pages)

    found = Function().read(resource_request(aws, "server", _STATE))

    assert found is not None
    assert (found["version"], found["qualifiedArn"]) == (version, f"{_ARN}:{version}")


def test_an_alias_is_named_by_its_arn_and_moved_in_place() -> None:
    alias = {"AliasArn": f"{_ARN}:live", "Name": "live", "FunctionVersion": "1"}
    aws = fake(CreateAlias=[alias], GetAlias=[alias], UpdateAlias=[alias], DeleteAlias=[{}])
    inputs: Values = {"name": "live", "functionName": "server", "functionVersion": "1"}

    created = Alias().create(create_request(aws, inputs))
    found = Alias().read(resource_request(aws, created.id, {}))
    assert found is not None
    assert (created.id, found["functionName"]) == (f"{_ARN}:live", "server")
    assert str(found["invokeArn"]).endswith(f"{_ARN}:live/invocations")
    Alias().update(update_request(aws, created.id, found, {**inputs, "functionVersion": "2"}))
    Alias().delete(resource_request(aws, created.id, found))

    named = {"FunctionName": "server", "Name": "live"}
    assert aws.called("UpdateAlias") == [{**named, "FunctionVersion": "2", "Description": ""}]
    assert aws.called("DeleteAlias") == [named]


def test_the_url_of_an_alias_has_both_in_its_id_and_the_alias_in_its_permissions() -> None:
    aws = fake(
        CreateFunctionUrlConfig=[_CONFIG], AddPermission=[{}], GetFunctionUrlConfig=[_CONFIG]
    )
    inputs: Values = {
        "functionName": "server",
        "qualifier": "live",
        "authorizationType": "NONE",
        "invokeMode": "BUFFERED",
    }

    created = FunctionUrl().create(create_request(aws, inputs))
    found = FunctionUrl().read(resource_request(aws, created.id, {}))

    assert created.id == "server/live"
    assert aws.called("CreateFunctionUrlConfig")[0]["Qualifier"] == "live"
    assert [each["Qualifier"] for each in aws.called("AddPermission")] == ["live", "live"]
    assert aws.called("GetFunctionUrlConfig") == [{"FunctionName": "server", "Qualifier": "live"}]
    assert found is not None
    assert (found["functionName"], found["qualifier"]) == ("server", "live")


def test_a_permission_is_read_from_the_policy_of_its_alias() -> None:
    policy = (
        '{"Statement": [{"Sid": "url", "Effect": "Allow", "Principal": "*",'
        ' "Action": "lambda:InvokeFunction"}]}'
    )
    aws = fake(GetPolicy=[{"Policy": policy}])

    found = Permission().read(
        resource_request(aws, "url", {"function": "server", "qualifier": "live"})
    )

    assert found is not None
    assert found["qualifier"] == "live"
    assert aws.called("GetPolicy") == [{"FunctionName": "server", "Qualifier": "live"}]
