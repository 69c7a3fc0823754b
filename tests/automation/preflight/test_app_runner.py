"""Whether App Runner takes the account, found out before anything is created."""

import pytest

from automation.preflight.findings import PreflightError
from automation.preflight.runner import run_preflights
from tests.automation.preflight.plans import plan, stubbed

SERVICE = "aws:apprunner/service:Service"
CLOSED = (
    "AWS App Runner is in maintenance mode and is no longer available to new customers as of April"
    " 30, 2026."
)
NO_SERVICES: dict[str, list[object]] = {"ServiceSummaryList": []}
PROBE = {"ServiceName": "neo4j-mcp-dev-server", "SourceConfiguration": {}}


def test_an_account_with_services_is_a_customer() -> None:
    clients, stub = stubbed("apprunner")
    stub.add_response("list_services", {"ServiceSummaryList": [{"ServiceName": "other"}]})

    assert list(run_preflights(plan({}, SERVICE), clients)) == []
    stub.assert_no_pending_responses()


def test_nothing_is_requested_unless_a_service_is_created() -> None:
    clients, _ = stubbed("apprunner")

    assert list(run_preflights(plan({}, "aws:ecr/repository:Repository"), clients)) == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", CLOSED),
        ("SubscriptionRequiredException", "The AWS Access Key Id needs a subscription"),
        ("OptInRequired", "You are not subscribed to this service."),
    ],
)
@pytest.mark.parametrize("when", ["list", "create"])
def test_a_refused_account_is_an_error_with_the_setting_to_change(
    when: str, code: str, message: str
) -> None:
    clients, stub = stubbed("apprunner")
    if when == "list":
        stub.add_client_error("list_services", code, message)
    else:
        stub.add_response("list_services", NO_SERVICES)
        stub.add_client_error("create_service", code, message, expected_params=PROBE)

    with pytest.raises(PreflightError) as raised:
        list(run_preflights(plan({}, SERVICE), clients))

    assert message in str(raised.value)
    assert "pulumi config set --stack dev hosting lambda" in str(raised.value)
    assert "hosting apprunner" not in str(raised.value)


def test_an_account_without_services_that_is_not_refused_learns_what_may_happen() -> None:
    clients, stub = stubbed("apprunner")
    stub.add_response("list_services", NO_SERVICES)
    stub.add_client_error("create_service", "InvalidRequestException", "no source")

    (notice,) = run_preflights(plan({}, SERVICE), clients)

    assert "no service in eu-west-1" in notice
    assert "2026-04-30" in notice


def test_a_missing_permission_says_nothing_about_the_account() -> None:
    clients, stub = stubbed("apprunner")
    denied = "User: arn is not authorized to perform: apprunner:ListServices on resource: *"
    stub.add_client_error("list_services", "AccessDeniedException", denied)

    (notice,) = run_preflights(plan({}, SERVICE), clients)

    assert "isn't known" in notice
    assert denied in notice
