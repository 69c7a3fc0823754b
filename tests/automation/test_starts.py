import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from automation.checks.context import Context
from automation.proxy import Proxy, Request, Response
from automation.starts import MeasurementError, Starts, measure_starts, require_function
from tests.automation.hosting.fake_lambda import FakeLambda
from tests.components.parsing import parse

_SETTINGS = {"neo4jUri": "neo4j+s://db.example", "clients": {"reader": {"scopes": ["reader"]}}}


@dataclass
class Function:
    """A deployed function and its package."""

    context: Context
    client: FakeLambda
    answer: dict[str, Any]


@pytest.fixture
def function() -> Iterator[Function]:
    client = FakeLambda()
    answer: dict[str, Any] = {"result": {"content": []}}

    class Faked(Context):
        def token(self, name: str, *, fresh: bool = False) -> str:
            return f"{name}'s {'new ' if fresh else ''}token"

        def client(self, service: str, *, region: str | None = None) -> Any:  # noqa: ANN401  a fake
            assert (service, region) == ("lambda", None)
            return client

    def respond(_request: Request) -> Response:
        return Response(status=200, body=json.dumps(answer).encode())

    with Proxy(respond) as proxy:
        yield Function(
            context=Faked(
                stack="dev",
                settings=parse({**_SETTINGS, "hosting": "lambda"}),
                outputs={
                    "mcpUrl": f"{proxy.url}/mcp",
                    "clients": {"reader": {}},
                },
                state=dict,
                session=boto3.Session(region_name="us-east-1"),
                database_uri="",
            ),
            client=client,
            answer=answer,
        )


def test_each_start_is_followed_by_calls_in_the_same_environment(function: Function) -> None:
    ticks = iter(float(tick) for tick in range(100))

    found = measure_starts(
        function.context,
        starts=2,
        calls=3,
        clock=lambda: next(ticks),
        sleep=function.client.paused.append,
    )

    assert function.client.led_to == ["2", "1", "3", "1"]
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
        measure_starts(function.context, starts=1, calls=1, sleep=function.client.paused.append)
    assert function.client.led_to == ["2", "1"]


def test_a_version_that_callers_do_not_reach_is_not_measured(function: Function) -> None:
    function.client.versions["$LATEST"]["CodeSha256"] = "other"

    with pytest.raises(MeasurementError, match=r"later version than callers reach\nDeploy first"):
        measure_starts(function.context, starts=1, calls=1)
    assert function.client.led_to == []


def test_another_host_has_no_starts(function: Function) -> None:
    function.context.settings = parse(_SETTINGS)

    with pytest.raises(MeasurementError, match="is on apprunner"):
        require_function(function.context)
