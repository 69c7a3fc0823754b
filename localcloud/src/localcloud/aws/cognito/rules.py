"""Pure decisions about Cognito's requests and tokens.

Sources: the API reference of UpdateUserPool and UpdateUserPoolClient ("If you don't provide a value
for an attribute, Amazon Cognito sets it to its default value"), and "Pre token generation Lambda
trigger" in the Amazon Cognito Developer Guide, which lists the claims of an access token that a
trigger can't add, modify or suppress. An app client without AllowedOAuthFlowsUserPoolClient gets
invalid_grant: boto3's issue 3916, and aws-sdk-js-v3's 7158. For an app client's OAuth settings, see
`check_settings`.
"""

import base64
import json
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from localcloud.aws.protocol import ApiError, ServiceProtocol

CLIENT_CREDENTIALS: Final = "client_credentials"
"""The only grant, and the only OAuth 2.0 flow, that needs no user."""

_RESERVED_PREFIX: Final = "cognito:"
_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "AWSCognitoIdentityProviderService.UpdateUserPool": {
            "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False},
            "AutoVerifiedAttributes": [],
            "LambdaConfig": {},
            "UserPoolAddOns": {},
        },
        "AWSCognitoIdentityProviderService.UpdateUserPoolClient": {
            "AccessTokenValidity": None,
            "AllowedOAuthFlows": [],
            "AllowedOAuthFlowsUserPoolClient": False,
            "AllowedOAuthScopes": [],
            "CallbackURLs": [],
            "DefaultRedirectURI": "",
            "ExplicitAuthFlows": [],
            "IdTokenValidity": None,
            "LogoutURLs": [],
            "ReadAttributes": [],
            "RefreshTokenValidity": 30,
            "SupportedIdentityProviders": [],
            "TokenValidityUnits": {},
            "WriteAttributes": [],
        },
    }
)


def resets_omitted(target: str) -> bool:
    """Return whether an operation, by its X-Amz-Target, resets what its request omits."""
    return target in _DEFAULTS


def with_defaults(target: str, request: bytes) -> bytes:
    """Add the defaults that an update request implies; ministack would keep the old values.

    Args:
        target: the X-Amz-Target of an operation that resets what its request omits.
        request: the request's body; a malformed one is returned unchanged, to be refused.
    """
    try:
        parameters = json.loads(request)
    except ValueError:
        return request
    if not isinstance(parameters, dict):
        return request
    return json.dumps({**_DEFAULTS[target], **parameters}).encode()


def check_settings(operation: str, parameters: Mapping[str, Any], *, has_secret: bool) -> None:
    """Refuse an app client's settings that Cognito refuses, and those that ministack ignores.

    Sources: "OAuth 2.0 grants" in the Amazon Cognito Developer Guide for flows that can't be
    combined; terraform-provider-aws's issue 4984 for scopes; for the others, the messages in
    jobairkhan.com's "Amazon Cognito User Pools - Client Credentials".

    Args:
        operation: CreateUserPoolClient or UpdateUserPoolClient.
        parameters: the request's parameters, which match the operation's shape.
        has_secret: whether the app client exists and has a client secret.

    Raises:
        ApiError: InvalidParameterException or InvalidOAuthFlowException.
    """
    if operation == "CreateUserPoolClient" and "ClientSecret" in parameters:
        raise ApiError(
            "InvalidParameterException",
            "The stand-in's Cognito doesn't support ClientSecret in CreateUserPoolClient: set"
            " GenerateSecret, and add your own by AddUserPoolClientSecret.",
        )
    flows, scopes = (parameters.get(f"AllowedOAuth{name}") or [] for name in ("Flows", "Scopes"))
    if parameters.get("AllowedOAuthFlowsUserPoolClient") and not (flows and scopes):
        raise ApiError(
            "InvalidParameterException",
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed"
            " to use OAuth flows.",
        )
    if CLIENT_CREDENTIALS in flows:
        problem = _client_credentials_problem(
            flows, scopes, has_secret=has_secret or bool(parameters.get("GenerateSecret"))
        )
        if problem is not None:
            raise ApiError("InvalidOAuthFlowException", problem)


def validate(protocol: ServiceProtocol, operation: str, parameters: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """Compare a request's parameters with the operation's shape.

    Raises:
        ApiError: SerializationException, or Cognito's InvalidParameterException where other
            services have ValidationException (boto3's issue 3581 shows one).
    """
    try:
        protocol.validate(operation, parameters)
    except ApiError as error:
        if error.code != "ValidationException":
            raise
        raise ApiError("InvalidParameterException", error.message) from None


def allows_oauth(client: Mapping[str, Any]) -> bool:
    """Return whether an app client may use OAuth 2.0 at all; ministack doesn't look.

    Args:
        client: the app client's description.
    """
    return client.get("AllowedOAuthFlowsUserPoolClient") is True


def overridden_claims(token: str, *, client_id: str, issuer_base: str, seconds: int) -> list[str]:
    """List the claims that a trigger changed although Cognito reserves them.

    Args:
        token: an access token of the client-credentials grant.
        client_id: the app client that requested it.
        issuer_base: the beginning of every issuer of the region.
        seconds: the lifetime that the token endpoint returned.
    """
    payload = token.split(".")[1]
    claims: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * 3))
    expected = {"sub": client_id, "client_id": client_id, "token_use": "access"}
    found = [name for name, value in expected.items() if claims.get(name) != value]
    if not str(claims.get("iss", "")).startswith(issuer_base):
        found.append("iss")
    if not isinstance(claims.get("jti"), str):
        found.append("jti")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int) or expires - issued != seconds:
        found.append("exp or iat")
    return [*found, *(name for name in claims if name.startswith(_RESERVED_PREFIX))]


def _client_credentials_problem(
    flows: Collection[str], scopes: Iterable[str], *, has_secret: bool
) -> str | None:
    """Return Cognito's message if an app client can't have the client-credentials flow."""
    if len(set(flows)) > 1:
        return "client_credentials flow can not be selected along with code flow or implicit flow."
    if not has_secret:
        return (
            "client_credentials flow can not be selected if client does not have a client secret."
        )
    standard = next((scope for scope in scopes if "/" not in scope), None)
    return (
        None if standard is None else f"{standard} is not supported with client_credentials flow."
    )
