"""Chooses where a client's credentials come from."""

import os
from collections.abc import Mapping

from neo4j_mcp_client.credentials import (
    SECRET_ARN_VARIABLE,
    ClientCredentials,
    CredentialsSource,
    FixedCredentials,
)


def source_from_environment(environment: Mapping[str, str] | None = None) -> CredentialsSource:
    """Create the source that the environment specifies.

    Args:
        environment: the variables; defaults to the process's own.

    Returns:
        Secrets Manager if NEO4J_MCP_SECRET_ARN is set, else the variables of
        `ClientCredentials.from_environment`.

    Raises:
        ConfigurationError: neither is there, or the extra `aws` isn't installed.
    """
    variables = os.environ if environment is None else environment
    arn = variables.get(SECRET_ARN_VARIABLE)
    if not arn:
        return FixedCredentials(ClientCredentials.from_environment(variables))
    return source_from_arn(arn)


def source_from_arn(arn: str) -> CredentialsSource:
    """Create a source that reads credentials from Secrets Manager (extra `aws`).

    Raises:
        ConfigurationError: the extra isn't installed.
    """
    # Imported late: boto3 takes most of a second, and is an extra.
    from neo4j_mcp_client.secrets_manager import SecretsManagerSource  # noqa: PLC0415

    return SecretsManagerSource(arn)
