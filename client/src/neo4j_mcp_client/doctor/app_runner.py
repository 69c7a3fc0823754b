"""Reads the service's status from App Runner."""

from collections.abc import Collection
from typing import Any, Final

from neo4j_mcp_client.doctor.evidence import HostKind, Service

_PAUSED: Final = "PAUSED"


def service_at(apprunner: Any, hosts: Collection[str]) -> Service | None:  # noqa: ANN401 - boto3's own client
    """Find the service at one of the host names; None if there is none."""
    arn = _arn_of(apprunner, hosts)
    if arn is None:
        return None
    return _service(apprunner.describe_service(ServiceArn=arn)["Service"])


def _arn_of(apprunner: Any, hosts: Collection[str]) -> str | None:  # noqa: ANN401 - boto3's own client
    # boto3 has no paginator for list_services.
    page: dict[str, Any] = {"NextToken": ""}
    while (mark := page.get("NextToken")) is not None:
        page = apprunner.list_services(**({"NextToken": mark} if mark else {}))
        for summary in page["ServiceSummaryList"]:
            if summary.get("ServiceUrl") in hosts:
                return str(summary["ServiceArn"])
    return None


def _service(described: dict[str, Any]) -> Service:
    image = described.get("SourceConfiguration", {}).get("ImageRepository", {})
    return Service(
        host=HostKind.APP_RUNNER,
        arn=described["ServiceArn"],
        status=described["Status"],
        is_paused=described["Status"] == _PAUSED,
        environment=image.get("ImageConfiguration", {}).get("RuntimeEnvironmentVariables", {}),
    )
