"""Token requests and claims, for several checks."""

from http import HTTPStatus
from typing import Any

from automation.checks.context import request_token
from automation.checks.probe import Probe
from automation.checks.verdicts import expect_status
from neo4j_mcp_client import ClientCredentials


def request_grant(probe: Probe, credentials: ClientCredentials, name: str) -> dict[str, Any]:
    """Request a new token, and return the whole response of the token endpoint.

    Args:
        probe: the check's probe.
        credentials: the credentials of an app client.
        name: the app client's name, for the reason of a failure.

    Raises:
        Failed: the token endpoint refuses.
    """
    response = request_token(probe.http, credentials)
    expect_status(f"{name}'s token request", response, HTTPStatus.OK)
    grant: dict[str, Any] = response.json()
    probe.context.blanker.learn(grant["access_token"])
    return grant
