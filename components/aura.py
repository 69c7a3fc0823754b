"""What a person types into the Aura console for single sign-on, as one output. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.settings import Scope

USERNAME_CLAIM = "sub"
GROUPS_CLAIM = "groups"


def group_to_role_mapping(scopes: Mapping[str, Scope]) -> str:
    """Write Neo4j's mapping of groups, which are the scopes' names, to its roles.

    Source: dbms.security.oidc.<provider>.authorization.group_to_role_mapping in the Neo4j
    Operations Manual.

    Args:
        scopes: the stack's scopes, by name.

    Returns:
        The mapping, as Neo4j writes it.
    """
    return ";".join(f'"{name}"={scope.role}' for name, scope in scopes.items())


def sso_settings(
    discovery_url: str, client_ids: Sequence[str], scopes: Mapping[str, Scope]
) -> dict[str, Any]:
    """Put the values of Aura's single sign-on form together.

    Args:
        discovery_url: the user pool's discovery document.
        client_ids: every app client, because each token's audience is its own client.
        scopes: the stack's scopes, by name.

    Returns:
        The values, by the names that the stack's ``auraSso`` output gives them.
    """
    return {
        "discoveryUri": discovery_url,
        "audience": list(client_ids),
        "usernameClaim": USERNAME_CLAIM,
        "groupsClaim": GROUPS_CLAIM,
        "groupToRoleMapping": group_to_role_mapping(scopes),
    }
