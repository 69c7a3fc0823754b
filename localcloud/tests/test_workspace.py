from pathlib import Path
from typing import Any

import pytest
import yaml

from localcloud.workspace import (
    localize,
    read_config,
    read_repository_config,
    write_config,
    write_workspace,
)

_CONFIG: dict[str, Any] = {
    "aws:region": "us-east-1",
    "aws:endpoints": [
        {"apprunner": "http://localhost:4566", "ecr": "http://localhost:4566"},
    ],
    "neo4j-mcp:neo4jUri": "neo4j+s://host.docker.internal:7687",
    "neo4j-mcp:endpointOverrides": {"cognitoIdp": "http://localhost:4566"},
    "neo4j-mcp:clients": {"reader": {"scopes": ["reader"]}},
}


def test_only_addresses_and_certificates_change() -> None:
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


_PROJECT = {
    "name": "neo4j-mcp",
    "runtime": {"name": "python", "options": {"virtualenv": ".venv"}},
}


class _Checkout:
    """A project with its workspace, written as a start does."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        (self.project / "Pulumi.yaml").write_text(yaml.safe_dump(_PROJECT), encoding="utf-8")
        self.commit(_CONFIG)
        self.workspace = self.project / ".localcloud" / "workspace"
        self.notes: list[str] = []

    def commit(self, config: dict[str, Any]) -> None:
        """Change Pulumi.local.yaml in the repository."""
        text = yaml.safe_dump({"config": config})
        (self.project / "Pulumi.local.yaml").write_text(text, encoding="utf-8")

    def start(self, *, port: int = 5566) -> dict[str, Any]:
        """Write the workspace and return the stack's file."""
        write_workspace(
            self.project,
            self.workspace,
            aws_endpoint=f"http://localhost:{port}",
            neo4j_uri="neo4j+s://host.docker.internal:9687",
            trusted_certificates="PEM",
            note=self.notes.append,
        )
        return self.read()

    @property
    def stack_file(self) -> Path:
        return self.workspace / "Pulumi.local.yaml"

    def read(self) -> dict[str, Any]:
        stack: dict[str, Any] = yaml.safe_load(self.stack_file.read_text(encoding="utf-8"))
        return stack

    def set(self, key: str, value: object) -> None:
        """Set a value in the workspace, as `pulumi config set` does."""
        stack = self.read()
        stack["config"][key] = value
        self.stack_file.write_text(yaml.safe_dump(stack), encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> _Checkout:
    return _Checkout(tmp_path)


def test_the_workspace_runs_the_projects_program(checkout: _Checkout) -> None:
    checkout.start()
    settings = (checkout.workspace / "Pulumi.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(settings) == {
        "name": "neo4j-mcp",
        "runtime": {"name": "python", "options": {"virtualenv": "../../.venv"}},
        "main": "../../",
    }


def test_a_second_start_keeps_the_encryption_salt(checkout: _Checkout) -> None:
    first = checkout.start()
    checkout.stack_file.write_text(yaml.safe_dump(first | {"encryptionsalt": "v1:abc"}), "utf-8")
    assert checkout.start() == first | {"encryptionsalt": "v1:abc"}


def test_a_start_without_changes_writes_nothing(checkout: _Checkout) -> None:
    checkout.start()
    before = {path: path.stat().st_ino for path in checkout.workspace.iterdir()}
    checkout.start()
    assert {path: path.stat().st_ino for path in checkout.workspace.iterdir()} == before


def test_a_persons_settings_are_kept_when_the_ports_change(checkout: _Checkout) -> None:
    checkout.start()
    checkout.set("neo4j-mcp:logLevel", "debug")
    checkout.set("neo4j-mcp:secret", {"secure": "v1:xyz"})
    stack = checkout.read()
    del stack["config"]["neo4j-mcp:clients"]
    checkout.stack_file.write_text(yaml.safe_dump(stack), encoding="utf-8")
    config = checkout.start(port=7766)["config"]
    assert config["neo4j-mcp:logLevel"] == "debug"
    assert config["neo4j-mcp:secret"] == {"secure": "v1:xyz"}
    assert "neo4j-mcp:clients" not in config
    assert config["aws:endpoints"][0]["ecr"] == "http://localhost:7766"
    assert checkout.notes == []


def test_the_repositorys_changes_apply_where_a_person_set_nothing(
    checkout: _Checkout,
) -> None:
    checkout.start()
    checkout.set("neo4j-mcp:clients", {"mine": {"scopes": ["reader"]}})
    checkout.commit(
        {key: value for key, value in _CONFIG.items() if key != "aws:region"}
        | {"neo4j-mcp:clients": {"theirs": {}}, "neo4j-mcp:maxInstances": 3}
    )
    config = checkout.start()["config"]
    assert config["neo4j-mcp:maxInstances"] == 3
    assert "aws:region" not in config
    assert config["neo4j-mcp:clients"] == {"mine": {"scopes": ["reader"]}}
    assert [note.split()[0] for note in checkout.notes] == ["neo4j-mcp:clients"]
    checkout.start()
    assert len(checkout.notes) == 1, "a conflict is reported once"


def test_what_a_program_configures_is_kept_like_a_persons_setting(checkout: _Checkout) -> None:
    first = checkout.start()
    config = read_config(checkout.workspace)
    assert config == first["config"] == read_repository_config(checkout.workspace)
    del config["neo4j-mcp:clients"]
    write_config(checkout.workspace, config | {"neo4j-mcp:edge": True})
    after = checkout.start()
    assert after["config"] == config | {"neo4j-mcp:edge": True}
    assert "neo4j-mcp:clients" in read_repository_config(checkout.workspace)
