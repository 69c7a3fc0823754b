"""A stack that is deployed with the plain Pulumi CLI, from a project folder that can change."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from tests.repository import ROOT

_TIMEOUT: Final = 600


@dataclass(frozen=True, kw_only=True)
class PlainStack:
    """A stack in its own workspace.

    Attributes:
        name: the stack's name.
        workspace: the folder with Pulumi.yaml and the stack's file.
        home: the stand-in's folder.
        environment: what the commands get in addition to this process's environment.
        printed: what the commands have printed, except the state.
    """

    name: str
    workspace: Path
    home: Home
    environment: Mapping[str, str]
    printed: list[str] = field(default_factory=list)

    def pulumi(self, *arguments: str) -> str:
        """Run a command of the CLI, and return its output; it must succeed."""
        output = self._run(*arguments)
        self.printed.append(output)
        return output

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.home.engine_command), *arguments, "--stack", self.name],
            cwd=self.workspace,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=_TIMEOUT,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def use(self, program: Path) -> None:
        """Deploy the program in another folder from now on."""
        project = yaml.safe_load((self.home.workspace / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["main"] = f"{os.path.relpath(program, self.workspace)}/"
        project["runtime"]["options"]["virtualenv"] = str(ROOT / ".venv")
        (self.workspace / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")

    def setting(self, key: str) -> Any:  # noqa: ANN401 - a setting of any type
        """Return the value of a configuration key."""
        return self._read()["config"][f"neo4j-mcp:{key}"]

    def configure(self, values: Mapping[str, Any]) -> None:
        """Set configuration keys, as `pulumi config set` does."""
        stack = self._read()
        stack["config"] |= {f"neo4j-mcp:{key}": value for key, value in values.items()}
        self._file.write_text(yaml.safe_dump(stack), encoding="utf-8")

    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json"))
        return outputs

    def state(self) -> str:
        """Return the state with its secrets decrypted."""
        return self._run("stack", "export", "--show-secrets")

    def _read(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load(self._file.read_text(encoding="utf-8"))
        return content

    @property
    def _file(self) -> Path:
        return self.workspace / f"Pulumi.{self.name}.yaml"


@contextmanager
def plain_stack(running: Cloud, name: str) -> Iterator[PlainStack]:
    """Create a stack with the configuration of the stack local; destroy it at the end."""
    home = Home(running.home)
    workspace = home.directory / f"workspace-{name}"
    workspace.mkdir()
    stack = PlainStack(name=name, workspace=workspace, home=home, environment=running.environment())
    stack.use(ROOT)
    stack.pulumi("stack", "init", "--no-select")
    local = yaml.safe_load((home.workspace / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8"))
    path = workspace / f"Pulumi.{name}.yaml"
    created = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(created | {"config": local["config"]}), encoding="utf-8")
    try:
        yield stack
    finally:
        stack.pulumi("destroy", "--yes", "--skip-preview")
        stack.pulumi("stack", "rm", "--yes")
        shutil.rmtree(workspace)


def copy_program(folder: Path) -> Path:
    """Copy the program to a folder, for a test to change it there.

    What it builds stays in the repository, where the stand-in's providers look for it.
    """
    ignored = shutil.ignore_patterns("build", "__pycache__")
    for package in ("components", "functions"):
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    (ROOT / "functions" / "build").mkdir(exist_ok=True)
    (folder / "functions" / "build").symlink_to(ROOT / "functions" / "build")
    (folder / "server").symlink_to(ROOT / "server")
    for file in ("__main__.py", "Pulumi.README.md"):
        shutil.copy(ROOT / file, folder / file)
    return folder
