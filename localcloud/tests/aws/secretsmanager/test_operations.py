import uuid
from typing import Any

import pytest

from aws.secretsmanager.service import START, Service
from localcloud.aws.protocol import ApiError

DAY = 24 * 60 * 60
TOKEN, OTHER = (digit * 32 for digit in "12")


@pytest.fixture
def service() -> Service:
    return Service()


async def refusal(service: Service, operation: str, **parameters: Any) -> tuple[str, str]:  # noqa: ANN401 - any JSON
    """Return the code and the message with which an operation is refused."""
    with pytest.raises(ApiError) as error:
        await service.call(operation, **parameters)
    return error.value.code, error.value.message


async def put(service: Service, arn: str, value: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    token = {"ClientRequestToken": str(uuid.uuid4())}
    return await service.call(
        "PutSecretValue", **{"SecretId": arn, "SecretString": value, **token, **more}
    )


async def test_a_secret_is_found_by_its_name_and_its_arn(service: Service) -> None:
    arn = await service.create("folder/name")
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:folder/name-")
    for secret_id in ("folder/name", arn, arn.rpartition("-")[0]):
        assert (await service.call("DescribeSecret", SecretId=secret_id))["ARN"] == arn
    assert (await refusal(service, "DescribeSecret", SecretId="folder"))[0] == (
        "ResourceNotFoundException"
    )


async def test_a_secret_without_a_value_has_no_version(service: Service) -> None:
    created = await service.call("CreateSecret", Name="s", ClientRequestToken=TOKEN)
    assert created.keys() == {"ARN", "Name"}
    described = await service.call("DescribeSecret", SecretId="s")
    assert {key for key, value in described.items() if value is not None} == {
        "ARN",
        "Name",
        "CreatedDate",
        "LastChangedDate",
    }
    assert await refusal(service, "GetSecretValue", SecretId="s") == (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    )


async def test_a_repeated_creation_is_answered_and_another_one_refused(service: Service) -> None:
    request = {"Name": "s", "SecretString": "a", "ClientRequestToken": TOKEN}
    created = await service.call("CreateSecret", **request)
    assert created["VersionId"] == TOKEN
    assert await service.call("CreateSecret", **request) == created
    for change in ({"SecretString": "b"}, {"ClientRequestToken": OTHER}):
        code, _ = await refusal(service, "CreateSecret", **{**request, **change})
        assert code == "ResourceExistsException"
    await service.call("DeleteSecret", SecretId="s")
    code, message = await refusal(service, "CreateSecret", **request)
    assert code == "InvalidRequestException"
    assert message.endswith("already scheduled for deletion.")


@pytest.mark.parametrize("name", ["with space", "with*", "ümlaut"])
async def test_a_name_has_no_other_characters(service: Service, name: str) -> None:
    code, message = await refusal(service, "CreateSecret", Name=name, ClientRequestToken=TOKEN)
    assert code == "ValidationException"
    assert message.startswith("Invalid name.")


@pytest.mark.parametrize("operation", ["CreateSecret", "PutSecretValue", "UpdateSecret"])
async def test_a_value_needs_a_token(service: Service, operation: str) -> None:
    name = {"Name": "s"} if operation == "CreateSecret" else {"SecretId": "s"}
    code, message = await refusal(service, operation, **name, SecretString="a")
    assert code == "InvalidRequestException"
    assert message.startswith("You must provide a ClientRequestToken value.")


async def test_a_version_is_put_once(service: Service) -> None:
    arn = await service.create()
    first = await put(service, arn, "a", ClientRequestToken=TOKEN)
    assert first["VersionStages"] == ["AWSCURRENT"]
    await put(service, arn, "b")
    again = await put(service, arn, "a", ClientRequestToken=TOKEN)
    assert again["VersionStages"] == ["AWSPREVIOUS"]
    assert await service.current(arn) == "b"
    with pytest.raises(ApiError, match="already in use"):
        await put(service, arn, "c", ClientRequestToken=TOKEN)


async def test_a_value_is_a_string_or_binary(service: Service) -> None:
    arn = await service.create()
    token = {"ClientRequestToken": TOKEN}
    code, _ = await refusal(service, "PutSecretValue", SecretId=arn, **token)
    assert code == "InvalidParameterException"
    with pytest.raises(ApiError, match="both"):
        await put(service, arn, "a", SecretBinary="YQ==")
    await service.call("PutSecretValue", SecretId=arn, SecretBinary="YQ==", **token)
    found = await service.call("GetSecretValue", SecretId=arn)
    assert found["SecretBinary"] == "YQ=="
    assert "SecretString" not in found


async def test_an_update_keeps_what_it_does_not_name(service: Service) -> None:
    arn = await service.create()
    service.clock.advance(hours=1)
    await service.call("UpdateSecret", SecretId=arn, Description="one")
    changed = (await service.call("DescribeSecret", SecretId=arn))["LastChangedDate"]
    assert changed == service.clock.now
    updated = await service.call(
        "UpdateSecret", SecretId=arn, SecretString="b", ClientRequestToken=TOKEN
    )
    assert updated["VersionId"] == TOKEN
    assert await service.current(arn) == "b"
    described = await service.call("DescribeSecret", SecretId=arn)
    assert described["Description"] == "one"
    for value in ("b", "c"):
        code, _ = await refusal(
            service, "UpdateSecret", SecretId=arn, SecretString=value, ClientRequestToken=TOKEN
        )
        assert code == "ResourceExistsException"


async def test_a_version_is_read_by_id_and_label(service: Service) -> None:
    arn = await service.create()
    [first] = await service.stages(arn)
    await put(service, arn, "b", ClientRequestToken=TOKEN)
    await put(service, arn, "c", ClientRequestToken=OTHER)
    read = await service.call("GetSecretValue", SecretId=arn, VersionStage="AWSPREVIOUS")
    assert (read["SecretString"], read["VersionId"]) == ("b", TOKEN)
    deprecated = await service.call("GetSecretValue", SecretId=arn, VersionId=first)
    assert deprecated["SecretString"] == "first"
    assert "VersionStages" not in deprecated
    assert await refusal(
        service, "GetSecretValue", SecretId=arn, VersionId=TOKEN, VersionStage="AWSCURRENT"
    ) == (
        "InvalidRequestException",
        "You provided a VersionStage that is not associated to the provided VersionId.",
    )
    assert await refusal(service, "GetSecretValue", SecretId=arn, VersionId="3" * 32) == (
        "ResourceNotFoundException",
        f"Secrets Manager can't find the specified secret value for VersionId: {'3' * 32}",
    )


async def test_the_day_of_the_last_access_is_recorded(service: Service) -> None:
    arn = await service.create()
    assert "LastAccessedDate" not in await service.call("DescribeSecret", SecretId=arn)
    await service.call("GetSecretValue", SecretId=arn)
    midnight = START.replace(hour=0, minute=0).timestamp()
    described = await service.call("DescribeSecret", SecretId=arn)
    assert described["LastAccessedDate"] == midnight
    [version] = (await service.call("ListSecretVersionIds", SecretId=arn))["Versions"]
    assert version["LastAccessedDate"] == midnight


async def test_deprecated_versions_are_listed_on_request_and_removed_on_demand(
    service: Service,
) -> None:
    arn = await service.create()
    [first] = await service.stages(arn)
    await put(service, arn, "b", ClientRequestToken=TOKEN)
    await put(service, arn, "c", ClientRequestToken=OTHER)
    listed = await service.call("ListSecretVersionIds", SecretId=arn)
    assert [each["VersionId"] for each in listed["Versions"]] == [TOKEN, OTHER]
    listed = await service.call("ListSecretVersionIds", SecretId=arn, IncludeDeprecated=True)
    assert [each["VersionId"] for each in listed["Versions"]] == [first, TOKEN, OTHER]
    assert "VersionStages" not in listed["Versions"][0]
    removed = await service.api.remove_deprecated_versions({"SecretId": arn})
    assert removed["Removed"] == [first]
    code, _ = await refusal(service, "GetSecretValue", SecretId=arn, VersionId=first)
    assert code == "ResourceNotFoundException"
    assert (await service.stages(arn)).keys() == {TOKEN, OTHER}


async def test_lists_have_pages(service: Service) -> None:
    for name in ("a", "b", "c"):
        await service.create(name)
    first = await service.call("ListSecrets", MaxResults=2)
    assert [each["Name"] for each in first["SecretList"]] == ["a", "b"]
    second = await service.call("ListSecrets", MaxResults=2, NextToken=first["NextToken"])
    assert [each["Name"] for each in second["SecretList"]] == ["c"]
    assert second["NextToken"] is None
    whole = await service.call("ListSecrets", MaxResults=3, SortOrder="desc")
    assert [each["Name"] for each in whole["SecretList"]] == ["c", "b", "a"]
    assert whole["NextToken"] is None
    code, _ = await refusal(service, "ListSecrets", NextToken="nonsense")
    assert code == "InvalidNextTokenException"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("name", "folder/", ["folder/one"]),
        ("name", "!folder/", ["two"]),
        ("name", "older", []),
        ("tag-key", "Project", ["two"]),
        ("tag-value", "y", []),
        ("description", "About", ["folder/one"]),
    ],
)
async def test_secrets_are_filtered_by_prefix(
    service: Service, key: str, value: str, expected: list[str]
) -> None:
    await service.call(
        "CreateSecret", Name="folder/one", Description="About one", ClientRequestToken=TOKEN
    )
    tags = [{"Key": "Project", "Value": "x"}]
    await service.call("CreateSecret", Name="two", Tags=tags, ClientRequestToken=TOKEN)
    found = await service.call("ListSecrets", Filters=[{"Key": key, "Values": [value]}])
    assert [each["Name"] for each in found["SecretList"]] == expected


