"""Looks the service up in AWS, if allowed. Needs the extra `aws`."""

from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from neo4j_mcp_client.doctor import app_runner, edge, fargate, lambda_
from neo4j_mcp_client.doctor.evidence import Service
from neo4j_mcp_client.secrets_manager import region_of

Clients = Callable[[str], Any]
"""Makes the boto3 client of a service, by the service's name."""

_TIMEOUT: Final = 10
# Each finds the service at a host name. An own domain, or the stand-in's address, doesn't show
# which one runs it. The edge comes first: nothing else matters as long as it is disabled.
_LOOKUPS: Final[tuple[Callable[[Clients, Collection[str]], Service | None], ...]] = (
    lambda aws, hosts: edge.disabled_at(aws("cloudfront"), hosts),
    lambda aws, hosts: app_runner.service_at(aws("apprunner"), hosts),
    lambda aws, hosts: lambda_.service_at(aws("lambda"), hosts),
    fargate.service_at,
)


def service_at(
    hosts: Collection[str], *, secret_arn: str, profile: str | None, endpoint_url: str | None
) -> Service | None:
    """Look up the service with one of the host names.

    Returns:
        The service, or None if there is none or the user isn't allowed to see it.
    """
    session = boto3.Session(profile_name=profile)

    with ExitStack() as opened:

        def client(name: str) -> Any:  # noqa: ANN401 - boto3's own client
            made = session.client(
                name,  # type: ignore[call-overload] # the name is no literal
                region_name=region_of(secret_arn),
                endpoint_url=endpoint_url,
                config=Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT),
            )
            return opened.enter_context(closing(made))

        for find in _LOOKUPS:
            try:
                found = find(client, hosts)
            # boto3 raises ValueError for an endpoint that isn't a URL.
            except (BotoCoreError, ClientError, ValueError):
                continue
            if found is not None:
                return found
    return None
