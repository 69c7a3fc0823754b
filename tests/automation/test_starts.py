import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from automation.checks.context import Context
from automation.proxy import Proxy, Request, Response
from automation.starts import MeasurementError, Starts, measure_starts, require_function
from components.hosting.lambda_.package import ServerPackage
from tests.components.parsing import parse

_SETTINGS = {"neo4jUri": "neo4j+s://db.example", "clients": {"reader": {"scopes": ["reader"]}}}


@dataclass
class Lambda:
    """Records changes of the function's code."""

    changed: list[dict[str, Any]] = field(default_factory=list)

    def update_function_code(self, **parameters: object) -> None:
        self.changed.append(parameters)

    def get_waiter(self, name: str) -> "Lambda":
        assert name == "function_updated_v2"
        return self

    def wait(self, **parameters: object) -> None:
        assert parameters == {"FunctionName": "neo4j-mcp-dev-function"}


@dataclass
class Function:
    """A deployed function and its package."""

    context: Context
    client: Lambda
    package: ServerPackage
    answer: dict[str, Any]


@pytest.fixture
def function(tmp_path: Path) -> Iterator[Function]:
    client = Lambda()
    answer: dict[str, Any] = {"result": {"content": []}}

    class Faked(Context):
        def token(self, name: str, *, fresh: bool = False) -> str:
            return f"{name}'s {'new ' if fresh else ''}token"

        def client(self, service: str) -> Any:  # noqa: ANN401  a fake
            assert service == "lambda"
            return client

    def respond(_request: Request) -> Response:
        return Response(status=200, body=json.dumps(answer).encode())

    path = tmp_path / "server.zip"
    path.write_bytes(b"code")
    with Proxy(respond) as proxy:
        yield Function(
            context=Faked(
                stack="dev",
                settings=parse({**_SETTINGS, "hosting": "lambda"}),
                outputs={
                    "mcpUrl": f"{proxy.url}/mcp",
                    "clients": {"reader": {}},
                    "codeSha256": "hash",
                },
                state=dict,
                session=boto3.Session(region_name="us-east-1"),
                database_uri="",
            ),
            client=client,
            package=ServerPackage(path=path, code_sha256="hash"),
            answer=answer,
        )


def test_each_start_is_followed_by_calls_in_the_same_environment(function: Function) -> None:
    ticks = iter(float(tick) for tick in range(100))

    found = measure_starts(
        function.context, function.package, starts=2, calls=3, clock=lambda: next(ticks)
    )

    assert (
        function.client.changed
        == [{"FunctionName": "neo4j-mcp-dev-function", "ZipFile": b"code"}] * 2
    )
    assert found == Starts(cold=(1.0,) * 2, warm=(1.0,) * 6)


def test_the_summary_is_in_milliseconds() -> None:
    assert Starts(cold=(0.3, 0.1, 0.2), warm=(0.01, 0.02)).summary() == {
        "cold, median": 200.0,
        "cold, slowest": 300.0,
        "warm, median": 15.0,
        "warm, slowest": 20.0,
    }


def test_a_call_that_fails_is_no_measurement(function: Function) -> None:
    function.answer["result"]["isError"] = True

    with pytest.raises(MeasurementError, match="A call failed, with HTTP 200"):
        measure_starts(function.context, function.package, starts=1, calls=1)


def test_other_code_is_not_deployed(function: Function) -> None:
    other = ServerPackage(path=function.package.path, code_sha256="other")

    with pytest.raises(MeasurementError, match="Deploy first"):
        measure_starts(function.context, other, starts=1, calls=1)
    assert function.client.changed == []


def test_another_host_has_no_starts(function: Function) -> None:
    function.context.settings = parse(_SETTINGS)

    with pytest.raises(MeasurementError, match="is on apprunner"):
        require_function(function.context)
