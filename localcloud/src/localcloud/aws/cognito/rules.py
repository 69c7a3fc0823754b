"""Pure decisions about Cognito's requests and tokens.

Sources: the API reference of UpdateUserPool and UpdateUserPoolClient ("If you don't provide a value
for an attribute, Amazon Cognito sets it to its default value"), and "Pre token generation Lambda
trigger" in the Amazon Cognito Developer Guide, which lists the claims of an access token that a
trigger can't add, modify or suppress. An app client without AllowedOAuthFlowsUserPoolClient gets
invalid_grant: boto3's issue 3916, and aws-sdk-js-v3's 7158.
"""

import base64
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from localcloud.aws.protocol import ApiError, ServiceProtocol

_CREATE_CLIENT: Final = "AWSCognitoIdentityProviderService.CreateUserPoolClient"
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
    parameters = _json_object(request)
    if parameters is None:
        return request
    return json.dumps({**_DEFAULTS[target], **parameters}).encode()


def unsupported_setting(target: str, request: bytes) -> ApiError | None:
    """Return the error for a setting that ministack would ignore, or None.

    Args:
        target: the request's X-Amz-Target.
        request: its body.
    """
    parameters = _json_object(request) or {}
    if target != _CREATE_CLIENT or parameters.get("ClientSecret") is None:
        return None
    return ApiError(
        "InvalidParameterException",
        "The stand-in's Cognito doesn't support ClientSecret in CreateUserPoolClient: set"
        " GenerateSecret, and add your own by AddUserPoolClientSecret.",
    )


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


def _json_object(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
