"""What `python -m automation deploy` prints."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from automation.commands import deploying
from automation.deployment import Changes, Step
from components.function_code import claims_package, code_sha256

CLAIMS = "neo4j-mcp-dev-claims"
CONFIGURATION = {
    "aws:region": "eu-west-1",
    "neo4j-mcp:namePrefix": "neo4j-mcp",
    "neo4j-mcp:neo4jUri": "neo4j+s://example.databases.neo4j.io",
    "neo4j-mcp:scopes": '{"reader": {"description": "Read", "role": "reader"}}',
    "neo4j-mcp:clients": '{"agent": {"scopes": ["reader"]}}',
}


class _Lambda:
    """Lambda, with a claims function that somebody may have changed."""

    def __init__(self, code: bytes) -> None:
        self._code = code

    def get_function_configuration(self, **_: str) -> dict[str, Any]:
        return {"CodeSha256": code_sha256(self._code), "LastUpdateStatus": "Successful"}

    def update_function_code(self, *, ZipFile: bytes, **_: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        self._code = ZipFile
        return {}


class _Unchanged:
    """A deployed stack that differs from its program in nothing that the engine notices."""

    stack = "dev"
    project = "neo4j-mcp"

    def __init__(self, code: bytes) -> None:
        self._lambda = _Lambda(code)

    def pending_operations(self) -> tuple[str, ...]:
        return ()

    def configuration(self) -> Mapping[str, str]:
        return CONFIGURATION

    def region(self, configuration: Mapping[str, str]) -> str:
        return configuration["aws:region"]

    def take_over(self, _report: object) -> None:
        return

    def preview(self, *, plan: Path) -> Changes:
        plan.write_text("{}", encoding="utf-8")
        claims = Step(
            urn="urn:pulumi:dev::neo4j-mcp::x::claims-function",
            type="aws:lambda/function:Function",
            operation="same",
            inputs={"name": CLAIMS},
        )
        return Changes(counts={"same": 45}, resources={}, steps=(claims,))

    def state(self) -> Mapping[str, Any]:
        return {}

    def aws_clients(self, _region: str | None = None) -> Any:  # noqa: ANN401 - makes clients
        return {"lambda": self._lambda}.__getitem__


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a function with any code
    def run(code: bytes, *, as_json: bool = False) -> None:
        monkeypatch.setattr(deploying, "Deployment", lambda *_, **__: _Unchanged(code))
        monkeypatch.setattr(deploying, "violations", lambda *_: ())
        deploying.deploy(stack="dev", as_json=as_json)

    return run


def test_restored_code_is_reported_although_the_engine_changed_nothing(
    deploy: Any,  # noqa: ANN401 - a function
    capsys: pytest.CaptureFixture[str],
) -> None:
    deploy(b"changed by hand")
    assert capsys.readouterr().out == (
        f"Restored the code of {CLAIMS}, which was changed outside of the stack.\n"
        "Nothing else changed: 45 resources are unchanged.\n"
    )


def test_restored_code_is_part_of_the_json(
    deploy: Any,  # noqa: ANN401 - a function
    capsys: pytest.CaptureFixture[str],
) -> None:
    deploy(b"changed by hand", as_json=True)
    assert json.loads(capsys.readouterr().out)["restored"] == [CLAIMS]


def test_nothing_is_restored_if_the_code_is_as_deployed(
    deploy: Any,  # noqa: ANN401 - a function
    capsys: pytest.CaptureFixture[str],
) -> None:
    deploy(claims_package())
    assert capsys.readouterr().out == "Nothing changed: 45 resources are unchanged.\n"
