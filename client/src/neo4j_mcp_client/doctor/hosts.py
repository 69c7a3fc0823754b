"""Looks the service up in AWS, if allowed. Needs the extra `aws`."""

from collections.abc import Callable
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from neo4j_mcp_client.doctor import app_runner, lambda_
from neo4j_mcp_client.doctor.evidence import Service
from neo4j_mcp_client.secrets_manager import region_of

_TIMEOUT: Final = 10
# Each finds the service at a host name. An own domain, or the stand-in's address, doesn't show
# which one runs it.
_LOOKUPS: Final[dict[str, Callable[[Any, str], Service | None]]] = {
    "apprunner": app_runner.service_at,
    "lambda": lambda_.service_at,
}


def service_at(
    service_url: str, *, secret_arn: str, profile: str | None, endpoint_url: str | None
) -> Service | None:
    """Look up the service with a URL.

    Returns:
        The service, or None if there is none or the user isn't allowed to see it.
    """
    host = urlsplit(service_url).netloc
    session = boto3.Session(profile_name=profile)
    for name, find in _LOOKUPS.items():
        try:
            with closing(
                session.client(
                    name,  # type: ignore[call-overload] # the name is no literal
                    region_name=region_of(secret_arn),
                    endpoint_url=endpoint_url,
                    config=Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT),
                )
            ) as client:
                found = find(client, host)
        # boto3 raises ValueError for an endpoint that isn't a URL.
        except (BotoCoreError, ClientError, ValueError):
            continue
        if found is not None:
            return found
    return None
