"""What the database must know to accept the tokens, for Aura's console and neo4j.conf. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.settings import Client, Scope

USERNAME_CLAIM = "sub"
GROUPS_CLAIM = "groups"

# The provider's name in neo4j.conf.
_PROVIDER = "cognito"


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


def neo4j_conf(sso: Mapping[str, Any]) -> str:
    """Return the lines of neo4j.conf that have a self-managed Neo4j accept the stack's tokens.

    Source: "Single sign-on integration" and the settings dbms.security.oidc.* in the Neo4j
    Operations Manual, release 5.26.

    Args:
        sso: the values that `sso_settings` returns.
    """
    # Users with a password keep logging in, so that a mistake here locks nobody out.
    providers = f"oidc-{_PROVIDER},native"
    lines = {
        "dbms.security.authentication_providers": providers,
        "dbms.security.authorization_providers": providers,
        f"dbms.security.oidc.{_PROVIDER}.display_name": "Machines only",
        f"dbms.security.oidc.{_PROVIDER}.well_known_discovery_uri": sso["discoveryUri"],
        f"dbms.security.oidc.{_PROVIDER}.audience": ",".join(sso["audience"]),
        f"dbms.security.oidc.{_PROVIDER}.claims.username": sso["usernameClaim"],
        f"dbms.security.oidc.{_PROVIDER}.claims.groups": sso["groupsClaim"],
        f"dbms.security.oidc.{_PROVIDER}.config": (
            "token_type_principal=access_token;token_type_authentication=access_token"
        ),
        f"dbms.security.oidc.{_PROVIDER}.authorization.group_to_role_mapping": sso[
            "groupToRoleMapping"
        ],
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())
