"""Whether maxInstances can be reserved, found out before anything is created."""

import pytest

from automation.preflight.findings import PreflightError
from automation.preflight.reserved_concurrency import shortage
from automation.preflight.runner import run_preflights
from tests.automation.preflight.plans import plan, stubbed

FUNCTION = {"FunctionName": "neo4j-mcp-dev-function"}


def _limits(limit: int, unreserved: int) -> dict[str, dict[str, int]]:
    return {
        "AccountLimit": {
            "ConcurrentExecutions": limit,
            "UnreservedConcurrentExecutions": unreserved,
        }
    }


def test_what_the_account_has_is_reserved() -> None:
    clients, stub = stubbed("lambda")
    stub.add_response("get_account_settings", _limits(1000, 120))
    stub.add_client_error("get_function_concurrency", "ResourceNotFoundException")

    assert list(run_preflights(plan({"hosting": "lambda", "maxInstances": "20"}), clients)) == []


def test_a_new_account_can_reserve_nothing() -> None:
    clients, stub = stubbed("lambda")
    stub.add_response("get_account_settings", _limits(10, 10))
    stub.add_client_error("get_function_concurrency", "ResourceNotFoundException")

    with pytest.raises(PreflightError) as raised:
        list(run_preflights(plan({"hosting": "lambda"}), clients))

    assert "maxInstances is 20, and at most 0 can be reserved" in str(raised.value)
    assert "pulumi config set --stack dev maxInstances 0" in str(raised.value)
    assert "--desired-value 120" in str(raised.value)


def test_the_next_hosts_reservation_is_a_part_of_nexthost() -> None:
    clients, stub = stubbed("lambda")
    stub.add_response("get_account_settings", _limits(10, 10))
    stub.add_client_error("get_function_concurrency", "ResourceNotFoundException")

    with pytest.raises(PreflightError, match=r"^nextHost\.maxInstances is 20") as raised:
        list(run_preflights(plan({"nextHost": {"hosting": "lambda"}}), clients))

    assert "pulumi config set --stack dev --path nextHost.maxInstances 0" in str(raised.value)


def test_what_the_function_has_already_counts_as_available() -> None:
    clients, stub = stubbed("lambda")
    stub.add_response("get_account_settings", _limits(1000, 100))
    stub.add_response(
        "get_function_concurrency", {"ReservedConcurrentExecutions": 20}, expected_params=FUNCTION
    )

    assert list(run_preflights(plan({"hosting": "lambda", "maxInstances": "20"}), clients)) == []


def test_without_a_reservation_nothing_is_looked_up() -> None:
    clients, _ = stubbed("lambda")

    assert list(run_preflights(plan({"hosting": "lambda", "maxInstances": "0"}), clients)) == []


def test_a_missing_permission_is_a_notice() -> None:
    clients, stub = stubbed("lambda")
    stub.add_client_error("get_account_settings", "AccessDeniedException", "not authorized")

    (notice,) = run_preflights(plan({"hosting": "lambda"}), clients)

    assert "isn't known" in notice
    assert "not authorized" in notice


@pytest.mark.parametrize(
    ("wanted", "available", "found"),
    [(20, 120, None), (21, 120, "maxInstances 20"), (1, 100, "maxInstances 0")],
)
def test_the_largest_possible_value_is_offered(
    wanted: int, available: int, found: str | None
) -> None:
    problem = shortage("dev", wanted, available, 1000)

    assert (problem is None) == (found is None)
    assert (found or "") in (problem or "")


def test_the_next_host_is_looked_at_too() -> None:
    clients, stub = stubbed("lambda")
    stub.add_response("get_account_settings", _limits(10, 10))
    stub.add_client_error("get_function_concurrency", "ResourceNotFoundException")

    with pytest.raises(PreflightError, match="at most 0 can be reserved"):
        list(run_preflights(plan({"nextHost": {"hosting": "lambda"}}), clients))
