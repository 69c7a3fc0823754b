"""The behaviour of resource types beyond their declarations."""

import base64
import datetime as dt
import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.providers.aws.clients import Aws, AwsError
from localcloud.providers.aws.cognito import UserPool, UserPoolClient, UserPoolDomain
from localcloud.providers.aws.ecr import Repository
from localcloud.providers.aws.iam import Role
from localcloud.providers.aws.invokes import INVOKES
from localcloud.providers.aws.lambda_ import Function, Permission
from localcloud.providers.aws.logs import LogGroup
from localcloud.providers.aws.secretsmanager import Secret, SecretVersion
from localcloud.providers.schema import InitializationError, ProviderError
from localcloud.providers.servicer import InvokeRequest
from localcloud.providers.values import Archive, Asset, Values
from providers.aws.fake import (
    check_request,
    create_request,
    fake,
    not_found,
    resource_request,
    update_request,
)

_FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:claims"
_CODE = Archive(assets={"index.py": Asset(text="x = 1")}, hash="1")


def test_the_tags_of_the_program_override_default_tags() -> None:
    aws = fake()
    aws = type(aws)(
        region="us-east-1",
        endpoints={},
        access_key="a",
        secret_key="b",
        default_tags={"project": "graph", "team": "x"},
    )
    completed, _ = LogGroup().check(check_request(aws, {"name": "group", "tags": {"team": "y"}}))
    assert completed["tags"] == {"project": "graph", "team": "y"}
    unknown_tags, _ = UserPoolClient().check(check_request(aws, {"name": "n", "userPoolId": "p_1"}))
    assert "tags" not in unknown_tags


@pytest.mark.parametrize(("force", "sent"), [(True, True), (False, False), (None, False)])
def test_images_are_deleted_with_their_repository_only_with_force_delete(
    force: bool | None, sent: bool
) -> None:
    aws = fake(DeleteRepository=[{}])
    Repository().delete(resource_request(aws, "r", {"forceDelete": force}))
    assert aws.called("DeleteRepository") == [{"repositoryName": "r", "force": sent}]


@pytest.mark.parametrize(
    ("days", "sent"),
    [(0, {"ForceDeleteWithoutRecovery": True}), (7, {"RecoveryWindowInDays": 7})],
)
def test_a_secret_is_kept_for_its_recovery_window(days: int, sent: dict[str, object]) -> None:
    aws = fake(DeleteSecret=[{}])
    Secret().delete(resource_request(aws, "arn", {"recoveryWindowInDays": days}))
    assert aws.called("DeleteSecret") == [{"SecretId": "arn", **sent}]


def test_a_secret_scheduled_for_deletion_counts_as_deleted() -> None:
    aws = fake(DescribeSecret=[{"ARN": "a", "DeletedDate": dt.datetime.now(dt.UTC)}])
    assert Secret().read(resource_request(aws, "a", {})) is None


def test_a_deleted_version_loses_its_stages_but_not_the_current_one() -> None:
    aws = fake(UpdateSecretVersionStage=[{}], GetSecretValue=[{"VersionStages": ["AWSCURRENT"]}])
    state: Values = {"versionStages": ["AWSCURRENT", "AWSPREVIOUS"]}
    SecretVersion().delete(resource_request(aws, "arn|v1", state))
    assert [each["VersionStage"] for each in aws.called("UpdateSecretVersionStage")] == [
        "AWSPREVIOUS"
    ]


def test_the_deletion_of_a_version_waits_until_it_has_no_other_labels() -> None:
    labelled = {"VersionStages": ["AWSPREVIOUS", "cognito:c--1"]}
    aws = fake(GetSecretValue=[labelled, {"VersionStages": ["AWSPREVIOUS"]}])
    state: Values = {"versionStages": ["AWSCURRENT"]}
    SecretVersion().delete(resource_request(aws, "arn|v1", state))
    assert len(aws.called("GetSecretValue")) == 2
    with pytest.raises(ProviderError, match=r"waiting for the secret's version v1 to lose"):
        SecretVersion().delete(
            replace(resource_request(fake(GetSecretValue=[labelled]), "arn|v1", state), timeout=0)
        )


