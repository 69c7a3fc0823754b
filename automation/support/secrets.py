"""Learns the clients' secrets, so that they are blanked wherever they occur."""

import json
from collections.abc import Iterable, Iterator

from botocore.exceptions import ClientError

from automation.blanking import Blanker
from automation.hosting.host import Aws
from automation.rotation.clients import Client
from automation.waiting import is_not_found


def learn_client_secrets(blanker: Blanker, clients: Iterable[Client], aws: Aws) -> None:
    """Add every client secret that Secrets Manager still has to what is blanked.

    Raises:
        ClientError: a secret can't be read.
    """
    for client in clients:
        for version in _versions(client.secret_arn, aws):
            value = _value(client.secret_arn, version, aws)
            if secret := value.get("clientSecret"):
                blanker.learn(secret, username=value.get("clientId"))


def _versions(arn: str, aws: Aws) -> Iterator[str]:
    page: dict[str, str] = {}
    while True:
        found = aws(
            "secretsmanager",
            "list_secret_version_ids",
            SecretId=arn,
            IncludeDeprecated=True,
            **page,
        )
        yield from (each["VersionId"] for each in found.get("Versions") or ())
        if not found.get("NextToken"):
            return
        page = {"NextToken": found["NextToken"]}


def _value(arn: str, version: str, aws: Aws) -> dict[str, str]:
    try:
        found = aws("secretsmanager", "get_secret_value", SecretId=arn, VersionId=version)
    except ClientError as error:
        # Secrets Manager deletes versions without a label at any time.
        if is_not_found(error):
            return {}
        raise
    value = json.loads(found["SecretString"])
    return value if isinstance(value, dict) else {}
