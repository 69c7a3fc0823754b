import pytest

from automation.deployment import DeploymentError
from automation.target import on_other_host
from components.settings import Hosting
from tests.components.parsing import parse

VALUES = {"neo4jUri": "neo4j+s://a.example", "clients": {"agent": {"scopes": ["reader"]}}}
MOVING = {**VALUES, "nextHost": {"hosting": "lambda"}}
OUTPUTS = {
    "mcpUrl": "https://old.example/mcp",
    "serviceUrl": "https://old.example",
    "otherMcpUrl": "https://new.example/mcp",
    "otherServiceUrl": "https://new.example",
    "edgeUrl": "https://edge.example/mcp",
    "issuer": "https://issuer.example",
}


def test_the_other_host_is_checked_at_its_own_address() -> None:
    settings, outputs = on_other_host(parse(MOVING), OUTPUTS)

    assert settings.hosting is Hosting.LAMBDA
    assert outputs["mcpUrl"] == "https://new.example/mcp"
    assert outputs["serviceUrl"] == "https://new.example"
    assert outputs["issuer"] == OUTPUTS["issuer"]
    # The edge is in front of the host that callers use.
    assert "edgeUrl" not in outputs


def test_without_a_move_there_is_no_other_host() -> None:
    with pytest.raises(DeploymentError, match="nextHost isn't set"):
        on_other_host(parse(VALUES), OUTPUTS)


def test_an_other_host_without_an_address_is_reported() -> None:
    outputs = {name: each for name, each in OUTPUTS.items() if name != "otherMcpUrl"}

    with pytest.raises(DeploymentError, match="lambda, can't be called directly"):
        on_other_host(parse(MOVING), outputs)
