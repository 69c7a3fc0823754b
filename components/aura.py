"""The values of the Aura console's single sign-on form, as one output. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.settings import Client, Scope

USERNAME_CLAIM = "sub"
GROUPS_CLAIM = "groups"


def group_to_role_mapping(scopes: Mapping[str, Scope]) -> str:
    """Return Neo4j's mapping of groups to roles; each scope's name is a group.

    Source: dbms.security.oidc.<provider>.authorization.group_to_role_mapping in the Neo4j
    Operations Manual.
    """
    return ";".join(f'"{name}"={scope.role}' for name, scope in scopes.items())


def audience(client_ids: Mapping[str, str], clients: Mapping[str, Client]) -> tuple[str, ...]:
    """Return the ids of the enabled clients; of all, if none is enabled.

    With an empty audience, Neo4j would check none.

    Args:
        client_ids: each app client's id, by the client's name.
        clients: the configured clients, by name.
    """
    enabled = tuple(client_ids[name] for name, client in clients.items() if client.enabled)
    return enabled or tuple(client_ids.values())


def sso_settings(
    discovery_url: str, client_ids: Sequence[str], scopes: Mapping[str, Scope]
) -> dict[str, Any]:
    """Return the values of the form, by their names in the stack's ``auraSso`` output.

    Args:
        discovery_url: URL of the user pool's discovery document.
        client_ids: the app clients, because a token's audience is its own client.
        scopes: the stack's scopes, by name.
    """
    return {
        "discoveryUri": discovery_url,
        "audience": list(client_ids),
        "usernameClaim": USERNAME_CLAIM,
        "groupsClaim": GROUPS_CLAIM,
        "groupToRoleMapping": group_to_role_mapping(scopes),
    }
