"""What the program's resources cost: none is forgotten."""

import json
from decimal import Decimal

import pytest

from automation.cost.estimate import Total, estimate
from automation.cost.free import FREE
from automation.cost.hosts import HOSTS, Fargate, find_hosts
from automation.cost.usage import Load, Resource
from components.hosting.definitions import DEFINITIONS
from components.replacement import REPLACEMENTS
from components.settings import Hosting
from tests.components.mocks import SUBNETS, Result
from tests.program.conftest import EVERYTHING, ON_FARGATE, ON_LAMBDA, Deploy

_TYPES_OF_OUR_OWN = "neo4j-mcp:"


@pytest.fixture(params=[*DEFINITIONS])
def hosting(request: pytest.FixtureRequest) -> Hosting:
    return Hosting(request.param)


@pytest.fixture
def result(deploy: Deploy, hosting: Hosting) -> Result:
    return deploy("dev", EVERYTHING[hosting])


def resources_of(result: Result) -> list[Resource]:
    return [
        Resource.of(each.urn, each.inputs)
        for each in result.registrations
        if not each.type.startswith(_TYPES_OF_OUR_OWN)
    ]


def test_every_type_is_priced_or_free_with_a_reason(result: Result) -> None:
    resources = resources_of(result)
    load = Load()
    whole = Total.of(estimate(resources, load))

    for kind in {each.type for each in resources}:
        rest = [each for each in resources if each.type != kind]
        counts = Total.of(estimate(rest, load)) != whole
        assert counts != (kind in FREE), f"{kind}: price it, or add it to FREE with the reason"


def test_the_free_types_are_types_of_the_program() -> None:
    assert set(FREE) <= set(REPLACEMENTS)


def test_the_host_of_a_preview_is_found_with_its_size(result: Result, hosting: Hosting) -> None:
    lines = {each.what: each for each in estimate(resources_of(result), Load())}

    expected = {
        # Two instances of half a GB.
        Hosting.APP_RUNNER: ("App Runner: memory", Decimal(730)),
        # Two tasks of a quarter of a vCPU.
        Hosting.FARGATE: ("Fargate: processors", Decimal(365)),
        # A call a second, of 0.1 s and half a GB, and the canary's 8,760.
        Hosting.LAMBDA: ("Lambda: memory", Decimal(131838)),
    }
    what, quantity = expected[hosting]
    assert round(lines[what].loaded, 6) == quantity


def test_the_default_size_is_what_the_program_deploys_by_default(
    deploy: Deploy, hosting: Hosting
) -> None:
    unset = {f"neo4j-mcp:{key}": "" for key in ("cpu", "memory", "minInstances", "maxInstances")}
    host: dict[Hosting, dict[str, str]] = {
        Hosting.APP_RUNNER: {},
        # The edge alone, so that the load balancer is internal.
        Hosting.FARGATE: {**ON_FARGATE, "neo4j-mcp:serviceDomain": ""},
        Hosting.LAMBDA: ON_LAMBDA,
    }
    result = deploy("dev", {**host[hosting], **unset, "neo4j-mcp:edge": "true"})

    (found,) = find_hosts(resources_of(result))

    assert found == HOSTS[hosting].by_default(edge=True)


def test_a_public_load_balancer_has_an_address_in_each_of_its_subnets(deploy: Deploy) -> None:
    (found,) = find_hosts(resources_of(deploy("dev", ON_FARGATE)))

    assert isinstance(found, Fargate)
    assert found.balancer_addresses == len(SUBNETS)
    assert found.public_tasks


def test_a_stack_that_moves_pays_for_both_hosts(deploy: Deploy) -> None:
    following = json.dumps({"hosting": "lambda"})
    result = deploy("dev", {"neo4j-mcp:nextHost": following})

    lines = estimate(resources_of(result), Load(), Hosting.APP_RUNNER)

    by_name = {each.what: each for each in lines}
    assert by_name["App Runner: memory"].idle > 0
    # Its callers use App Runner.
    assert "Lambda: calls" not in by_name
    swapped = {each.what for each in estimate(resources_of(result), Load(), Hosting.LAMBDA)}
    assert {"App Runner: memory", "Lambda: calls"} <= swapped


def test_monitoring_costs_nothing_where_it_is_off(deploy: Deploy) -> None:
    groups = {str(each.group) for each in estimate(resources_of(deploy("dev")), Load())}

    assert groups == {"host", "traffic", "clients", "storage"}
