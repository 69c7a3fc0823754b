"""The service in AWS, found by its address."""

import boto3
import pytest
from botocore.stub import Stubber

from neo4j_mcp_client.doctor import app_runner, lambda_
from neo4j_mcp_client.doctor.evidence import HostKind

HOST = "abc.lambda-url.eu-west-1.on.aws"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:server"
SERVICE_ARN = "arn:aws:apprunner:eu-west-1:123456789012:service/server/0123"


def stub(service: str) -> Stubber:
    client = boto3.client(
        service,  # type: ignore[call-overload] # the name is no literal
        region_name="eu-west-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    made = Stubber(client)
    made.activate()
    return made


def described(name: str, **variables: str) -> dict[str, object]:
    return {
        "FunctionName": name,
        "FunctionArn": ARN,
        "LoggingConfig": {"LogGroup": f"/aws/lambda/{name}-log"},
        "Environment": {"Variables": variables},
    }


def urls(host: str) -> dict[str, object]:
    config = {
        "FunctionUrl": f"https://{host}/",
        "FunctionArn": ARN,
        "CreationTime": "2026-01-01T00:00:00.000+0000",
        "LastModifiedTime": "2026-01-01T00:00:00.000+0000",
        "AuthType": "NONE",
    }
    return {"FunctionUrlConfigs": [config]}


@pytest.mark.parametrize(
    ("reserved", "paused"), [({"ReservedConcurrentExecutions": 0}, True), ({}, False)]
)
def test_the_function_with_the_address_is_found_on_any_page(
    reserved: dict[str, int],
    paused: bool,
) -> None:
    made = stub("lambda")
    other = described("other", NEO4J_MCP_LOG_LEVEL="info")
    first = {"Functions": [described("unrelated", PATH="x"), other], "NextMarker": "m"}
    made.add_response("list_functions", first)
    made.add_response("list_function_url_configs", urls("other.lambda-url.eu-west-1.on.aws"))
    server = described("server", NEO4J_MCP_TELEMETRY="false")
    made.add_response("list_functions", {"Functions": [server]}, {"Marker": "m"})
    made.add_response("list_function_url_configs", urls(HOST), {"FunctionName": "server"})
    live = described("server", NEO4J_MCP_TELEMETRY="true")
    made.add_response("get_function_configuration", live, {"FunctionName": ARN})
    made.add_response("get_function_concurrency", reserved)

    found = lambda_.service_at(made.client, HOST)

    assert found is not None
    assert (found.host, found.arn, found.is_paused) == (HostKind.LAMBDA, ARN, paused)
    assert found.environment == {"NEO4J_MCP_TELEMETRY": "true"}
    assert "/aws/lambda/server-log" in found.status
    made.assert_no_pending_responses()


def test_no_function_has_the_address() -> None:
    made = stub("lambda")
    made.add_response("list_functions", {"Functions": [described("unrelated", PATH="x")]})

    assert lambda_.service_at(made.client, HOST) is None


def test_a_paused_service_of_app_runner_is_found() -> None:
    made = stub("apprunner")
    summary = {"ServiceUrl": "x.awsapprunner.com", "ServiceArn": SERVICE_ARN}
    made.add_response("list_services", {"ServiceSummaryList": [], "NextToken": "more"})
    made.add_response("list_services", {"ServiceSummaryList": [summary]})
    service = {
        "ServiceName": "server",
        "ServiceId": "0123456789abcdef0123456789abcdef",
        "ServiceArn": SERVICE_ARN,
        "ServiceUrl": "x.awsapprunner.com",
        "CreatedAt": "2026-01-01",
        "UpdatedAt": "2026-01-01",
        "Status": "PAUSED",
        "SourceConfiguration": {},
        "InstanceConfiguration": {},
        "NetworkConfiguration": {},
        "AutoScalingConfigurationSummary": {},
    }
    made.add_response("describe_service", {"Service": service})

    found = app_runner.service_at(made.client, "x.awsapprunner.com")

    assert found is not None
    assert (found.host, found.status, found.is_paused) == (HostKind.APP_RUNNER, "PAUSED", True)
