"""What a person does by hand on AWS and Aura, on the stand-in cloud."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import httpx2

from automation.deployment import Target
from localcloud.cloud import Cloud
from localcloud.errors import LocalCloudError
from localcloud.paths import Home
from localcloud.workspace import STACK
from neo4j_mcp_client import ClientCredentials
from neo4j_mcp_client.secrets_manager import SecretsManagerSource

_CONSOLE_TIMEOUT = 30.0


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


def connect_aura(running: Cloud, aura_sso: Mapping[str, Any]) -> None:
    """Type the single sign-on settings into the emulated Aura console.

    Args:
        running: the stand-in cloud.
        aura_sso: the stack's output of that name.

    Raises:
        LocalCloudError: the console refuses them.
        httpx2.HTTPError: it doesn't answer.
    """
    credentials = json.loads(running.console_credentials.read_text(encoding="utf-8"))
    response = httpx2.put(
        f"{running.console_url}/sso",
        json=dict(aura_sso),
        auth=(credentials["username"], credentials["password"]),
        timeout=_CONSOLE_TIMEOUT,
    )
    if response.is_error:
        raise LocalCloudError(f"The Aura console refuses auraSso: {response.text}")


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
    environment = running.environment()
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    source = SecretsManagerSource(
        secret_arn, endpoint_url=environment["AWS_ENDPOINT_URL"], session=session
    )
    return source.current()
