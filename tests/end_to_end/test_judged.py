"""What the policy has judged is what the engine deploys, and nothing else."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from automation.deployment import Changes, Deployment, PlanViolatedError, Step
from automation.judged import JudgedDeployment, PolicyError
from automation.policy.changes import Violation
from tests.stand_in import Aws, Configure

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_SERVICE = "server-service"


def _nothing(_: object) -> Sequence[Violation]:
    return []


def _changed(changes: Changes) -> set[str]:
    return {urn.rpartition("::")[2] for urn in changes.resources}


def _level(aws: Aws) -> str:
    apprunner = aws("apprunner")
    (summary,) = apprunner.list_services()["ServiceSummaryList"]
    service = apprunner.describe_service(ServiceArn=summary["ServiceArn"])["Service"]
    image = service["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"]
    return str(image["RuntimeEnvironmentVariables"]["NEO4J_MCP_LOG_LEVEL"])


def test_a_change_after_the_preview_is_not_deployed(
    deployed: Deployment, configure: Configure, aws: Aws, tmp_path: Path
) -> None:
    plan, before = tmp_path / "plan.json", _level(aws)
    configure({"neo4j-mcp:logLevel": "debug"})
    assert _changed(deployed.preview(plan=plan)) == {_SERVICE}
    configure({"neo4j-mcp:logLevel": "warning"})

    with pytest.raises(PlanViolatedError, match="violates plan"):
        deployed.up(plan=plan)

    assert _level(aws) == before


def test_a_change_after_the_preview_is_judged_before_it_is_deployed(
    deployed: Deployment, configure: Configure, aws: Aws, tmp_path: Path
) -> None:
    previews: list[set[str]] = []

    def judge(steps: Iterable[Step]) -> Sequence[Violation]:
        previews.append({each.name for each in steps if each.operation != "same"})
        return []

    judged = JudgedDeployment(deployed, judge, _nothing, tmp_path / "plan.json")
    configure({"neo4j-mcp:logLevel": "debug"})
    judged.preview()
    configure({"neo4j-mcp:logLevel": "warning"})
    lines: list[str] = []

    done = judged.up(lines.append)

    assert _level(aws) == "warning"
    assert previews == [{_SERVICE}, {_SERVICE}]
    assert _changed(done.changes) == {_SERVICE}
    assert "The stack doesn't fit the preview any more: previewing again" in lines


def test_the_plan_has_no_secret_in_plain_text(
    deployed: Deployment, outputs: dict[str, Any], aws: Aws, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"

    deployed.preview(plan=plan)

    text = plan.read_text(encoding="utf-8")
    assert "server-service" in text
    for client in outputs["clients"].values():
        found = aws("secretsmanager").get_secret_value(SecretId=client["secretArn"])
        assert json.loads(found["SecretString"])["clientSecret"] not in text


def test_the_engine_stops_at_a_step_that_violates_the_policy(
    deployed: Deployment, configure: Configure, tmp_path: Path
) -> None:
    def judge_step(step: Step) -> Sequence[Violation]:
        if step.name != "identity-claims-log" or step.operation == "same":
            return []
        return [Violation(rule="logs", resource=step.name, message="is forbidden here")]

    judged = JudgedDeployment(deployed, _nothing, judge_step, tmp_path / "plan.json")
    configure({"neo4j-mcp:logRetentionDays": 3, "neo4j-mcp:logLevel": "debug"})
    judged.preview()

    with pytest.raises(PolicyError, match="identity-claims-log is forbidden here") as raised:
        judged.up()

    assert raised.value.changed
    # The next deployment resumes from there.
    deployed.take_over(lambda _: None)
    again = JudgedDeployment(deployed, _nothing, _nothing, tmp_path / "plan.json")
    again.preview()
    again.up()
    assert deployed.preview().none
