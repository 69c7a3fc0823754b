"""The check of who can load data, with made-up answers of the server."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from automation.blanking import Blanker
from automation.checks import CHECKS, runner
from automation.checks.context import Context
from automation.checks.results import Outcome, Result

_KEYS = "https://pool.example/jwks.json"
_LOADED = '[\n  {\n    "lines": 1\n  }\n]'


def _refused(code: str, message: str) -> str:
    """Return what the server makes of Neo4j's error."""
    return f"failed to execute read query: Neo4jError: Neo.ClientError.{code} ({message} ())"


# Community Edition has no roles. Source: Neo4j's SecurityAuthorizationHandler, release 5.26.
_FORBIDDEN = _refused("Security.Forbidden", f"LOAD on URL '{_KEYS}' is denied for user 'x'.")
# As the stand-in's database says it, with its blocked addresses and without.
_BLOCKED = _refused(
    "Statement.ExternalResourceFailed",
    f"Cannot load from URL '{_KEYS}': access to /127.0.0.1 is blocked via the configuration"
    " property internal.dbms.cypher_ip_blocklist",
)
_UNREACHABLE = _refused(
    "Statement.ExternalResourceFailed",
    f"Cannot load from URL '{_KEYS}': Couldn't load the external resource at: {_KEYS}",
)


class _Stack(Context):
    """A stack with the clients `reader` and `agent`, whose calls a test answers."""

    def __init__(self, answers: Mapping[str, str], *, agents_role: str) -> None:
        self.outputs = {
            "mcpUrl": "https://server.example/mcp",
            "jwksUrl": _KEYS,
            "scopes": {"x/reader": "reader", "x/agent": agents_role},
            "clients": {
                "reader": {"scopes": ["x/reader"]},
                "agent": {"scopes": ["x/reader", "x/agent"]},
            },
        }
        self.blanker = Blanker()
        self.asked: list[Mapping[str, Any]] = []
        self._answers = answers

    def token(self, name: str, *, fresh: bool = False) -> str:
        del fresh
        return name

    def http_client(self, **options: Any) -> httpx2.Client:  # noqa: ANN401 - httpx2's own
        return httpx2.Client(transport=httpx2.MockTransport(self._answer), **options)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(json.loads(request.content)["params"])
        text = self._answers[request.headers["authorization"].removeprefix("Bearer ")]
        content = [{"type": "text", "text": text}]
        return httpx2.Response(
            200, json={"result": {"content": content, "isError": text != _LOADED}}
        )


def _check(stack: _Stack) -> Result:
    return runner.run_one(CHECKS["P5-cannot-load"], stack)


@pytest.mark.parametrize("answer", [_FORBIDDEN, _BLOCKED])
def test_a_database_that_refuses_passes(answer: str) -> None:
    stack = _Stack({"reader": answer, "agent": answer}, agents_role="agent_reader")
    assert _check(stack).outcome is Outcome.PASSED
    # It goes to no address that the database doesn't know, and has nothing of the graph in it.
    assert [each["arguments"]["params"] for each in stack.asked] == [{"address": _KEYS}] * 2


@pytest.mark.parametrize("answer", [_LOADED, _UNREACHABLE])
def test_a_role_of_somebodys_own_that_may_load_fails_with_the_command(answer: str) -> None:
    stack = _Stack({"reader": answer, "agent": answer}, agents_role="agent_reader")
    found = _check(stack)
    assert found.outcome is Outcome.FAILED
    assert "loads data for agent, from" in found.reason
    assert found.reason.endswith("DENY LOAD ON ALL DATA TO agent_reader")


def test_neo4js_own_roles_are_skipped_with_the_risk_and_what_to_do() -> None:
    stack = _Stack({"reader": _LOADED, "agent": _LOADED}, agents_role="publisher")
    found = _check(stack)
    assert found.outcome is Outcome.SKIPPED
    assert "loads data for agent, reader, from" in found.reason
    assert "Neo4j's own roles, here publisher, reader," in found.reason
    assert "automation database-role" in found.reason


def test_a_role_that_denies_it_does_not_hide_that_another_may_load() -> None:
    stack = _Stack({"reader": _LOADED, "agent": _FORBIDDEN}, agents_role="agent_reader")
    found = _check(stack)
    assert found.outcome is Outcome.SKIPPED
    assert "loads data for reader, from" in found.reason


def test_another_error_proves_nothing() -> None:
    error = _refused("Security.Unauthorized", "The client is unauthorized.")
    stack = _Stack({"reader": _FORBIDDEN, "agent": error}, agents_role="agent_reader")
    found = _check(stack)
    assert found.outcome is Outcome.FAILED
    assert "agent trying to load data gets" in found.reason