@pytest.mark.parametrize(
    ("code", "message", "succeeds"),
    [
        ("ResourceNotFoundException", "gone", True),
        ("InvalidRequestException", "you can't … because it was marked for deletion.", True),
        ("InvalidRequestException", "a rotation is in progress", False),
        ("InvalidParameterException", "the label is on another version", False),
    ],
)
def test_the_deletion_of_a_version_succeeds_only_if_it_is_gone(
    code: str, message: str, succeeds: bool
) -> None:
    aws = fake(UpdateSecretVersionStage=[AwsError("UpdateSecretVersionStage", code, message)])
    state: Values = {"versionStages": ["AWSPREVIOUS"]}
    with nullcontext() if succeeds else pytest.raises(AwsError, match=message):
        SecretVersion().delete(resource_request(aws, "arn|v1", state))


def test_a_deletion_succeeds_if_the_resource_is_gone_and_reports_other_errors() -> None:
    LogGroup().delete(resource_request(fake(DeleteLogGroup=[not_found("DeleteLogGroup")]), "g", {}))
    denied = AwsError("DeleteLogGroup", "AccessDeniedException", "no")
    with pytest.raises(AwsError, match="AccessDeniedException"):
        LogGroup().delete(resource_request(fake(DeleteLogGroup=[denied]), "g", {}))
    LogGroup().delete(resource_request(fake(), "g", {"skipDestroy": True}))


def test_a_log_group_with_a_longer_name_is_not_found() -> None:
    group = {"logGroupName": "group-2", "arn": "arn:group-2:*"}
    aws = fake(DescribeLogGroups=[{"logGroups": [group]}], ListTagsForResource=[{"tags": {}}])
    assert LogGroup().read(resource_request(aws, "group", {})) is None
    assert (
        LogGroup().read(resource_request(fake(DescribeLogGroups=[{"logGroups": []}]), "g", {}))
        is None
    )


def test_a_log_group_without_its_retention_is_kept_as_not_working() -> None:
    aws = fake(CreateLogGroup=[{}], PutRetentionPolicy=[AwsError("P", "LimitExceeded", "no")])
    with pytest.raises(InitializationError, match="LimitExceeded"):
        LogGroup().create(create_request(aws, {"name": "g", "retentionInDays": 7}))


def test_a_removed_retention_is_deleted() -> None:
    aws = fake(DeleteRetentionPolicy=[{}])
    olds: Values = {"name": "g", "retentionInDays": 7, "arn": "a"}
    LogGroup().update(update_request(aws, "g", olds, {"name": "g", "retentionInDays": 0}))
    assert aws.called("DeleteRetentionPolicy") == [{"logGroupName": "g"}]


def test_a_log_groups_key_is_associated_and_disassociated() -> None:
    without: Values = {"name": "g", "retentionInDays": 0}
    encrypted: Values = {**without, "kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/0a"}

    aws = fake(AssociateKmsKey=[{}])
    LogGroup().update(update_request(aws, "g", {**without, "arn": "a"}, encrypted))
    assert aws.called("AssociateKmsKey") == [
        {"logGroupName": "g", "kmsKeyId": encrypted["kmsKeyId"]}
    ]

    aws = fake(DisassociateKmsKey=[{}])
    LogGroup().update(update_request(aws, "g", {**encrypted, "arn": "a"}, without))
    assert aws.called("DisassociateKmsKey") == [{"logGroupName": "g"}]


def test_an_update_of_a_pool_repeats_what_cognito_would_reset() -> None:
    olds: Values = {
        "name": "p",
        "arn": "arn",
        "mfaConfiguration": "OFF",
        "passwordPolicy": {"minimumLength": 10},
        "tags": {"a": "1"},
    }
    news: Values = {"name": "p", "mfaConfiguration": "OFF", "deletionProtection": "ACTIVE"}
    aws = fake(UpdateUserPool=[{}])
    UserPool().update(update_request(aws, "pool", olds, {**news, "tags": {"a": "1"}}))
    assert aws.called("UpdateUserPool") == [
        {
            "UserPoolId": "pool",
            "PoolName": "p",
            # Inputs that the program doesn't set are sent as empty.
            "AutoVerifiedAttributes": [],
            "LambdaConfig": {},
            "DeletionProtection": "ACTIVE",
            "MfaConfiguration": "OFF",
            "Policies": {"PasswordPolicy": {"MinimumLength": 10}},
            "UserPoolTags": {"a": "1"},
        }
    ]


