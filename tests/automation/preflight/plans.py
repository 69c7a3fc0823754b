"""Deployments that are about to start, and AWS clients with prepared answers."""

from typing import Any

import boto3
from botocore.stub import Stubber

from automation.deployment import Changes, Step
from automation.preflight.findings import Plan
from automation.sessions import Clients
from components.names import ResourceNames
from tests.components.parsing import parse


def plan(values: dict[str, Any], *created: str) -> Plan:
    """Return a deployment that creates resources of the given types."""
    settings = parse(
        {
            "neo4jUri": "neo4j+s://example.databases.neo4j.io",
            "clients": {"agent": {"scopes": ["reader"]}},
            **values,
        }
    )
    steps = tuple(
        Step(urn=f"urn:pulumi:dev::neo4j-mcp::{each}::server", type=each, operation="create")
        for each in created
    )
    return Plan(
        stack="dev",
        settings=settings,
        names=ResourceNames(prefix=settings.name_prefix, stack="dev"),
        changes=Changes(counts={}, resources={}, steps=steps),
    )


def stubbed(service: str) -> tuple[Clients, Stubber]:
    """Return clients of which one answers only what its stub has, in that order."""
    client = boto3.client(
        service,  # type: ignore[call-overload] # the name is no literal
        region_name="eu-west-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    stub = Stubber(client)
    stub.activate()
    return {service: client}.__getitem__, stub
