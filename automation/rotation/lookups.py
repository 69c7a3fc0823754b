"""What Secrets Manager and Cognito hold of a client, without any value."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from functions.rotation.decisions import ClientSecret, Version

Call = Callable[..., Mapping[str, Any]]
"""Calls AWS: the service and the operation as boto3 names them, then the parameters."""


def read_versions(call: Call, secret_arn: str) -> tuple[Version, ...]:
    """List the labelled versions of a secret."""
    listed = _pages(
        call, "secretsmanager", "list_secret_version_ids", "Versions", SecretId=secret_arn
    )
    return tuple(
        Version(
            id=each["VersionId"],
            stages=frozenset(each.get("VersionStages", ())),
            created=each["CreatedDate"],
        )
        for each in listed
    )


def read_client_secrets(
    call: Call, *, user_pool_id: str, client_id: str
) -> tuple[ClientSecret, ...]:
    """List the client secrets of an app client."""
    listed = _pages(
        call,
        "cognito-idp",
        "list_user_pool_client_secrets",
        "ClientSecrets",
        UserPoolId=user_pool_id,
        ClientId=client_id,
    )
    return tuple(
        ClientSecret(id=each["ClientSecretId"], created=each["ClientSecretCreateDate"])
        for each in listed
    )


def _pages(
    call: Call, service: str, operation: str, member: str, **parameters: str
) -> Iterator[Mapping[str, Any]]:
    page: dict[str, str] = {}
    while True:
        response = call(service, operation, **parameters, **page)
        yield from response[member]
        if not response.get("NextToken"):
            return
        page = {"NextToken": response["NextToken"]}