def test_an_update_of_a_client_repeats_its_values_except_empty_ones() -> None:
    olds: Values = {
        "name": "c",
        "userPoolId": "p",
        "accessTokenValidity": 60,
        "allowedOauthScopes": ["s/reader"],
        "callbackUrls": [],
        "defaultRedirectUri": "",
        "enableTokenRevocation": False,
        "tokenValidityUnits": {"idToken": ""},
        "refreshTokenValidity": 30,
    }
    news: Values = {"name": "c", "userPoolId": "p", "allowedOauthScopes": ["s/reader", "s/writer"]}
    aws = fake(UpdateUserPoolClient=[{}])
    UserPoolClient().update(update_request(aws, "id", olds, news))
    assert aws.called("UpdateUserPoolClient") == [
        {
            "UserPoolId": "p",
            "ClientId": "id",
            "ClientName": "c",
            "AccessTokenValidity": 60,
            "AllowedOAuthScopes": ["s/reader", "s/writer"],
            "EnableTokenRevocation": False,
            "RefreshTokenValidity": 30,
        }
    ]


def test_an_empty_description_of_a_domain_means_that_it_does_not_exist() -> None:
    aws = fake(DescribeUserPoolDomain=[{"DomainDescription": {}}])
    assert UserPoolDomain().read(resource_request(aws, "d", {})) is None


def test_an_app_client_is_imported_by_pool_and_client() -> None:
    answer = {"UserPoolClient": {"ClientId": "c", "UserPoolId": "p", "ClientName": "n"}}
    aws = fake(DescribeUserPoolClient=[answer])
    found = UserPoolClient().read(resource_request(aws, "p/c", {}))
    assert aws.called("DescribeUserPoolClient") == [{"UserPoolId": "p", "ClientId": "c"}]
    assert found is not None
    assert found["id"] == "c"


def test_the_secret_of_an_app_client_is_empty_once_cognito_returns_none() -> None:
    client = {"ClientId": "c", "UserPoolId": "p", "ClientName": "n"}
    aws = fake(
        DescribeUserPoolClient=[
            {"UserPoolClient": {**client, "ClientSecret": "hunter2"}},
            {"UserPoolClient": client},
        ]
    )
    request = resource_request(aws, "c", {"userPoolId": "p", "clientSecret": "hunter2"})
    before, after = (UserPoolClient().read(request) for _ in range(2))
    assert before is not None
    assert after is not None
    assert (before["clientSecret"], after["clientSecret"]) == ("hunter2", "")


def test_the_parts_of_a_role_have_their_own_operations() -> None:
    aws = fake(
        UpdateRole=[{}],
        UpdateAssumeRolePolicy=[{}],
        PutRolePermissionsBoundary=[{}],
        DeleteRolePermissionsBoundary=[{}],
    )
    bare: Values = {"name": "r", "assumeRolePolicy": "{}", "maxSessionDuration": 3600}
    bounded: Values = {**bare, "permissionsBoundary": "arn", "assumeRolePolicy": '{"a": 1}'}
    Role().update(update_request(aws, "r", bare, bounded))
    Role().update(update_request(aws, "r", bounded, bare))
    assert [each["PolicyDocument"] for each in aws.called("UpdateAssumeRolePolicy")] == [
        '{"a": 1}',
        "{}",
    ]
    assert len(aws.called("PutRolePermissionsBoundary")) == 1
    assert len(aws.called("DeleteRolePermissionsBoundary")) == 1
    # A removed description is sent as empty.
    assert aws.called("UpdateRole")[0]["Description"] == ""


