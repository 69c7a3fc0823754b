"""Reads the service's status from App Runner, if allowed. Needs the extra `aws`."""

from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from neo4j_mcp_client.doctor.evidence import Service
from neo4j_mcp_client.secrets_manager import region_of

_TIMEOUT = 10


def service_at(
    service_url: str, *, secret_arn: str, profile: str | None, endpoint_url: str | None
) -> Service | None:
    """Look up the App Runner service with a URL.

    Returns:
        The service, or None if there is none or the user isn't allowed to see it.
    """
    try:
        with closing(
            boto3.Session(profile_name=profile).client(
                "apprunner",
                region_name=region_of(secret_arn),
                endpoint_url=endpoint_url,
                config=Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT),
            )
        ) as apprunner:
            arn = _arn_of(apprunner, urlsplit(service_url).netloc)
            if arn is None:
                return None
            return _service(apprunner.describe_service(ServiceArn=arn)["Service"])
    # boto3 raises ValueError for an endpoint that isn't a URL.
    except (BotoCoreError, ClientError, ValueError):
        return None


def _arn_of(apprunner: Any, host: str) -> str | None:  # noqa: ANN401 - boto3's own client
    # boto3 has no paginator for list_services.
    page: dict[str, Any] = {"NextToken": ""}
    while (mark := page.get("NextToken")) is not None:
        page = apprunner.list_services(**({"NextToken": mark} if mark else {}))
        for summary in page["ServiceSummaryList"]:
            if summary.get("ServiceUrl") == host:
                return str(summary["ServiceArn"])
    return None


def _service(described: dict[str, Any]) -> Service:
    image = described.get("SourceConfiguration", {}).get("ImageRepository", {})
    return Service(
        arn=described["ServiceArn"],
        status=described["Status"],
        environment=image.get("ImageConfiguration", {}).get("RuntimeEnvironmentVariables", {}),
    )
