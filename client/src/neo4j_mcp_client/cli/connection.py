"""Finds the credentials of a command: a profile's, or the environment's."""

import os
from collections.abc import Mapping
from dataclasses import replace

from neo4j_mcp_client.cli.profiles import DEFAULT, Profile, Profiles
from neo4j_mcp_client.client import Neo4jMcp
from neo4j_mcp_client.credentials import (
    SECRET_ARN_VARIABLE,
    ClientCredentials,
    CredentialsSource,
)
from neo4j_mcp_client.file_cache import FileTokenCache
from neo4j_mcp_client.tokens import TokenProvider

_CLIENT_ID_VARIABLE = "NEO4J_MCP_CLIENT_ID"


def find_profile(
    name: str | None,
    *,
    profiles: Profiles,
    ca_bundle: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Profile:
    """Find the profile that a command uses.

    A named profile takes precedence over the environment, which takes precedence over `default`.

    Args:
        environment: the variables; defaults to the process's own.

    Raises:
        ConfigurationError: there are no credentials, or the profile doesn't exist.
    """
    variables = os.environ if environment is None else environment
    if name is None and variables.get(SECRET_ARN_VARIABLE):
        found = Profile(name="", secret_arn=variables[SECRET_ARN_VARIABLE])
    elif name is None and variables.get(_CLIENT_ID_VARIABLE):
        found = Profile(name="", credentials=ClientCredentials.from_environment(variables))
    else:
        found = profiles.load(name or DEFAULT)
    return replace(found, ca_bundle=ca_bundle) if ca_bundle else found


def token_provider(
    profile: Profile, source: CredentialsSource, *, profiles: Profiles
) -> TokenProvider:
    """Create the token provider of a profile.

    A saved profile shares its tokens with later commands, since each token costs money.
    """
    cache = FileTokenCache(profiles.token_cache(profile.name)) if profile.name else None
    return TokenProvider(source, cache=cache, ca_bundle=profile.ca_bundle)


def connect(profile: Profile, *, profiles: Profiles) -> Neo4jMcp:
    """Create a client of the server.

    Raises:
        Neo4jMcpError: the credentials can't be read.
    """
    source = profile.source()
    return Neo4jMcp(
        source.current().mcp_url,
        token_provider(profile, source, profiles=profiles),
        ca_bundle=profile.ca_bundle,
    )
