"""Probes of Cognito's user pools and app clients, each with a pool."""

from dataclasses import dataclass
from typing import Any, Final

from automation.probes.families.sources import DOC_COGNITO, REPORT, doc
from automation.probes.kinds import TAG, USER_POOL
from automation.probes.observations import ACCEPTED, REFUSED, UNDOCUMENTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

USER_POOLS: Final = Family("cognito-idp")
SCOPE: Final = "graph/reader"
"""The scope of a probe's resource server."""
_FLOW: Final = {
    "AllowedOAuthFlows": ["client_credentials"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthScopes": [SCOPE],
}
_LONG_ENOUGH: Final = 24
_TOO_LONG: Final = 65


@dataclass(frozen=True, kw_only=True)
class AppClient:
    """An app client of a probe's user pool.

    Attributes:
        secret: the original client secret; empty for a public app client.
    """

    box: Sandbox
    pool: str
    id: str
    secret: str

    @property
    def names(self) -> dict[str, str]:
        """The parameters that identify it."""
        return {"UserPoolId": self.pool, "ClientId": self.id}

    def add_secret(self, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
        """Add a client secret, and return its description."""
        added: dict[str, Any] = self.box.client("cognito-idp").add_user_pool_client_secret(
            **self.names, **parameters
        )["ClientSecretDescriptor"]
        self.box.placeholders.learn("secret", [added.get("ClientSecretValue", "")])
        return added

    def delete_secret(self, secret_id: str) -> None:
        """Delete a client secret."""
        self.box.client("cognito-idp").delete_user_pool_client_secret(
            **self.names, ClientSecretId=secret_id
        )

    def secret_ids(self) -> list[str]:
        """Return the ids of its client secrets, oldest first."""
        listed = self.box.client("cognito-idp").list_user_pool_client_secrets(**self.names)
        return [each["ClientSecretId"] for each in listed["ClientSecrets"]]

    def described(self) -> dict[str, Any]:
        """Return what DescribeUserPoolClient shows."""
        shown: dict[str, Any] = self.box.client("cognito-idp").describe_user_pool_client(
            **self.names
        )["UserPoolClient"]
        return shown


def user_pool(box: Sandbox, **settings: Any) -> str:  # noqa: ANN401 - boto3's
    """Create a user pool with a resource server, and return its id.

    Args:
        **settings: other parameters of CreateUserPool.
    """
    cognito = box.client("cognito-idp")
    created = cognito.create_user_pool(PoolName=box.name, UserPoolTags=dict([TAG]), **settings)
    pool: str = created["UserPool"]["Id"]
    box.owns(USER_POOL, pool)
    box.placeholders.learn("id", [pool])
    cognito.create_resource_server(
        UserPoolId=pool,
        Identifier=SCOPE.partition("/")[0],
        Name=box.name,
        Scopes=[{"ScopeName": SCOPE.partition("/")[2], "ScopeDescription": "Reads"}],
    )
    return pool


def app_client(box: Sandbox, pool: str, **settings: Any) -> AppClient:  # noqa: ANN401 - boto3's
    """Create an app client with the client credentials flow.

    Args:
        **settings: other parameters of CreateUserPoolClient.
    """
    created = box.client("cognito-idp").create_user_pool_client(
        **{"UserPoolId": pool, "ClientName": box.name, "GenerateSecret": True, **_FLOW, **settings}
    )["UserPoolClient"]
    secret = created.get("ClientSecret", "")
    box.placeholders.learn("id", [created["ClientId"]])
    box.placeholders.learn("secret", [secret])
    return AppClient(box=box, pool=pool, id=created["ClientId"], secret=secret)


@USER_POOLS.probe(
    "cognito-third-client-secret",
    rows=["Client secrets of an app client"],
    documented={"second": ACCEPTED, "third": "LimitExceededException", "secrets": 2},
    source=doc(f"{DOC_COGNITO}/user-pool-settings-client-apps.html"),
)
def _third_client_secret(box: Sandbox) -> Observation:
    """How is a third client secret of an app client refused?"""
    client = app_client(box, user_pool(box))
    return {
        "second": box.outcome(client.add_secret),
        "third": box.outcome(client.add_secret),
        "secrets": len(client.secret_ids()),
    }


@USER_POOLS.probe(
    "cognito-last-client-secret",
    rows=["Deletion of the last client secret"],
    documented={"deletion": REFUSED, "secrets": 1},
    source=doc(f"{DOC_COGNITO}/user-pool-settings-client-apps.html"),
)
def _last_client_secret(box: Sandbox) -> Observation:
    """How is the deletion of an app client's only client secret refused?"""
    client = app_client(box, user_pool(box))
    [only] = client.secret_ids()
    code = box.outcome(lambda: client.delete_secret(only))
    return {"deletion": code, "secrets": len(client.secret_ids())}


@USER_POOLS.probe(
    "cognito-public-client-secret",
    rows=["Client secret for a public app client"],
    documented={"secret": REFUSED},
    source=doc(f"{DOC_COGNITO}/user-pool-settings-client-apps.html"),
)
def _public_client_secret(box: Sandbox) -> Observation:
    """How is a client secret for a public app client refused?"""
    client = app_client(
        box,
        user_pool(box),
        GenerateSecret=False,
        AllowedOAuthFlows=["code"],
        CallbackURLs=["https://example.com/"],
        SupportedIdentityProviders=["COGNITO"],
    )
    return {"secret": box.outcome(client.add_secret)}


@USER_POOLS.probe(
    "cognito-original-secret-deleted",
    rows=["DescribeUserPoolClient once the original secret is deleted"],
    documented={"shown before": True, "shown after": False, "shown after another": False},
    source=REPORT,
)
def _original_secret_deleted(box: Sandbox) -> Observation:
    """Which secret does DescribeUserPoolClient show once the original secret is deleted?"""
    client = app_client(box, user_pool(box))
    client.add_secret()
    before = client.described().get("ClientSecret")
    client.delete_secret(client.secret_ids()[0])
    after = client.described()
    client.add_secret()
    return {
        "shown before": before == client.secret,
        "shown after": "ClientSecret" in after,
        "shown after another": "ClientSecret" in client.described(),
    }


@USER_POOLS.probe(
    "cognito-secret-shown-once",
    rows=["Value of a client secret"],
    documented={"generated": True, "chosen": False, "listed": False},
    source="botocore's model of cognito-idp",
)
def _secret_shown_once(box: Sandbox) -> Observation:
    """When is the value of a client secret returned?"""
    client = app_client(box, user_pool(box))
    generated = client.add_secret()
    client.delete_secret(generated["ClientSecretId"])
    chosen = client.add_secret(ClientSecret="x" * _LONG_ENOUGH)
    listed = box.client("cognito-idp").list_user_pool_client_secrets(**client.names)
    return {
        "generated": "ClientSecretValue" in generated,
        "chosen": "ClientSecretValue" in chosen,
        "listed": any("ClientSecretValue" in each for each in listed["ClientSecrets"]),
    }


@USER_POOLS.probe(
    "cognito-secret-ids",
    rows=["Id and date of a client secret"],
    documented={"id starts with the client's": UNDOCUMENTED, "date has fractions": UNDOCUMENTED},
    source="nothing: it isn't documented",
)
def _secret_ids(box: Sandbox) -> Observation:
    """What is a client secret's id, and how exact is its date?"""
    client = app_client(box, user_pool(box))
    added = [client.add_secret()]
    client.delete_secret(added[0]["ClientSecretId"])
    added.append(client.add_secret())
    dates = [each["ClientSecretCreateDate"] for each in added]
    return {
        "id starts with the client's": added[0]["ClientSecretId"].startswith(client.id),
        "date has fractions": any(each.microsecond for each in dates),
    }


@USER_POOLS.probe(
    "cognito-secret-out-of-range",
    rows=["Client secret out of range"],
    documented={
        "23 characters": "InvalidParameterException",
        "65 characters": "InvalidParameterException",
        "a slash": "InvalidParameterException",
        "24 characters": ACCEPTED,
    },
    source="botocore's model of cognito-idp",
)
def _secret_out_of_range(box: Sandbox) -> Observation:
    """Which values of a client secret are refused, and how?"""
    client = app_client(box, user_pool(box))
    values = {
        "23 characters": "x" * (_LONG_ENOUGH - 1),
        "65 characters": "x" * _TOO_LONG,
        "a slash": "x" * _LONG_ENOUGH + "/",
        "24 characters": "x" * _LONG_ENOUGH,
    }
    return {
        name: box.outcome(client.add_secret, ClientSecret=value) for name, value in values.items()
    }


@USER_POOLS.probe(
    "cognito-contradicting-settings",
    rows=["OAuth settings of an app client that contradict each other"],
    documented={
        "client_credentials without a secret": "InvalidOAuthFlowException",
        "client_credentials with another flow": "InvalidOAuthFlowException",
        "a flow without scopes": REFUSED,
    },
    source=REPORT,
)
def _contradicting_settings(box: Sandbox) -> Observation:
    """How are OAuth settings of an app client that contradict each other refused?"""
    pool = user_pool(box)
    settings: dict[str, dict[str, Any]] = {
        "client_credentials without a secret": {"GenerateSecret": False},
        "client_credentials with another flow": {
            "AllowedOAuthFlows": ["client_credentials", "code"],
            "CallbackURLs": ["https://example.com/"],
        },
        "a flow without scopes": {"AllowedOAuthScopes": []},
    }
    return {name: box.outcome(app_client, box, pool, **each) for name, each in settings.items()}


@USER_POOLS.probe(
    "cognito-unknown-scope",
    rows=["App client's scope of no resource server"],
    documented={"scope of no resource server": "ScopeDoesNotExistException"},
    source=REPORT,
    differs=["scope of no resource server"],
)
def _unknown_scope(box: Sandbox) -> Observation:
    """How is an app client with a scope that doesn't exist refused?"""
    pool = user_pool(box)
    return {
        "scope of no resource server": box.outcome(
            lambda: app_client(box, pool, AllowedOAuthScopes=["graph/missing"])
        )
    }


@USER_POOLS.probe(
    "cognito-token-lifetime",
    rows=["Token validity"],
    documented={"4 minutes": "InvalidParameterException", "5 minutes": ACCEPTED},
    source=doc(f"{DOC_COGNITO}/amazon-cognito-user-pools-using-the-access-token.html"),
    differs=["4 minutes"],
)
def _token_lifetime(box: Sandbox) -> Observation:
    """How is a lifetime of access tokens below five minutes refused?"""
    pool = user_pool(box)
    return {
        f"{minutes} minutes": box.outcome(
            app_client,
            box,
            pool,
            AccessTokenValidity=minutes,
            TokenValidityUnits={"AccessToken": "minutes"},
        )
        for minutes in (4, 5)
    }
