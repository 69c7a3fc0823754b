from pathlib import Path
from typing import Any

import yaml

from localcloud.workspace import localize, write_workspace

_CONFIG: dict[str, Any] = {
    "aws:region": "us-east-1",
    "aws:endpoints": [
        {"apprunner": "http://localhost:4566", "ecr": "http://localhost:4566"},
    ],
    "neo4j-mcp:neo4jUri": "neo4j+s://host.docker.internal:7687",
    "neo4j-mcp:endpointOverrides": {"cognitoIdp": "http://localhost:4566"},
    "neo4j-mcp:clients": {"reader": {"scopes": ["reader"]}},
}


def test_only_addresses_and_trust_change() -> None:
    config = localize(
        _CONFIG,
        aws_endpoint="http://localhost:5566",
        neo4j_uri="neo4j+s://host.docker.internal:9687",
        trusted_certificates="PEM",
    )
    assert config == _CONFIG | {
        "aws:endpoints": [
            {"apprunner": "http://localhost:5566", "ecr": "http://localhost:5566"},
        ],
        "neo4j-mcp:neo4jUri": "neo4j+s://host.docker.internal:9687",
        "neo4j-mcp:endpointOverrides": {"cognitoIdp": "http://localhost:5566"},
        "neo4j-mcp:trustedCertificates": "PEM",
    }


def _write(tmp_path: Path) -> dict[str, Any]:
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    (project / "Pulumi.yaml").write_text(
        yaml.safe_dump(
            {
                "name": "neo4j-mcp",
                "runtime": {"name": "python", "options": {"virtualenv": ".venv"}},
            }
        ),
        encoding="utf-8",
    )
    (project / "Pulumi.local.yaml").write_text(
        yaml.safe_dump({"config": _CONFIG}), encoding="utf-8"
    )
    workspace = project / ".localcloud" / "workspace"
    write_workspace(
        project,
        workspace,
        aws_endpoint="http://localhost:5566",
        neo4j_uri="neo4j+s://host.docker.internal:9687",
        trusted_certificates="PEM",
    )
    assert yaml.safe_load((workspace / "Pulumi.yaml").read_text(encoding="utf-8")) == {
        "name": "neo4j-mcp",
        "runtime": {"name": "python", "options": {"virtualenv": "../../.venv"}},
        "main": "../../",
    }
    stack: dict[str, Any] = yaml.safe_load(
        (workspace / "Pulumi.local.yaml").read_text(encoding="utf-8")
    )
    return stack


def test_the_encryption_salt_outlives_a_second_start(tmp_path: Path) -> None:
    first = _write(tmp_path)
    stack_file = tmp_path / "project/.localcloud/workspace/Pulumi.local.yaml"
    stack_file.write_text(yaml.safe_dump(first | {"encryptionsalt": "v1:abc"}), encoding="utf-8")
    assert _write(tmp_path) == first | {"encryptionsalt": "v1:abc"}
