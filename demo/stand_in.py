"""Finds the local stack and its clients' credentials on the stand-in cloud."""

import contextlib
import socket
from contextlib import closing

import boto3

from automation.deployment import Target
from localcloud.cloud import REGION, Cloud
from localcloud.errors import LocalCloudError
from localcloud.paths import Home
from localcloud.ports import PORT_VARIABLES
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
    source = SecretsManagerSource(
        secret_arn, endpoint_url=running.aws_endpoint, session=_session(running)
    )
    return source.current()


def find_certificate(running: Cloud, domain: str) -> str:
    """Return the ARN of a domain's certificate, which is requested if there is none."""
    acm = _session(running).client("acm", endpoint_url=running.aws_endpoint)
    with closing(acm):
        for page in acm.get_paginator("list_certificates").paginate():
            for certificate in page["CertificateSummaryList"]:
                if certificate["DomainName"] == domain:
                    return str(certificate["CertificateArn"])
        requested = acm.request_certificate(DomainName=domain, ValidationMethod="DNS")
        return str(requested["CertificateArn"])


def free_port(running: Cloud) -> int:
    """Return a free port for a service.

    Raises:
        LocalCloudError: all ports for services are in use.
    """
    first, last = running.ports.services
    # Other services begin at the two ends.
    for port in sorted(range(first, last + 1), key=lambda port: abs(2 * port - first - last)):
        with contextlib.suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            return port
    raise LocalCloudError(
        f"All ports from {first} to {last} are in use. Start the stand-in with more of them: set"
        f" {PORT_VARIABLES['services']}, and run: make down && make demo"
    )


def _session(running: Cloud) -> boto3.Session:
    key = running.access_key()
    return boto3.Session(
        aws_access_key_id=key.key_id, aws_secret_access_key=key.secret, region_name=REGION
    )
