"""Cognito's pre-token-generation trigger (event version V3_0) for machine-to-machine tokens.

Cognito's client-credentials tokens carry no ``aud``, and their scopes are one string of full
names, which Neo4j would read as a single group. So every token is given the two claims that Neo4j
checks and maps: ``aud``, which Cognito allows to be the app client's own id and nothing else, and
``groups``, the granted scopes of the one resource server by their short names.

Source: "Pre token generation Lambda trigger" in the Amazon Cognito Developer Guide.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_TRIGGER = "TokenGeneration_ClientCredentials"


def group_names(scopes: Sequence[str], resource_server: str) -> list[str]:
    """Turn granted scopes into Neo4j's groups.

    Args:
        scopes: full scope names, ``identifier/name``, as Cognito granted them.
        resource_server: the resource server's identifier; scopes of any other are left out.

    Returns:
        The short names, in the order of the scopes, each once.
    """
    prefix = f"{resource_server}/"
    names = (scope.removeprefix(prefix) for scope in scopes if scope.startswith(prefix))
    # A scope's name never holds a slash; what does belongs to a longer identifier.
    return list(dict.fromkeys(name for name in names if name and "/" not in name))


def claims_to_add(event: Mapping[str, Any], resource_server: str) -> dict[str, Any]:
    """Decide the claims of one token.

    Only what Cognito itself says counts: the app client that authenticated and the scopes that it
    was granted. The caller's own ``clientMetadata`` is never looked at.

    Args:
        event: the trigger's event.
        resource_server: the resource server's identifier.

    Returns:
        The claims to add to the access token.

    Raises:
        ValueError: the event is not of a client-credentials grant, or names no client. Cognito
            then issues no token.
    """
    trigger = event.get("triggerSource")
    if trigger != _TRIGGER:
        raise ValueError(f"only client-credentials tokens are issued here, not {trigger}")
    client_id = event.get("callerContext", {}).get("clientId")
    if not client_id:
        raise ValueError("the event names no app client")
    scopes = event.get("request", {}).get("scopes") or []
    return {"aud": client_id, "groups": group_names(scopes, resource_server)}


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer Cognito's trigger.

    Args:
        event: the trigger's event.

    Returns:
        The event with the claims in its response.

    Raises:
        ValueError: see `claims_to_add`.
        KeyError: RESOURCE_SERVER_IDENTIFIER is missing from the function's environment.
    """
    claims = claims_to_add(event, os.environ["RESOURCE_SERVER_IDENTIFIER"])
    # Without the runtime's prefix, so that CloudWatch finds the fields of the JSON.
    sys.stdout.write(json.dumps({"message": "token", **claims}) + "\n")
    sys.stdout.flush()
    access_token = {"claimsToAddOrOverride": claims}
    response = {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": access_token}}
    return {**event, "response": response}
