"""What the rules expect of a stack, by its configuration."""

from typing import Any

import pytest

from automation.policy.expectations import Expectations
from components.names import ResourceNames
from tests.components.parsing import parse

_DOMAIN = {
    "name": "mcp.example.com",
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0-1",
}
_FARGATE: dict[str, Any] = {"hosting": "fargate", "serviceDomain": _DOMAIN}


def expectations(**settings: Any) -> Expectations:  # noqa: ANN401 - any setting
    parsed = parse(
        {
            "neo4jUri": "neo4j+s://a.databases.neo4j.io",
            "clients": {"agent": {"scopes": ["reader"]}},
            **settings,
        }
    )
    return Expectations.of(parsed, ResourceNames(prefix="neo4j-mcp", stack="dev"))


@pytest.mark.parametrize(
    ("settings", "functions", "ports"),
    [
        ({}, set(), set()),
        ({"hosting": "lambda"}, {"neo4j-mcp-dev-function"}, set()),
        (_FARGATE, set(), {443}),
        ({**_FARGATE, "serviceDomain": {**_DOMAIN, "port": 8443}}, set(), {8443}),
        ({"hosting": "fargate", "edge": True}, set(), set()),
        ({"nextHost": {"hosting": "lambda"}}, {"neo4j-mcp-dev-function"}, set()),
        (
            {"hosting": "lambda", "nextHost": _FARGATE},
            {"neo4j-mcp-dev-function"},
            {443},
        ),
    ],
    ids=["app runner", "lambda", "fargate", "port", "edge only", "moving", "moving from lambda"],
)
def test_what_may_be_public_is_what_the_hosts_need(
    settings: dict[str, Any], functions: set[str], ports: set[int]
) -> None:
    expected = expectations(**settings)

    assert expected.public_functions == functions
    assert expected.caller_ports == ports
    assert expected.moves == ("nextHost" in settings)


def test_protection_and_encryption_are_expected_if_they_are_configured() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"

    assert expectations().protected
    assert not expectations(deletionProtection=False).protected
    assert not expectations().encrypted_logs
    assert expectations(logKeyArn=key).encrypted_logs
