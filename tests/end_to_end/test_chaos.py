"""Every fault passes on a healthy stack, and a server that loses writes fails it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from automation.chaos.database import detoured_database
from automation.chaos.faults import FAULTS
from automation.chaos.run import ChaosOptions, chaos_drills
from automation.chaos.toxiproxy import FaultProxy
from automation.checks.results import Outcome
from automation.controls import Controls
from automation.drills.exercise import Options
from automation.drills.results import DrillResult
from automation.drills.runner import run
from automation.proxy import Proxy, Request, Response, forward
from tests.end_to_end.breakage import World, with_outputs

# Each fault takes seconds to a minute, and the database restarts twice.
pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_OPTIONS = ChaosOptions(client="writer", seed=1, writes=20)


@pytest.fixture(scope="module")
def network(world: World) -> Iterator[FaultProxy]:
    """The network to the database, which needs the environment of the deployed stack."""
    del world
    controls = Controls.from_environment()
    assert controls.detour_database is not None
    assert controls.resume_database is not None
    with detoured_database(controls.detour_database, controls.resume_database, print) as proxy:
        yield proxy


def make(
    world: World, name: str, network: FaultProxy | None, controls: Controls | None = None
) -> DrillResult:
    (result,) = run(
        chaos_drills([FAULTS[name]], _OPTIONS, network),
        world.context,
        controls or Controls.from_environment(),
        Options(callers=2),
    )
    return result


@pytest.mark.parametrize("name", [name for name, each in FAULTS.items() if each.needs_network])
def test_no_write_is_lost_when_the_database_fails(
    world: World, network: FaultProxy, name: str
) -> None:
    _expect_passed(make(world, name, network))


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, each in FAULTS.items()
        # These have a test below.
        if not each.needs_network and name not in {"answers-reset", "claims-function-raises"}
    ],
)
def test_no_write_is_lost_when_something_else_fails(world: World, name: str) -> None:
    _expect_passed(make(world, name, None))


def _expect_passed(result: DrillResult) -> None:
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    assert [each.lost for each in result.writes] == [0, 0, 0]
    assert all(each.acknowledged >= 2 * 2 * 3 for each in result.writes)


def test_an_answer_that_is_lost_after_its_write_makes_repetitions(world: World) -> None:
    result = make(world, "answers-reset", None)
    _expect_passed(result)
    once, again, merged = result.writes
    # Each caller's first answer during the fault is lost.
    assert once.present > 0
    assert again.repeated > 0
    assert (once.repeated, merged.repeated) == (0, 0)


def test_the_claims_function_gets_its_environment_back(world: World) -> None:
    functions, name = world.context.client("lambda"), world.context.names.claims_function
    before = functions.get_function_configuration(FunctionName=name)["Environment"]
    _expect_passed(make(world, "claims-function-raises", None))
    assert functions.get_function_configuration(FunctionName=name)["Environment"] == before


def test_the_nodes_are_deleted(world: World) -> None:
    _expect_passed(make(world, "token-endpoint-slow", None))
    with world.context.driver(world.context.token("writer")) as driver:
        found = driver.execute_query("MATCH (n:ChaosWrite|ChaosWriter) RETURN count(n) AS nodes")
    assert found.records[0]["nodes"] == 0


def test_a_server_that_acknowledges_writes_before_it_makes_them_fails(world: World) -> None:
    with _losing_writes(world) as losing:
        result = make(losing, "token-endpoint-slow", None)
    assert result.outcome is Outcome.FAILED
    assert "acknowledged writes aren't in the database" in result.reason
    assert sum(each.lost for each in result.writes) > 0


@contextmanager
def _losing_writes(world: World) -> Iterator[World]:
    """Acknowledge every tenth write without making it."""
    seen = Counter[str]()

    def respond(request: Request) -> Response:
        call = json.loads(request.body)
        write = call["params"]["arguments"].get("params", {}).get("id")
        seen["writes"] += write is not None
        if write is None or seen["writes"] % 10:
            return forward(http, world.outputs["mcpUrl"], request)
        content = [{"type": "text", "text": json.dumps([{"id": write}])}]
        result = {"content": content, "isError": False}
        answer = {"jsonrpc": "2.0", "id": call["id"], "result": result}
        return Response(status=200, body=json.dumps(answer).encode())

    with world.context.http_client() as http, Proxy(respond) as proxy:
        yield replace(world, context=with_outputs(world, mcpUrl=f"{proxy.url}/mcp"))


def test_a_fault_that_cannot_be_made_here_is_skipped(world: World) -> None:
    result = make(world, "database-slow", None)
    assert result.outcome is Outcome.SKIPPED
    assert "AUTOMATION_DETOUR_DATABASE isn't set" in result.reason
    without = replace(Controls.from_environment(), connect_database=None)
    assert make(world, "keys-unreachable", None, without).outcome is Outcome.SKIPPED
