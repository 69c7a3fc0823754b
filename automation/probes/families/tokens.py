"""Probes of Cognito's token endpoint, each with a user pool and a hosted domain."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import jwt

from automation.probes.families.sources import DOC_COGNITO, REPORT, doc
from automation.probes.families.user_pools import SCOPE, AppClient, app_client, user_pool
from automation.probes.observations import ACCEPTED, REFUSED, UNDOCUMENTED, Observation, Value
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

TOKENS: Final = Family("cognito-idp")
_DOMAIN_SECONDS: Final = 300.0
"""How long a new domain may take until it answers."""
_SECRET_SECONDS: Final = 600.0
"""How long Cognito may take until it knows or has forgotten a client secret."""
_CLAIMS: Final = """
import os
import time


def handler(event, context):
    mode = os.environ.get("MODE")
    if mode == "fails":
        raise ValueError("the probe's failure")
    if mode == "slow":
        time.sleep(7)
    claims = {"probe": "added"}
    event["response"] = {
        "claimsAndScopeOverrideDetails": {
            "accessTokenGeneration": {"claimsToAddOrOverride": claims}
        }
    }
    return event
"""
_GRANT: Final = {"grant_type": "client_credentials"}


@dataclass(frozen=True, kw_only=True)
class TokenEndpoint:
    """The token endpoint of a probe's user pool."""

    box: Sandbox
    pool: str
    url: str

    @classmethod
    def create(cls, box: Sandbox, **settings: Any) -> "TokenEndpoint":  # noqa: ANN401 - boto3's
        """Create a user pool with a domain, and wait until the domain answers.

        Args:
            **settings: parameters of CreateUserPool.
        """
        pool = user_pool(box, **settings)
        box.client("cognito-idp").create_user_pool_domain(Domain=box.name, UserPoolId=pool)
        url = f"{box.around.token_base(box.name)}/oauth2/token"
        endpoint = cls(box=box, pool=pool, url=url)
        box.until(endpoint.answers, _DOMAIN_SECONDS, "an answer of the new domain")
        return endpoint

    def answers(self) -> bool:
        """Return whether the domain is known and answers."""
        try:
            return self.post({}).headers.get("content-type", "").startswith("application/json")
        except httpx2.TransportError:
            # The name isn't known yet.
            return False

    def post(
        self, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Request a token, and have what the answer contains blanked."""
        response = self.box.around.http.post(self.url, data=dict(form), headers=dict(headers or {}))
        if response.is_success:
            self.box.placeholders.learn("token", [response.json()["access_token"]])
        else:
            self.box.messages.append(response.text)
        return response

    def request(self, client: AppClient, secret: str | None = None, **form: str) -> httpx2.Response:
        """Request a token with a client's secret in the header.

        Args:
            secret: another than the original one.
            **form: parameters in addition to the grant type.
        """
        headers = {"authorization": basic(client.id, secret or client.secret)}
        return self.post({**_GRANT, **form}, headers)

    def wait_for(self, client: AppClient, secret: str, *, accepted: bool) -> None:
        """Wait until Cognito accepts a client secret, or doesn't, and record how long it took."""
        start = self.box.around.clock()
        self.box.until(
            lambda: self.request(client, secret).is_success is accepted,
            _SECRET_SECONDS,
            f"that a client secret {'works' if accepted else 'no longer works'}",
        )
        taken = self.box.around.clock() - start
        state = "accepted" if accepted else "refused"
        self.box.messages.append(f"The client secret was {state} after {taken:.0f} s.")


def basic(client_id: str, secret: str) -> str:
    """Return the Authorization header of a client."""
    return f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"


def _result(response: httpx2.Response) -> str:
    """Return `accepted`, or the status and the error's code."""
    if response.is_success:
        return ACCEPTED
    try:
        error = str(response.json().get("error", ""))
    except ValueError:
        error = ""
    return f"{response.status_code} {error}".strip()


@TOKENS.probe(
    "token-any-client-secret",
    rows=[
        "Token request with any of them",
        "Added client secret",
        "Deleted client secret",
        "New client",
    ],
    documented={"original": ACCEPTED, "added": ACCEPTED, "deleted": "400 invalid_client"},
    source=doc(f"{DOC_COGNITO}/token-endpoint.html"),
    seconds=300,
)
def _any_client_secret(box: Sandbox) -> Observation:
    """Which client secrets does the token endpoint accept, and when?"""
    endpoint = TokenEndpoint.create(box)
    client = app_client(box, endpoint.pool)
    endpoint.wait_for(client, client.secret, accepted=True)
    added = client.add_secret()["ClientSecretValue"]
    endpoint.wait_for(client, added, accepted=True)
    seen = {
        "original": _result(endpoint.request(client)),
        "added": _result(endpoint.request(client, added)),
    }
    client.delete_secret(client.secret_ids()[0])
    endpoint.wait_for(client, client.secret, accepted=False)
    return {**seen, "deleted": _result(endpoint.request(client))}


@TOKENS.probe(
    "token-malformed-request",
    rows=["Token request with a malformed header, or with two secrets"],
    documented={
        "no colon in the header": REFUSED,
        "no Base64 in the header": REFUSED,
        "header and form": REFUSED,
        "no grant type": "400 invalid_request",
        "unknown grant type": "400 unsupported_grant_type",
        "wrong secret": "400 invalid_client",
    },
    source=doc(f"{DOC_COGNITO}/token-endpoint.html"),
    seconds=60,
)
def _malformed_request(box: Sandbox) -> Observation:
    """How are token requests with a malformed header, or with two secrets, refused?"""
    endpoint = TokenEndpoint.create(box)
    client = app_client(box, endpoint.pool)
    endpoint.wait_for(client, client.secret, accepted=True)
    no_colon = base64.b64encode(client.id.encode()).decode()
    right = {"authorization": basic(client.id, client.secret)}
    both = {**_GRANT, "client_id": client.id, "client_secret": client.secret}
    return {
        "no colon in the header": _result(
            endpoint.post(_GRANT, {"authorization": f"Basic {no_colon}"})
        ),
        "no Base64 in the header": _result(endpoint.post(_GRANT, {"authorization": "Basic ***"})),
        "header and form": _result(endpoint.post(both, right)),
        "no grant type": _result(endpoint.post({}, right)),
        "unknown grant type": _result(endpoint.post({"grant_type": "other"}, right)),
        "wrong secret": _result(endpoint.request(client, "wrong")),
    }


@TOKENS.probe(
    "token-client-without-flow",
    rows=["App client without AllowedOAuthFlowsUserPoolClient, or without the flow"],
    documented={"without the flow": "400 invalid_grant"},
    source=REPORT,
    seconds=60,
)
def _client_without_flow(box: Sandbox) -> Observation:
    """Which error does an app client without the client credentials flow get?"""
    endpoint = TokenEndpoint.create(box)
    client = app_client(
        box,
        endpoint.pool,
        AllowedOAuthFlows=["code"],
        CallbackURLs=["https://example.com/"],
        SupportedIdentityProviders=["COGNITO"],
    )
    # A new client may be unknown for a while, which is another error.
    box.until(
        lambda: "invalid_client" not in _result(endpoint.request(client)),
        _SECRET_SECONDS,
        "that the new client is known",
    )
    return {"without the flow": _result(endpoint.request(client))}


@TOKENS.probe(
    "token-scopes",
    rows=["Token request without scopes", "Scope that a client may not have"],
    documented={
        "no scope": ACCEPTED,
        "its scopes": [SCOPE],
        "own scope": ACCEPTED,
        "scope of no resource server": REFUSED,
        "scope of another": REFUSED,
    },
    source=doc(f"{DOC_COGNITO}/token-endpoint.html"),
    seconds=60,
)
def _scopes(box: Sandbox) -> Observation:
    """Which scopes does a token have, and how are other scopes refused?"""
    endpoint = TokenEndpoint.create(box)
    client = app_client(box, endpoint.pool)
    box.client("cognito-idp").create_resource_server(
        UserPoolId=endpoint.pool,
        Identifier="other",
        Name="other",
        Scopes=[{"ScopeName": "writer", "ScopeDescription": "Writes"}],
    )
    endpoint.wait_for(client, client.secret, accepted=True)
    without = endpoint.request(client)
    token = without.json().get("access_token", "")
    claims = jwt.decode(token, options={"verify_signature": False}) if token else {}
    return {
        "no scope": _result(without),
        "its scopes": sorted(str(claims.get("scope", "")).split()),
        "own scope": _result(endpoint.request(client, scope=SCOPE)),
        "scope of no resource server": _result(endpoint.request(client, scope="graph/missing")),
        "scope of another": _result(endpoint.request(client, scope="other/writer")),
    }


@TOKENS.probe(
    "token-resource-parameter",
    rows=["Token request with `resource` (RFC 8707)"],
    documented={"without": ACCEPTED, "with resource": UNDOCUMENTED, "audience": UNDOCUMENTED},
    source=doc(f"{DOC_COGNITO}/token-endpoint.html"),
    seconds=60,
)
def _resource_parameter(box: Sandbox) -> Observation:
    """What does the token endpoint do with `resource` in a client credentials request?"""
    endpoint = TokenEndpoint.create(box)
    client = app_client(box, endpoint.pool)
    endpoint.wait_for(client, client.secret, accepted=True)
    response = endpoint.request(client, resource="https://example.com/mcp")
    token = response.json().get("access_token", "")
    claims = jwt.decode(token, options={"verify_signature": False}) if token else {}
    return {
        "without": _result(endpoint.request(client)),
        "with resource": _result(response),
        "audience": claims.get("aud"),
    }


@TOKENS.probe(
    "token-claims-function",
    rows=["Claims function fails", "Time limit of the claims function"],
    documented={
        "claim": "added",
        "function fails": REFUSED,
        "function takes 7 seconds": REFUSED,
    },
    source=doc(f"{DOC_COGNITO}/user-pool-lambda-pre-token-generation.html"),
    also=["lambda", "iam", "sts"],
    seconds=120,
    differs=["function takes 7 seconds"],
)
def _claims_function(box: Sandbox) -> Observation:
    """Does a client get a token if the function that adds claims fails, or is slow?"""
    function = box.function(_CLAIMS)
    version = {"LambdaArn": function, "LambdaVersion": "V3_0"}
    endpoint = TokenEndpoint.create(
        box, UserPoolTier="ESSENTIALS", LambdaConfig={"PreTokenGenerationConfig": version}
    )
    pool = f"arn:aws:cognito-idp:{box.around.region}:{box.account}:userpool/{endpoint.pool}"
    lambda_ = box.client("lambda")
    lambda_.add_permission(
        FunctionName=box.name,
        StatementId="cognito",
        Action="lambda:InvokeFunction",
        Principal="cognito-idp.amazonaws.com",
        SourceArn=pool,
    )
    client = app_client(box, endpoint.pool)
    endpoint.wait_for(client, client.secret, accepted=True)
    token = endpoint.request(client).json()["access_token"]
    seen: dict[str, Value] = {
        "claim": jwt.decode(token, options={"verify_signature": False}).get("probe")
    }
    for mode, name in (("fails", "function fails"), ("slow", "function takes 7 seconds")):
        lambda_.update_function_configuration(
            FunctionName=box.name, Environment={"Variables": {"MODE": mode}}
        )
        box.settle_function()
        seen[name] = _result(endpoint.request(client))
    return seen
