"""Reads what Secrets Manager and Cognito hold of a client, without any value."""

from datetime import timedelta
from typing import Any

from functions.rotation.app_client import AppClient
from functions.rotation.decisions import Inventory
from functions.rotation.secret_versions import SecretVersions
from functions.rotation.services import Services


def read_inventory(
    *,
    secrets_manager: Any,  # noqa: ANN401 - boto3 makes its clients at run time
    cognito: Any,  # noqa: ANN401 - boto3 makes its clients at run time
    user_pool_id: str,
    client_id: str,
    secret_arn: str,
) -> Inventory:
    """List the secret's versions and the app client's client secrets.

    Whether the original client secret still exists is assumed, because only a description of the
    app client shows it, together with its value. It makes no difference: the original is the
    oldest, and counts as replaced in either case.

    Raises:
        functions.rotation.credentials.RotationError: the secret doesn't exist.
        botocore.exceptions.ClientError: AWS reports another error.
    """
    services = Services(
        secrets_manager=secrets_manager,
        cognito=cognito,
        user_pool_id=user_pool_id,
        # The caller's permissions aren't new.
        access_granted_within=timedelta(),
    )
    return Inventory(
        versions=SecretVersions(secret_arn, services).list(),
        client_secrets=AppClient(client_id, services).list(),
        original_exists=True,
    )
