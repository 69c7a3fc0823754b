"""What the policy has judged is what the engine deploys, and nothing else."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pulumi_random as random
import pytest

from automation.deployment import Changes, Deployment, PlanViolatedError, Step, Target
from automation.judged import JudgedDeployment, PolicyError
from automation.policy.changes import Violation
from localcloud.cloud import Cloud
from localcloud.paths import Home
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


@pytest.fixture
def of_random_strings(running: Cloud, tmp_path: Path) -> Iterator[tuple[Deployment, list[str]]]:
    """A stack whose second string may be replaced with the first, as far as a preview knows.

    Its program uses the first word of the list, which a test can change.
    """
    words = ["first"]

    def program() -> None:
        source = random.RandomString("source", length=4, keepers={"word": words[0]})
        constant = source.result.apply(lambda _: "constant")
        random.RandomString("unneeded", length=4, keepers={"of": constant})
        random.RandomString("needed", length=4, keepers={"of": source.result})

    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "Pulumi.yaml").write_text("name: judged\nruntime: python\n", encoding="utf-8")
    target = Target(
        stack="judged",
        workspace=workspace,
        engine=Home(running.home).engine,
        environment=running.environment(),
    )
    deployment = Deployment(target, create=True, program=program)
    try:
        yield deployment, words
    finally:
        deployment.destroy()


def test_a_planned_replacement_that_is_not_needed_is_no_failure(
    of_random_strings: tuple[Deployment, list[str]], tmp_path: Path
) -> None:
    deployment, words = of_random_strings
    deployment.up()
    words[0] = "second"
    judged = JudgedDeployment(deployment, _nothing, _nothing, tmp_path / "plan.json")
    assert _changed(judged.preview()) == {"source", "unneeded", "needed"}

    done = judged.up()

    assert _changed(done.changes) == {"source", "needed"}
    assert done.changes.counts == {"replace": 2, "same": 2}
    assert deployment.preview().none


def test_a_deployment_that_comes_between_is_judged_again(
    of_random_strings: tuple[Deployment, list[str]], tmp_path: Path
) -> None:
    deployment, words = of_random_strings
    judged = JudgedDeployment(deployment, _nothing, _nothing, tmp_path / "plan.json")
    judged.preview()
    words[0] = "another"
    deployment.up()
    words[0] = "first"
    lines: list[str] = []

    judged.up(lines.append)

    assert "The stack doesn't fit the preview any more: previewing again" in lines
    assert deployment.preview().none


def test_after_a_stop_the_next_deployment_resumes(
    of_random_strings: tuple[Deployment, list[str]], tmp_path: Path
) -> None:
    deployment, _ = of_random_strings

    def judge_step(step: Step) -> Sequence[Violation]:
        forbidden = Violation(rule="r", resource=step.name, message="is forbidden here")
        return [forbidden] if step.name == "source" else []

    stopped = JudgedDeployment(deployment, _nothing, judge_step, tmp_path / "plan.json")
    stopped.preview()
    with pytest.raises(PolicyError, match="source is forbidden here"):
        stopped.up()

    judged = JudgedDeployment(deployment, _nothing, _nothing, tmp_path / "plan.json")
    judged.preview()
    judged.up()

    assert deployment.preview().none
