"""The program on the unmodified engine: unchanged, changed, drifted, failed, deleted."""

import json
from pathlib import Path
from typing import Any

import pytest

from automation.deployment import Deployment, DeploymentError
from automation.rollout import roll_out
from localcloud.cloud import Cloud
from localcloud.paths import Home
from tests.end_to_end.updating import UNHEALTHY
from tests.stand_in import Aws, Configure

pytestmark = pytest.mark.stand_in


def _types(resources: dict[str, str]) -> set[str]:
    return {urn.split("::")[2].rpartition("$")[2] for urn in resources}


def test_a_second_deployment_changes_nothing(deployed: Deployment) -> None:
    assert deployed.preview().none
    assert deployed.up().changes.none


def test_a_changed_log_level_updates_the_service_and_nothing_else(
    deployed: Deployment, outputs: dict[str, Any], configure: Configure, aws: Aws
) -> None:
    configure({"neo4j-mcp:logLevel": "debug"})
    changes = deployed.up().changes
    assert _types(dict(changes.resources)) == {"aws:apprunner/service:Service"}
    assert set(changes.resources.values()) == {"update"}
    apprunner = aws("apprunner")
    (summary,) = apprunner.list_services()["ServiceSummaryList"]
    service = apprunner.describe_service(ServiceArn=summary["ServiceArn"])["Service"]
    image = service["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"]
    assert image["RuntimeEnvironmentVariables"]["NEO4J_MCP_LOG_LEVEL"] == "debug"
    assert deployed.outputs()["mcpUrl"] == outputs["mcpUrl"]


def test_refresh_finds_drift_and_up_fixes_it(deployed: Deployment, aws: Aws) -> None:
    logs = aws("logs")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/neo4j-mcp-local-claims")[
        "logGroups"
    ]
    logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=545)
    drift = deployed.refresh()
    assert _types(dict(drift.resources)) == {"aws:cloudwatch/logGroup:LogGroup"}
    fixed = deployed.up().changes
    assert _types(dict(fixed.resources)) == {"aws:cloudwatch/logGroup:LogGroup"}
    (group,) = logs.describe_log_groups(logGroupNamePrefix=group["logGroupName"])["logGroups"]
    assert group["retentionInDays"] != 545


@pytest.mark.slow
def test_refresh_finds_a_deleted_resource_and_up_creates_it_again(
    deployed: Deployment, aws: Aws
) -> None:
    ecr = aws("ecr")
    (repository,) = ecr.describe_repositories()["repositories"]
    ecr.delete_lifecycle_policy(repositoryName=repository["repositoryName"])
    drift = deployed.refresh()
    assert _types(dict(drift.resources)) == {"aws:ecr/lifecyclePolicy:LifecyclePolicy"}
    deployed.up()
    assert ecr.get_lifecycle_policy(repositoryName=repository["repositoryName"])
    assert deployed.preview().none


@pytest.mark.slow
def test_a_rollback_fails_the_deployment_and_the_next_one_recovers(
    deployed: Deployment, outputs: dict[str, Any], configure: Configure, aws: Aws
) -> None:
    configure({"neo4j-mcp:healthCheck": UNHEALTHY})
    with pytest.raises(DeploymentError) as raised:
        roll_out(deployed, aws)
    assert "UPDATE_SERVICE, ended ROLLBACK_SUCCEEDED" in str(raised.value)
    assert "Health check failed" in str(raised.value)
    # The engine alone reports a success, as it does on AWS.
    deployed.up()
    (summary,) = aws("apprunner").list_services()["ServiceSummaryList"]
    assert summary["Status"] == "RUNNING"
    configure({"neo4j-mcp:healthCheck": {"interval": 1}})
    roll_out(deployed, aws)
    assert deployed.outputs()["mcpUrl"] == outputs["mcpUrl"]


def test_all_wrong_settings_are_reported_before_anything_changes(
    deployed: Deployment, configure: Configure
) -> None:
    configure({"neo4j-mcp:neo4jUri": "https://example.org", "neo4j-mcp:cpu": 300})
    with pytest.raises(DeploymentError) as raised:
        deployed.preview()
    assert "neo4j-mcp:neo4jUri" in str(raised.value)
    assert "neo4j-mcp:cpu" in str(raised.value)
    assert "pulumi config set" in str(raised.value)
    assert str(raised.value).count("neo4j-mcp:cpu: must be") == 1


def test_the_state_holds_no_secret_in_clear_text(
    running: Cloud, outputs: dict[str, Any], aws: Aws
) -> None:
    states = [
        path.read_text(encoding="utf-8") for path in Path(Home(running.home).pulumi).rglob("*.json")
    ]
    assert states
    secretsmanager = aws("secretsmanager")
    for client in outputs["clients"].values():
        value = secretsmanager.get_secret_value(SecretId=client["secretArn"])["SecretString"]
        secret = json.loads(value)["clientSecret"]
        assert client["clientId"] in "".join(states)
        assert secret not in "".join(states)
        assert secret not in json.dumps(outputs)