async def test_a_filter_that_is_not_supported_is_refused_by_name(service: Service) -> None:
    await service.create()
    filters = [{"Key": "owning-service", "Values": ["x"]}]
    code, message = await refusal(service, "ListSecrets", Filters=filters)
    assert code == "InvalidParameterException"
    assert "filters by name, description, tag-key, tag-value only" in message


async def test_a_deleted_secret_can_be_restored_and_not_used(service: Service) -> None:
    arn = await service.create()
    deleted = await service.call("DeleteSecret", SecretId=arn, RecoveryWindowInDays=7)
    assert deleted["DeletionDate"] == START.timestamp() + 7 * DAY
    for operation, more in (
        ("GetSecretValue", {}),
        ("PutSecretValue", {"SecretString": "b", "ClientRequestToken": TOKEN}),
        ("UpdateSecret", {"Description": "b"}),
        ("TagResource", {"Tags": []}),
        ("UpdateSecretVersionStage", {"VersionStage": "x", "MoveToVersionId": TOKEN}),
        ("CancelRotateSecret", {}),
    ):
        code, message = await refusal(service, operation, SecretId=arn, **more)
        assert code == "InvalidRequestException"
        assert "marked for deletion" in message
    assert (await service.call("DescribeSecret", SecretId=arn))["DeletedDate"] is not None
    assert (await service.call("ListSecrets"))["SecretList"] == []
    planned = await service.call("ListSecrets", IncludePlannedDeletion=True)
    assert [each["ARN"] for each in planned["SecretList"]] == [arn]
    code, _ = await refusal(service, "DeleteSecret", SecretId=arn)
    assert code == "InvalidRequestException"
    await service.call("RestoreSecret", SecretId=arn)
    assert await service.current(arn) == "first"