_STATEMENT = {
    "Sid": "cognito",
    "Effect": "Allow",
    "Principal": {"Service": "cognito-idp.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": _FUNCTION_ARN,
    "Condition": {
        "ArnLike": {"AWS:SourceArn": "arn:pool"},
        "StringEquals": {"AWS:SourceAccount": "000000000000"},
    },
}


def test_a_permission_is_read_from_the_policy_of_the_function() -> None:
    policy = {"Policy": json.dumps({"Statement": [{**_STATEMENT, "Sid": "other"}, _STATEMENT]})}
    aws = fake(GetPolicy=[policy])
    found = Permission().read(resource_request(aws, "cognito", {"function": "claims"}))
    assert found == {
        "statementId": "cognito",
        "action": "lambda:InvokeFunction",
        "principal": "cognito-idp.amazonaws.com",
        "sourceArn": "arn:pool",
        "sourceAccount": "000000000000",
        "function": "claims",
        "region": "us-east-1",
        "id": "cognito",
    }
    assert Permission().read(resource_request(aws, "third", {"function": "claims"})) is None
    assert Permission().read(resource_request(aws, "claims/cognito", {})) == found
    gone = fake(GetPolicy=[not_found("GetPolicy")])
    assert Permission().read(resource_request(gone, "cognito", {"function": "claims"})) is None


def _function(**members: object) -> dict[str, object]:
    return {"Configuration": {"FunctionName": "claims", "FunctionArn": _FUNCTION_ARN, **members}}


def test_a_creation_waits_until_the_function_can_be_invoked() -> None:
    aws = fake(
        CreateFunction=[{"FunctionName": "claims"}],
        GetFunction=[_function(State="Pending"), _function(State="Active")],
        PutFunctionConcurrency=[{}],
    )
    inputs: Values = {"name": "claims", "code": _CODE, "reservedConcurrentExecutions": 5}
    assert Function().create(create_request(aws, inputs)).id == "claims"
    assert len(aws.called("GetFunction")) == 2
    assert aws.called("PutFunctionConcurrency")[0]["ReservedConcurrentExecutions"] == 5
    assert aws.called("CreateFunction")[0]["Code"]["ZipFile"].startswith(b"PK")


def test_a_failed_function_is_kept_with_its_reason() -> None:
    aws = fake(
        CreateFunction=[{"FunctionName": "claims"}],
        GetFunction=[_function(State="Failed", StateReason="no such role")],
    )
    with pytest.raises(InitializationError, match="no such role"):
        Function().create(create_request(aws, {"name": "claims", "code": _CODE}))


def test_settings_and_code_of_a_function_are_updated_separately() -> None:
    olds: Values = {"name": "claims", "arn": _FUNCTION_ARN, "code": _CODE, "timeout": 3}
    olds |= {"architectures": ["x86_64"], "environment": {"variables": {"A1": "b"}}}
    news: Values = {"name": "claims", "code": _CODE, "timeout": 5}
    aws = fake(UpdateFunctionConfiguration=[{}], UpdateFunctionCode=[{}], GetFunction=[_function()])
    Function().update(update_request(aws, "claims", olds, news))
    sent = aws.called("UpdateFunctionConfiguration")[0]
    assert (sent["Timeout"], sent["Environment"]) == (5, {"Variables": {}})
    assert aws.called("UpdateFunctionCode") == []
    changed = {**news, "code": Archive(assets={"index.py": Asset(text="x = 2")}, hash="2")}
    Function().update(update_request(aws, "claims", olds, changed))
    assert "Architectures" not in aws.called("UpdateFunctionCode")[0]


def test_the_code_of_a_function_must_be_an_archive() -> None:
    with pytest.raises(ProviderError, match="must be an archive"):
        Function().create(create_request(fake(), {"name": "f", "code": Asset(text="x")}))


def test_the_token_of_the_registry_is_split_and_secret() -> None:
    token = base64.b64encode(b"AWS:hunter2").decode()
    data = {
        "authorizationToken": token,
        "expiresAt": dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
        "proxyEndpoint": "https://registry",
    }
    aws = fake(GetAuthorizationToken=[{"authorizationData": [data]}])
    invoke = INVOKES["aws:ecr/getAuthorizationToken:getAuthorizationToken"]
    result = invoke.call(InvokeRequest(context=aws, arguments={}))
    assert (result["userName"], result["password"]) == ("AWS", "hunter2")
    assert {name for name, value in result.items() if value in (token, "hunter2")} == invoke.secret


def test_region_partition_and_account_are_returned() -> None:
    aws = fake(GetCallerIdentity=[{"Account": "0", "Arn": "a", "UserId": "u"}])
    region = INVOKES["aws:index/getRegion:getRegion"].call
    without_arguments = InvokeRequest[Aws](context=aws, arguments={})
    assert region(without_arguments)["region"] == "us-east-1"
    named = InvokeRequest[Aws](context=aws, arguments={"region": "eu-west-1"})
    assert region(named)["name"] == "eu-west-1"
    partition = INVOKES["aws:index/getPartition:getPartition"].call(without_arguments)
    assert (partition["partition"], partition["dnsSuffix"]) == ("aws", "amazonaws.com")
    identity = INVOKES["aws:index/getCallerIdentity:getCallerIdentity"].call(without_arguments)
    assert identity["accountId"] == "0"


def test_paths_of_archives_are_relative_to_the_project(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "index.py").write_text("x = 1")
    aws = type(fake())(
        region="r",
        endpoints={},
        access_key="a",
        secret_key="b",
        project_directory=tmp_path,
        script={"CreateFunction": [{"FunctionName": "f"}], "GetFunction": [_function()]},
    )
    Function().create(create_request(aws, {"name": "f", "code": Archive(path="code")}))
    assert aws.called("CreateFunction")[0]["Code"]["ZipFile"]
