"""The local stack's configuration for each host."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.hosting.definitions import DEFINITIONS
from components.settings import Hosting
from demo.hosts import (
    Choice,
    choose,
    current_host,
    describe_changes,
    has_edge,
    needs_domain,
    with_domain,
)
from localcloud.errors import LocalCloudError
from tests.components.parsing import parse
from tests.repository import ROOT

_IN_CONTAINER = "neo4j+s://host.docker.internal:7687"
_ON_MACHINE = "neo4j+s://localhost:7687"
_CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/example"


def _repository() -> dict[str, Any]:
    text = Path(ROOT / "Pulumi.local.yaml").read_text(encoding="utf-8")
    config: dict[str, Any] = yaml.safe_load(text)["config"]
    return config


def _choose(config: dict[str, Any], host: str = "", edge: str = "") -> dict[str, Any]:
    choice = Choice.parse(host, edge)
    return dict(choose(config, choice, repository=_repository(), database=_ON_MACHINE))


@pytest.mark.parametrize("edge", ["", "1"])
@pytest.mark.parametrize("before", DEFINITIONS)
@pytest.mark.parametrize("after", DEFINITIONS)
def test_every_host_has_a_valid_configuration_after_every_other(
    before: Hosting, after: Hosting, edge: str
) -> None:
    chosen = _choose(_choose(_repository(), before), after, edge)
    if needs_domain(chosen):
        chosen = dict(with_domain(chosen, certificate=_CERTIFICATE, port=8450))

    settings = parse(
        {
            name.removeprefix("neo4j-mcp:"): value
            for name, value in chosen.items()
            if name.startswith("neo4j-mcp:")
        },
        stack="local",
        region="us-east-1",
    )
    assert settings.hosting is after
    assert settings.edge is bool(edge)


def test_without_a_choice_nothing_changes() -> None:
    for config in (_repository(), _choose(_repository(), "lambda", "1")):
        assert _choose(config) == config


def test_the_way_back_restores_the_repositorys_settings() -> None:
    there = _choose(_repository(), "lambda")
    assert there != _repository()
    back = _choose(there, "apprunner")
    assert back == _repository() | {"neo4j-mcp:hosting": "apprunner"}


def test_a_persons_settings_survive_a_move() -> None:
    config = _repository() | {"neo4j-mcp:logLevel": "debug", "neo4j-mcp:maxInstances": 9}
    moved = _choose(config, "lambda")
    assert moved["neo4j-mcp:logLevel"] == "debug"
    assert "neo4j-mcp:maxInstances" not in moved
    assert _choose(config, "apprunner") == config


def test_the_database_is_reached_from_where_the_server_runs() -> None:
    assert _choose(_repository(), "apprunner")["neo4j-mcp:neo4jUri"] == _IN_CONTAINER
    assert _choose(_repository(), "lambda")["neo4j-mcp:neo4jUri"] == _ON_MACHINE
    other = _repository() | {"neo4j-mcp:neo4jUri": "neo4j+s://db.example.com"}
    assert _choose(other, "lambda")["neo4j-mcp:neo4jUri"] == "neo4j+s://db.example.com"


def test_another_port_of_the_database_is_noticed() -> None:
    before = _choose(_repository(), "lambda")
    choice = Choice.parse("", "")
    moved = choose(before, choice, repository=_repository(), database="neo4j+s://localhost:9687")
    assert moved["neo4j-mcp:neo4jUri"] == "neo4j+s://localhost:9687"


def test_a_load_balancer_without_an_edge_needs_a_domain() -> None:
    assert not needs_domain(_choose(_repository(), "apprunner"))
    assert not needs_domain(_choose(_repository(), "fargate", "1"))
    alone = _choose(_repository(), "fargate")
    assert needs_domain(alone)
    named = dict(with_domain(alone, certificate=_CERTIFICATE, port=8450))
    assert not needs_domain(named)
    # The same address for as long as it stays this way.
    assert _choose(named) == named
    assert "neo4j-mcp:serviceDomain" not in _choose(named, edge="1")
    own = named | {"neo4j-mcp:serviceDomain": {"name": "mcp.example.com"}}
    assert _choose(own, edge="1")["neo4j-mcp:serviceDomain"] == {"name": "mcp.example.com"}


def test_a_move_in_progress_ends_with_another_host() -> None:
    moving = _repository() | {"neo4j-mcp:nextHost": {"hosting": "lambda"}}
    assert _choose(moving) == moving
    assert "neo4j-mcp:nextHost" not in _choose(moving, "lambda")


def test_the_edge_is_added_and_removed() -> None:
    added = _choose(_repository(), edge="1")
    assert has_edge(added)
    assert has_edge(_choose(added, "lambda"))
    assert not has_edge(_choose(added, edge="0"))
    # As `pulumi config set edge true` writes it.
    assert has_edge({"neo4j-mcp:edge": "true"})


def test_changes_are_described() -> None:
    before, after = _repository(), _choose(_repository(), "lambda", "1")
    moves, edge = describe_changes(before, after)
    assert "from App Runner to Lambda" in moves
    assert edge == "The edge is added"
    assert describe_changes(after, after) == ()
    assert describe_changes(after, _choose(after, edge="0")) == ("The edge is removed",)
    assert current_host(after) is Hosting.LAMBDA


@pytest.mark.parametrize(
    ("host", "edge", "message"),
    [
        ("ec2", "", r"HOST is 'ec2', and must be one of .*lambda(.|\n)*make demo HOST="),
        ("", "yes", "EDGE is 'yes', and must be 1 or 0"),
        ("ec2", "yes", r"HOST is(.|\n)*EDGE is"),
    ],
)
def test_an_impossible_choice_names_the_possible_ones(host: str, edge: str, message: str) -> None:
    with pytest.raises(LocalCloudError) as refused:
        Choice.parse(host, edge)
    assert re.search(message, str(refused.value))