async def test_a_forced_deletion_needs_no_secret(service: Service) -> None:
    arn = await service.create()
    force = {"ForceDeleteWithoutRecovery": True}
    for _ in range(2):
        deleted = await service.call("DeleteSecret", SecretId=arn, **force)
        assert deleted["ARN"] == arn
    await service.create()
    code, _ = await refusal(service, "DeleteSecret", SecretId="s", RecoveryWindowInDays=7, **force)
    assert code == "InvalidParameterException"


@pytest.mark.parametrize("days", [6, 31])
async def test_a_recovery_window_has_limits(service: Service, days: int) -> None:
    arn = await service.create()
    code, _ = await refusal(service, "DeleteSecret", SecretId=arn, RecoveryWindowInDays=days)
    assert code == "InvalidParameterException"


async def test_tags_are_added_and_removed(service: Service) -> None:
    arn = await service.create()
    assert "Tags" not in await service.call("DescribeSecret", SecretId=arn)
    await service.call("TagResource", SecretId=arn, Tags=[{"Key": "a", "Value": "1"}])
    await service.call("TagResource", SecretId=arn, Tags=[{"Key": "b", "Value": "2"}])
    await service.call("UntagResource", SecretId=arn, TagKeys=["a"])
    tags = (await service.call("DescribeSecret", SecretId=arn))["Tags"]
    assert tags == [{"Key": "b", "Value": "2"}]
    await service.call("UntagResource", SecretId=arn, TagKeys=["b"])
    assert (await service.call("DescribeSecret", SecretId=arn))["Tags"] == []


async def test_a_resource_policy_is_stored(service: Service) -> None:
    arn = await service.create()
    await service.call("PutResourcePolicy", SecretId=arn, ResourcePolicy="{}")
    found = await service.call("GetResourcePolicy", SecretId=arn)
    assert found["ResourcePolicy"] == "{}"
    await service.call("DeleteResourcePolicy", SecretId=arn)
    assert (await service.call("GetResourcePolicy", SecretId=arn))["ResourcePolicy"] is None


async def test_several_values_are_read_at_once(service: Service) -> None:
    arn = await service.create()
    found = await service.call("BatchGetSecretValue", SecretIdList=[arn, "missing"])
    assert [each["SecretString"] for each in found["SecretValues"]] == ["first"]
    assert [each["ErrorCode"] for each in found["Errors"]] == ["ResourceNotFoundException"]


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("ReplicateSecretToRegions", {"SecretId": "s"}),
        ("CreateSecret", {"Name": "s", "AddReplicaRegions": []}),
        ("CreateSecret", {"Name": "s", "Type": "x"}),
    ],
)
async def test_what_is_not_supported_is_refused_by_name(
    service: Service, operation: str, parameters: dict[str, Any]
) -> None:
    _, message = await refusal(service, operation, **parameters)
    assert message.startswith("The stand-in doesn't support")
