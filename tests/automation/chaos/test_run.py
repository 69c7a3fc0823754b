"""Faults are made while callers write, and the writes are compared with the database."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import neo4j
import pytest

from automation.chaos.faults import FAULTS, ChaosFault, Scene
from automation.chaos.figures import RECOVERY
from automation.chaos.run import ChaosOptions, chaos_drills
from automation.chaos.token_fault import TokenEndpoint
from automation.checks.context import Context
from automation.checks.probe import Probe
from automation.checks.results import Outcome
from automation.controls import Controls
from automation.drills.exercise import Exercise, Limits, Options
from automation.drills.results import DrillResult
from automation.drills.runner import run
from automation.proxy import Proxy
from components.configuration import parse_settings
from neo4j_mcp_client import ClientCredentials
from tests.automation.chaos.fake_stack import FakeStack

REQUIRED = "RESOURCE_SERVER_IDENTIFIER"


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


@pytest.fixture
def context(stack: FakeStack) -> Iterator[Context]:
    settings = parse_settings(
        {"neo4jUri": "neo4j+s://db.example", "clients": '{"writer": {"scopes": ["writer"]}}'},
        project="neo4j-mcp",
        stack="local",
    )

    class InMemory(Context):
        def token(self, name: str, *, fresh: bool = False) -> str:
            return f"{name}'s {'new ' if fresh else ''}token"

        def driver(self, token: str) -> neo4j.Driver:
            assert token == "writer's token"
            return stack.driver()

        def credentials(self, name: str) -> ClientCredentials:
            return ClientCredentials(
                client_id=name,
                client_secret="made up",
                token_url=f"{proxy.url}/oauth2/token",
                scopes=(),
                mcp_url=self.outputs["mcpUrl"],
            )

    with Proxy(stack.respond) as proxy:
        yield InMemory(
            stack="local",
            settings=settings,
            outputs={"mcpUrl": f"{proxy.url}/mcp", "clients": {"writer": {}}},
            state=dict,
            session=boto3.Session(region_name="us-east-1"),
            database_uri="neo4j+s://db.example",
        )


def make(context: Context, fault: ChaosFault) -> DrillResult:
    options = ChaosOptions(client="writer", seed=1, writes=3)
    (result,) = run(
        chaos_drills([fault], options, None),
        context,
        Controls(),
        Options(callers=2, limits=Limits(too_few_calls=60.0)),
    )
    return result


def unanswered(stack: FakeStack) -> ChaosFault:
    """Reset connections after the writes that they brought."""

    @contextmanager
    def make(_: Scene) -> Iterator[None]:
        stack.answers = False
        yield
        stack.answers = True

    return ChaosFault(
        name="made-up",
        what="The server answers no call",
        touches="nothing",
        kinds={"NetworkError"},
        within=60.0,
        make=make,
    )


def test_the_writes_of_each_way_are_compared(context: Context, stack: FakeStack) -> None:
    result = make(context, unanswered(stack))
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    once, again, merged = result.writes
    for each in result.writes:
        assert each.failures.keys() == {"NetworkError"}
        assert each.lost == 0
        assert each.unacknowledged == each.present
    assert (once.unacknowledged > 0, again.unacknowledged) == (True, 0)
    assert (once.repeated, again.repeated > 0, merged.repeated) == (0, True, 0)
    assert [phase.what for phase in result.phases] == ["The server answers no call", RECOVERY]
    assert not stack.graph


def test_a_lost_write_fails_the_fault(context: Context, stack: FakeStack) -> None:
    stack.executes = 0
    result = make(context, unanswered(stack))
    assert result.outcome is Outcome.FAILED
    assert "acknowledged writes aren't in the database" in result.reason
    assert all(each.lost == each.acknowledged > 0 for each in result.writes)


class Functions:
    """Lambda with the claims function."""

    def __init__(self) -> None:
        self.environments: list[dict[str, str]] = [{REQUIRED: "neo4j", "OTHER": "1"}]

    def get_function_configuration(self, **_: object) -> dict[str, object]:
        return {
            "Environment": {"Variables": self.environments[-1]},
            "LastUpdateStatus": "Successful",
        }

    def update_function_configuration(
        self,
        FunctionName: str,  # noqa: N803 - AWS's own
        Environment: dict[str, dict[str, str]],  # noqa: N803 - AWS's own
    ) -> dict[str, object]:
        del FunctionName
        self.environments.append(Environment["Variables"])
        return {}


def test_the_claims_function_gets_its_environment_back_after_an_interruption(
    context: Context,
) -> None:
    functions = Functions()
    context._clients["lambda", None] = functions  # noqa: SLF001 - as if it had been made before
    with Probe(context) as probe, context.http_client() as http:
        exercise = Exercise(probe=probe, http=http, controls=Controls(), options=Options())
        chance = random.Random(1)  # noqa: S311 - nothing secret
        scene = Scene(
            exercise=exercise,
            tokens=TokenEndpoint(http, "https://made-up.example", chance),
            network=None,
            calls=None,
            chance=chance,
        )
        # The block doesn't end, as after an interruption.
        FAULTS["claims-function-raises"].make(scene).__enter__()
        assert functions.environments[-1] == {"OTHER": "1"}
        assert not exercise.restore()
    assert functions.environments[-1] == {REQUIRED: "neo4j", "OTHER": "1"}


def test_the_seed_determines_the_order() -> None:
    def order(seed: int) -> list[str]:
        options = ChaosOptions(client="writer", seed=seed)
        return [each.name for each in chaos_drills(list(FAULTS.values()), options, None)]

    assert order(1) == order(1) != order(2)
    assert sorted(order(1)) == sorted(FAULTS)


def test_a_fault_without_the_network_to_the_database_is_skipped(context: Context) -> None:
    result = make(context, FAULTS["database-slow"])
    assert result.outcome is Outcome.SKIPPED
    assert result.reason.startswith("AUTOMATION_DETOUR_DATABASE isn't set")
