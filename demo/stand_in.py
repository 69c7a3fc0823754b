"""What a person does by hand on AWS and Aura, on the stand-in cloud."""

import boto3

from automation.deployment import Target
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from neo4j_mcp_client import ClientCredentials
from neo4j_mcp_client.secrets_manager import SecretsManagerSource


def target(running: Cloud) -> Target:
    """Say where the local stack is deployed.

    Args:
        running: the stand-in cloud.

    Returns:
        The stack, its workspace, and the environment that leads to this stand-in.
    """
    home = Home(running.home)
    return Target(
        stack=STACK,
        workspace=home.workspace,
        engine=home.engine,
        environment=running.environment(),
    )


def read_credentials(running: Cloud, secret_arn: str) -> ClientCredentials:
    """Read a caller's secret, as the caller itself does.

    Args:
        running: the stand-in cloud.
        secret_arn: the secret's ARN, from the stack's output `clients`.

    Returns:
        The credentials in it.

    Raises:
        Neo4jMcpError: there is no such secret.
    """
    key = running.access_key()
    session = boto3.Session(aws_access_key_id=key.key_id, aws_secret_access_key=key.secret)
    source = SecretsManagerSource(secret_arn, endpoint_url=running.aws_endpoint, session=session)
    return source.current()
