"""Updates of user pools and app clients as Cognito does them: what is left out is reset. Pure.

ministack leaves it as it was. Source: the API reference of UpdateUserPool and UpdateUserPoolClient,
"If you don't provide a value for an attribute, Amazon Cognito sets it to its default value".
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

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


def resets(target: str) -> bool:
    """Say whether an operation resets what its request leaves out.

    Args:
        target: the request's X-Amz-Target.
    """
    return target in _DEFAULTS


def completed(target: str, request: bytes) -> bytes:
    """Write out the defaults that a request implies.

    Args:
        target: the request's X-Amz-Target, of an operation that resets.
        request: the request's body.

    Returns:
        The body with a value for every attribute; a malformed one as it is, to be refused.
    """
    try:
        parameters = json.loads(request)
    except ValueError:
        return request
    if not isinstance(parameters, dict):
        return request
    return json.dumps({**_DEFAULTS[target], **parameters}).encode()
