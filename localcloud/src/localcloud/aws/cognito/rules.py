"""Pure decisions about Cognito's requests and tokens.

Sources: the API reference of UpdateUserPool and UpdateUserPoolClient ("If you don't provide a value
for an attribute, Amazon Cognito sets it to its default value"), and "Pre token generation Lambda
trigger" in the Amazon Cognito Developer Guide, which lists the claims of an access token that a
trigger can't add, modify or suppress.
"""

import base64
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

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
