from typing import Any

import httpx2
import pytest

from automation.checks.verdicts import Failed, Skipped
from automation.drills.rotation import expect_refused, rotated_client
from neo4j_mcp_client import ClientCredentials

_CREDENTIALS = ClientCredentials(
    client_id="client",
    client_secret="hush-hush",
    token_url="https://tokens.example/token",
    mcp_url="https://server.example/mcp",
)


def output(**changes: object) -> dict[str, Any]:
    return {
        "clientId": "client",
        "secretArn": "arn",
        "scopes": [],
        "enabled": True,
        "tokenValidityMinutes": 60,
        "rotationDays": 30,
        "overlapHours": 24,
    } | changes


def test_the_first_client_that_is_rotated_is_chosen() -> None:
    clients = {
        "disabled": output(enabled=False),
        "never-rotated": output(rotationDays=0),
        "rotated": output(),
        "rotated-too": output(),
    }
    assert rotated_client(clients).name == "rotated"


def test_without_a_rotated_client_the_drill_is_skipped() -> None:
    with pytest.raises(Skipped, match="rotationDays above 0"):
        rotated_client({"disabled": output(enabled=False), "never": output(rotationDays=0)})


def test_a_deleted_client_secret_must_be_refused() -> None:
    def respond(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status)

    with httpx2.Client(transport=httpx2.MockTransport(respond)) as http:
        status = 400
        expect_refused(http, _CREDENTIALS, within=0.0)
        status = 200
        with pytest.raises(Failed, match="the token endpoint still accepts it"):
            expect_refused(http, _CREDENTIALS, within=0.0)


def test_a_deletion_may_take_a_moment() -> None:
    statuses = iter([200, 400])

    def respond(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(next(statuses))

    with httpx2.Client(transport=httpx2.MockTransport(respond)) as http:
        expect_refused(http, _CREDENTIALS, within=60.0)
