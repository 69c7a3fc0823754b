"""Client secrets of app clients, by boto3 and at the token endpoint."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from aws.conftest import AwsEndpoint

pytestmark = pytest.mark.stand_in

_OWN = "an_own_secret+of_more_than_twenty_four_characters"
_SCOPE = "graph/reader"
_FORM = {"grant_type": "client_credentials", "scope": _SCOPE}


@dataclass(frozen=True, kw_only=True)
class AppClient:
    """An app client of the endpoint, for one test."""

    endpoint: AwsEndpoint
    pool: str
    id: str
    original: str

    @property
    def names(self) -> dict[str, str]:
        return {"UserPoolId": self.pool, "ClientId": self.id}

    @property
    def cognito(self) -> Any:  # noqa: ANN401 - boto3 creates its clients at run time
        return self.endpoint.client("cognito-idp")

    def token(self, secret: str, *, in_form: bool = False) -> httpx.Response:
        form = {"client_id": self.id, "client_secret": secret} if in_form else {}
        return httpx.post(
            f"{self.endpoint.url}/oauth2/token",
            data=_FORM | form,
            auth=None if in_form else (self.id, secret),
            timeout=30,
        )

    def refusal(self, secret: str) -> tuple[int, str]:
        response = self.token(secret)
        return response.status_code, response.json().get("error", "")

    def secret_ids(self) -> list[str]:
        listed = self.cognito.list_user_pool_client_secrets(**self.names)
        assert "NextToken" not in listed
        return [each["ClientSecretId"] for each in listed["ClientSecrets"]]

    def described(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.cognito.describe_user_pool_client(**self.names)
        return dict(shown["UserPoolClient"])

    def update(self, **changes: object) -> dict[str, Any]:
        settings = {
            "AllowedOAuthFlows": ["client_credentials"],
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthScopes": [_SCOPE],
        }
        updated = self.cognito.update_user_pool_client(**self.names, **(settings | changes))
        return dict(updated["UserPoolClient"])


def create_client(endpoint: AwsEndpoint, pool: str) -> AppClient:
    created = endpoint.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool,
        ClientName="caller",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=[_SCOPE],
    )["UserPoolClient"]
    return AppClient(
        endpoint=endpoint, pool=pool, id=created["ClientId"], original=created["ClientSecret"]
    )


@pytest.fixture
def pool(endpoint: AwsEndpoint) -> Iterator[str]:
    cognito = endpoint.client("cognito-idp")
    created: str = cognito.create_user_pool(PoolName="secrets")["UserPool"]["Id"]
    cognito.create_resource_server(
        UserPoolId=created,
        Identifier="graph",
        Name="graph",
        Scopes=[{"ScopeName": "reader", "ScopeDescription": "Reads"}],
    )
    yield created
    cognito.delete_user_pool(UserPoolId=created)


@pytest.fixture
def client(endpoint: AwsEndpoint, pool: str) -> AppClient:
    return create_client(endpoint, pool)


@pytest.mark.parametrize("in_form", [False, True])
def test_the_token_endpoint_accepts_every_secret_until_it_is_deleted(
    client: AppClient, *, in_form: bool
) -> None:
    added = client.cognito.add_user_pool_client_secret(**client.names, ClientSecret=_OWN)
    assert "ClientSecretValue" not in added["ClientSecretDescriptor"]
    generated = client.original, _OWN
    for secret in generated:
        response = client.token(secret, in_form=in_form)
        assert response.status_code == 200, response.text
        assert response.json()["access_token"]
    wrong = client.token("wrong", in_form=in_form)
    original, own = client.secret_ids()
    assert own == added["ClientSecretDescriptor"]["ClientSecretId"]
    client.cognito.delete_user_pool_client_secret(**client.names, ClientSecretId=original)
    refused = client.token(client.original, in_form=in_form)
    assert (refused.status_code, refused.json()) == (wrong.status_code, wrong.json())
    assert refused.json()["error"] == "invalid_client"
    assert client.token(_OWN, in_form=in_form).status_code == 200


def test_a_generated_secret_is_returned_once(client: AppClient) -> None:
    added = client.cognito.add_user_pool_client_secret(**client.names)["ClientSecretDescriptor"]
    assert client.token(added["ClientSecretValue"]).status_code == 200
    listed = client.cognito.list_user_pool_client_secrets(**client.names)["ClientSecrets"]
    assert all("ClientSecretValue" not in each for each in listed)
    assert all(each["ClientSecretCreateDate"].tzinfo for each in listed)


def test_an_app_client_is_shown_with_its_original_secret_while_that_exists(
    client: AppClient,
) -> None:
    client.cognito.add_user_pool_client_secret(**client.names, ClientSecret=_OWN)
    assert client.described()["ClientSecret"] == client.original
    assert client.update()["ClientSecret"] == client.original
    original = client.secret_ids()[0]
    client.cognito.delete_user_pool_client_secret(**client.names, ClientSecretId=original)
    assert "ClientSecret" not in client.described()
    assert "ClientSecret" not in client.update(ClientName="renamed")
    client.cognito.add_user_pool_client_secret(**client.names)
    assert "ClientSecret" not in client.described()
    assert client.described()["ClientName"] == "renamed"


def test_of_many_secrets_that_are_added_at_once_one_is_created(client: AppClient) -> None:
    def add(_: int) -> str:
        try:
            client.cognito.add_user_pool_client_secret(**client.names)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "created"

    with ThreadPoolExecutor(8) as threads:
        results = sorted(threads.map(add, range(8)))
    assert results == ["LimitExceededException"] * 7 + ["created"]
    assert len(client.secret_ids()) == 2


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("add_user_pool_client_secret", {"ClientSecret": "x" * 23}),
        ("add_user_pool_client_secret", {"ClientSecret": "x" * 65}),
        ("add_user_pool_client_secret", {"ClientSecret": "x" * 24 + "/"}),
        ("add_user_pool_client_secret", {"ClientSecret": "é" * 24}),
        ("add_user_pool_client_secret", {"ClientId": None}),
        ("list_user_pool_client_secrets", {"UserPoolId": "no-pool"}),
        ("list_user_pool_client_secrets", {"NextToken": "2"}),
        ("delete_user_pool_client_secret", {"ClientSecretId": ""}),
        ("delete_user_pool_client_secret", {}),
    ],
)
def test_invalid_parameters_are_refused_as_cognito_does(
    client: AppClient, operation: str, parameters: dict[str, Any]
) -> None:
    call = getattr(client.cognito, operation)
    with pytest.raises(client.cognito.exceptions.InvalidParameterException) as raised:
        call(**{**client.names, **parameters})
    assert str(parameters.get("ClientSecret")) not in str(raised.value)


@pytest.mark.parametrize("length", [24, 64])
def test_a_secret_of_an_allowed_length_is_accepted(client: AppClient, length: int) -> None:
    client.cognito.add_user_pool_client_secret(**client.names, ClientSecret="x" * length)
    assert client.token("x" * length).status_code == 200


def test_a_secret_at_creation_is_refused_by_name(endpoint: AwsEndpoint, pool: str) -> None:
    cognito = endpoint.client("cognito-idp")
    with pytest.raises(cognito.exceptions.InvalidParameterException, match="ClientSecret in"):
        cognito.create_user_pool_client(UserPoolId=pool, ClientName="x", ClientSecret=_OWN)
    assert cognito.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"] == []


def test_a_deleted_app_client_has_no_secrets(client: AppClient) -> None:
    client.cognito.add_user_pool_client_secret(**client.names, ClientSecret=_OWN)
    client.cognito.delete_user_pool_client(**client.names)
    with pytest.raises(client.cognito.exceptions.ResourceNotFoundException):
        client.cognito.list_user_pool_client_secrets(**client.names)
    assert client.refusal(_OWN) == (400, "invalid_client")
    again = create_client(client.endpoint, client.pool)
    assert len(again.secret_ids()) == 1
    assert again.refusal(_OWN) == (400, "invalid_client")


def test_a_deleted_pools_app_clients_have_no_secrets(endpoint: AwsEndpoint) -> None:
    cognito = endpoint.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="deleted")["UserPool"]["Id"]
    client = create_client(endpoint, pool)
    cognito.add_user_pool_client_secret(**client.names, ClientSecret=_OWN)
    cognito.delete_user_pool(UserPoolId=pool)
    with pytest.raises(cognito.exceptions.ResourceNotFoundException):
        cognito.list_user_pool_client_secrets(**client.names)
    assert client.refusal(_OWN) == (400, "invalid_client")


@pytest.mark.parametrize(
    "changes",
    [
        {"AllowedOAuthFlowsUserPoolClient": False},
        {"AllowedOAuthFlows": ["code"]},
        {
            "AllowedOAuthFlowsUserPoolClient": False,
            "AllowedOAuthFlows": [],
            "AllowedOAuthScopes": [],
        },
    ],
)
def test_an_app_client_without_the_flow_gets_no_token(
    client: AppClient, changes: dict[str, object]
) -> None:
    client.update(**changes)
    assert client.refusal(client.original) == (400, "invalid_grant")
    assert client.refusal("wrong") == (400, "invalid_client")
    client.update()
    assert client.token(client.original).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"AllowedOAuthFlows": []}, "InvalidParameterException", "are required"),
        ({"AllowedOAuthScopes": []}, "InvalidParameterException", "are required"),
        (
            {"AllowedOAuthFlows": ["client_credentials", "implicit"]},
            "InvalidOAuthFlowException",
            "along with code flow or implicit flow",
        ),
        (
            {"AllowedOAuthScopes": ["openid"]},
            "InvalidOAuthFlowException",
            "openid is not supported",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    client: AppClient, changes: dict[str, object], error: str, message: str
) -> None:
    before = client.described()
    with pytest.raises(ClientError, match=message) as raised:
        client.update(**changes)
    assert raised.value.response["Error"]["Code"] == error
    assert client.described() == before


def test_an_app_client_without_its_original_secret_can_be_updated(client: AppClient) -> None:
    client.cognito.add_user_pool_client_secret(**client.names, ClientSecret=_OWN)
    client.cognito.delete_user_pool_client_secret(
        **client.names, ClientSecretId=client.secret_ids()[0]
    )
    assert client.update(ClientName="renamed")["ClientName"] == "renamed"
    assert client.token(_OWN).status_code == 200


def test_a_public_app_client_cannot_have_the_flow(endpoint: AwsEndpoint, pool: str) -> None:
    cognito = endpoint.client("cognito-idp")
    settings = {
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthScopes": [_SCOPE],
    }
    refused = cognito.exceptions.InvalidOAuthFlowException
    with pytest.raises(refused, match="does not have a client secret"):
        cognito.create_user_pool_client(UserPoolId=pool, ClientName="public", **settings)
    created = cognito.create_user_pool_client(UserPoolId=pool, ClientName="public")
    public = created["UserPoolClient"]["ClientId"]
    with pytest.raises(refused, match="does not have a client secret"):
        cognito.update_user_pool_client(UserPoolId=pool, ClientId=public, **settings)


def test_a_public_app_client_gets_no_token(endpoint: AwsEndpoint, pool: str) -> None:
    cognito = endpoint.client("cognito-idp")
    created = cognito.create_user_pool_client(UserPoolId=pool, ClientName="public")
    public = created["UserPoolClient"]["ClientId"]
    form = {"grant_type": "client_credentials", "client_id": public}
    assert httpx.post(f"{endpoint.url}/oauth2/token", data=form).status_code == 400
    with pytest.raises(cognito.exceptions.InvalidParameterException, match="public"):
        cognito.add_user_pool_client_secret(UserPoolId=pool, ClientId=public)


def test_a_request_with_two_client_secrets_is_refused(client: AppClient) -> None:
    response = httpx.post(
        f"{client.endpoint.url}/oauth2/token",
        data=_FORM | {"client_id": client.id, "client_secret": client.original},
        auth=(client.id, client.original),
    )
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_a_malformed_header_is_refused(client: AppClient) -> None:
    response = httpx.post(
        f"{client.endpoint.url}/oauth2/token",
        data=_FORM | {"client_id": client.id, "client_secret": client.original},
        headers={"authorization": "Basic !!!"},
    )
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client")


def test_a_new_secret_is_accepted_after_the_delay(client: AppClient) -> None:
    control = client.endpoint.control()
    control.call("SetClientSecretDelay", Seconds=3600)
    try:
        client.cognito.add_user_pool_client_secret(**client.names, ClientSecret=_OWN)
        assert client.refusal(_OWN) == (400, "invalid_client")
        assert client.token(client.original).status_code == 200
    finally:
        control.call("SetClientSecretDelay", Seconds=0)
    client.cognito.delete_user_pool_client_secret(
        **client.names, ClientSecretId=client.secret_ids()[1]
    )
    client.cognito.add_user_pool_client_secret(**client.names, ClientSecret=_OWN)
    assert client.token(_OWN).status_code == 200
