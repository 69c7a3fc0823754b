"""What a comparison calls, and why it may be skipped."""

import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import boto3
import pytest

from automation.checks.context import Context
from automation.load.mix import DEFAULT, read_mix
from automation.load.plan import steady
from automation.load.progress import Progress
from automation.load.targets import Addresses, Compared, Targets
from automation.load.tokens import RenewedToken, SeveralTokens
from automation.load.vegeta import Vegeta
from components.configuration import parse_settings
from tests.automation.load.mcp_server import mcp_server

_UNREACHABLE = "bolt://127.0.0.1:1"


def _targets(
    addresses: Addresses, vegeta: Vegeta | None = None, lines: list[str] | None = None
) -> Targets:
    settings = parse_settings(
        {"neo4jUri": "neo4j+s://db.example", "clients": '{"reader": {"scopes": ["reader"]}}'},
        project="neo4j-mcp",
        stack="local",
    )
    context = Context(
        stack="local",
        settings=settings,
        outputs={"mcpUrl": "https://service.example/mcp"},
        state=dict,
        session=boto3.Session(region_name="us-east-1"),
        database_uri=_UNREACHABLE,
    )
    return Targets(
        context=context,
        vegeta=vegeta or Vegeta(path=Path("vegeta"), version="0"),
        mix=read_mix(DEFAULT),
        tokens=SeveralTokens({each: RenewedToken(partial(str, each)) for each in "ab"}),
        stopping=threading.Event(),
        progress=Progress((lines if lines is not None else []).append, interval=0.0),
        most=8,
        addresses=addresses,
    )


def _reason(compared: Compared, addresses: Addresses) -> str:
    with ExitStack() as stack:
        sides, skipped = _targets(addresses).open([compared], stack)
    assert sides == []
    return skipped[compared]


@pytest.mark.parametrize("compared", [Compared.BOLT, Compared.STATEMENTS])
def test_a_database_out_of_reach_is_skipped(compared: Compared) -> None:
    assert f"can't use the database at {_UNREACHABLE}" in _reason(compared, Addresses())


@pytest.mark.parametrize(
    "addresses", [Addresses(), Addresses(database=_UNREACHABLE), Addresses(credentials=DEFAULT)]
)
def test_a_database_behind_a_gateway_needs_an_address_and_credentials(
    addresses: Addresses,
) -> None:
    assert "--direct-database and --direct-credentials" in _reason(Compared.DATABASE, addresses)


@pytest.mark.parametrize("content", ["hidden", '{"username": "hidden"}', '["hidden"]', None])
def test_credentials_that_cannot_be_read_are_reported_without_their_content(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "credentials.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    addresses = Addresses(database=_UNREACHABLE, credentials=path)
    reason = _reason(Compared.DATABASE, addresses)
    assert "isn't JSON with username and password" in reason
    assert "hidden" not in reason


@pytest.mark.program
@pytest.mark.slow
def test_a_named_container_is_called_with_the_clients_tokens_in_turn() -> None:
    """Building vegeta takes a minute once, which is more than all these tests."""
    lines: list[str] = []
    with mcp_server() as server, ExitStack() as stack:
        base = server.url.removesuffix("/mcp")
        targets = _targets(Addresses(container=f"{base}/"), Vegeta.install(), lines)
        stack.enter_context(targets.tokens)
        (side,), skipped = targets.open([Compared.CONTAINER], stack)
        outcomes = list(side.make(steady(40, warm_up=0, seconds=0.25), "run"))
    assert skipped == {}
    assert side.name == "container"
    assert set(server.paths) == {"/mcp"}
    assert sorted(server.tokens) == ["Bearer a"] * 5 + ["Bearer b"] * 5
    assert [each.client for each in sorted(outcomes, key=lambda each: each.due)] == ["a", "b"] * 5
    assert len(outcomes) == len(lines) == 10
