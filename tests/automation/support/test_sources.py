"""What is collected of a stack, and what isn't."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from automation.blanking import BLANK
from automation.deployment import Deployment, Update
from automation.support.archive import collect
from automation.support.sources import Sources

_NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


class _Stack:
    """A deployed stack with an alarm; no call to AWS is allowed."""

    stack = "dev"
    project = "neo4j-mcp"
    engine_version = "3.0.0"

    def configuration(self, *, secrets_as: str | None = None) -> dict[str, str]:
        return {"neo4j-mcp:neo4jUri": "neo4j+s://db", "neo4j-mcp:hidden": secrets_as or "hidden"}

    def outputs(self) -> dict[str, Any]:
        return {"mcpUrl": "https://server/mcp", "readme": "long"}

    def state(self) -> Mapping[str, Any]:
        arn = "arn:aws:cloudwatch:us-east-1:1:alarm:a"
        return {
            "resources": [
                {
                    "urn": "urn:1",
                    "type": _ALARM,
                    "id": "a",
                    "inputs": {"hidden": "input"},
                    "outputs": {"arn": arn, "hidden": "output"},
                }
            ]
        }

    def pending_operations(self) -> tuple[str, ...]:
        return ("server (updating)",)

    def last_updates(self, number: int) -> tuple[Update, ...]:
        assert number > 1
        return (
            Update(version=2, kind="update", result="failed", began="b", ended="e", changes={}),
        )

    def aws_clients(self, region: str | None = None) -> Any:  # noqa: ANN401 - boto3's own
        raise OSError(f"no AWS in {region}")


def _collected(reports: Path) -> dict[str, str]:
    deployment = cast("Deployment", _Stack())
    since = _NOW - dt.timedelta(hours=1)
    sources = Sources(deployment=deployment, since=since, until=_NOW, reports=reports)
    return collect(sources.parts(), str)


def test_the_stack_is_described_without_secret_settings_inputs_and_outputs(tmp_path: Path) -> None:
    found = _collected(tmp_path)
    assert json.loads(found["configuration.json"])["neo4j-mcp:hidden"] == BLANK
    assert json.loads(found["outputs.json"]) == {"mcpUrl": "https://server/mcp"}
    resources = json.loads(found["resources.json"])
    assert resources["resources"] == [{"urn": "urn:1", "id": "a"}]
    assert resources["pending"] == ["server (updating)"]
    assert json.loads(found["updates.json"])[0]["result"] == "failed"
    assert json.loads(found["versions.json"])["pulumi engine"] == "3.0.0"
    assert "hidden" not in found["resources.json"]


def test_what_aws_does_not_show_is_listed(tmp_path: Path) -> None:
    problems = _collected(tmp_path)["problems.txt"]
    for part in ("service.json", "alarms.json", "checks.json", "server.log", "canary.log"):
        assert f"{part}: " in problems
    assert "alarms.json: OSError: no AWS in us-east-1" in problems
    assert "python -m automation check --stack dev" in problems
