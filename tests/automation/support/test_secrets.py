"""Every client secret that Secrets Manager still has is blanked."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.blanking import BLANK, Blanker
from automation.rotation.clients import Client
from automation.support.secrets import learn_client_secrets

_CLIENT = Client(
    name="agent",
    client_id="7agentid",
    secret_arn="arn:agent",
    enabled=True,
    token_validity=timedelta(hours=1),
    rotation_days=30,
    overlap=timedelta(hours=24),
)


class _Aws:
    """A secret with versions on two pages, of which one has just been deleted."""

    def __init__(self, missing: str = "ResourceNotFoundException") -> None:
        self._missing = missing

    def __call__(self, _service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        match operation, parameters:
            case "list_secret_version_ids", {"NextToken": "more"}:
                return {"Versions": [{"VersionId": "gone"}, {"VersionId": "current"}]}
            case "list_secret_version_ids", {"IncludeDeprecated": True}:
                return {"Versions": [{"VersionId": "replaced"}], "NextToken": "more"}
            case "get_secret_value", {"VersionId": ("replaced" | "current") as version}:
                value = {"clientId": "7agentid", "clientSecret": f"{version}-secret"}
                return {"SecretString": json.dumps(value)}
        raise ClientError({"Error": {"Code": self._missing, "Message": ""}}, operation)


def test_replaced_and_current_client_secrets_are_blanked() -> None:
    blanker = Blanker()
    learn_client_secrets(blanker, [_CLIENT], _Aws())
    assert blanker.blank("replaced-secret, current-secret") == f"{BLANK}, {BLANK}"


def test_a_refusal_is_raised() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        learn_client_secrets(Blanker(), [_CLIENT], _Aws(missing="AccessDenied"))
