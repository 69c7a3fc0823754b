"""What a person does by hand on AWS and Aura, on the stand-in cloud."""

import json

import boto3

from automation.deployment import Target
from demo.calls import Credentials
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK


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


def read_credentials(running: Cloud, secret_arn: str) -> Credentials:
    """Read a caller's secret, as the caller itself does.

    Args:
        running: the stand-in cloud.
        secret_arn: the secret's ARN, from the stack's output `clients`.

    Returns:
        The credentials in it.

    Raises:
        botocore.exceptions.ClientError: there is no such secret.
    """
    environment = running.environment()
    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    secret = json.loads(secrets.get_secret_value(SecretId=secret_arn)["SecretString"])
    return Credentials(
        client_id=secret["clientId"],
        client_secret=secret["clientSecret"],
        token_url=secret["tokenUrl"],
        scopes=tuple(secret["scopes"]),
        mcp_url=secret["mcpUrl"],
    )
