"""Finds the local stack and its clients' credentials on the stand-in cloud."""

import boto3

from automation.deployment import Target
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from neo4j_mcp_client import ClientCredentials
from neo4j_mcp_client.secrets_manager import SecretsManagerSource


def target(running: Cloud) -> Target:
    """Make the deployment target of the local stack on a running stand-in cloud."""
    home = Home(running.home)
    return Target(
        stack=STACK,
        workspace=home.workspace,
        engine=home.engine,
        environment=running.environment(),
    )


def read_credentials(running: Cloud, secret_arn: str) -> ClientCredentials:
    """Read a client's credentials from its secret, as the client itself does.

    Args:
        secret_arn: from the stack's output `clients`.

    Raises:
        Neo4jMcpError: there is no such secret.
    """
    key = running.access_key()
    session = boto3.Session(aws_access_key_id=key.key_id, aws_secret_access_key=key.secret)
    source = SecretsManagerSource(secret_arn, endpoint_url=running.aws_endpoint, session=session)
    return source.current()
