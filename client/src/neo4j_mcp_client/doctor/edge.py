"""Reads the state of the stack's edge from CloudFront."""

from collections.abc import Collection
from typing import Any

from neo4j_mcp_client.doctor.evidence import HostKind, Service


def disabled_at(cloudfront: Any, hosts: Collection[str]) -> Service | None:  # noqa: ANN401 - boto3's own client
    """Find the disabled distribution with one of the host names; None if there is none.

    An enabled one only forwards what the service answers, or doesn't.
    """
    for page in cloudfront.get_paginator("list_distributions").paginate():
        for distribution in page["DistributionList"].get("Items", ()):
            names = {distribution["DomainName"], *distribution["Aliases"].get("Items", ())}
            if names & set(hosts) and not distribution["Enabled"]:
                return Service(
                    host=HostKind.EDGE,
                    arn=distribution["ARN"],
                    status=f"disabled and {distribution['Status']}",
                    is_paused=True,
                    environment={},
                )
    return None
