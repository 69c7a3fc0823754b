"""Finds the stack that a command is for, and what its checks and drills need."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
import yaml

from automation.checks.context import Context
from automation.deployment import Deployment, DeploymentError, Target
from automation.errors import AutomationError
from components.configuration import ConfigurationError, parse_settings
from components.edge_origin import EDGE_OUTPUTS
from components.names import ResourceNames
from components.settings import StackSettings

PROJECT_DIRECTORY = Path(__file__).resolve().parent.parent
WORKSPACE_VARIABLE = "AUTOMATION_WORKSPACE"


class ProjectError(AutomationError):
    """Pulumi.yaml isn't this project's."""


def target(stack: str, workspace: Path | None) -> Target:
    """Make the target of a command.

    Args:
        workspace: the folder with Pulumi.yaml and the stack's settings files; the project's if
            None.
    """
    return Target(stack=stack, workspace=workspace or PROJECT_DIRECTORY)


@dataclass(frozen=True, kw_only=True)
class Project:
    """The project, as in Pulumi.yaml.

    Attributes:
        name_prefix: the default of the configuration key namePrefix.
    """

    name: str
    name_prefix: str

    @classmethod
    def read(cls, workspace: Path | None) -> Self:
        """Read Pulumi.yaml.

        Args:
            workspace: the folder with the file; the project's if None.

        Raises:
            ProjectError: the file isn't this project's.
            OSError: there is no such file.
        """
        path = (workspace or PROJECT_DIRECTORY) / "Pulumi.yaml"
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            return cls(name=content["name"], name_prefix=content["config"]["namePrefix"]["default"])
        except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise ProjectError(
                f"{path} isn't this project's: it must have `name` and a default for"
                f" `config: namePrefix` ({type(error).__name__}: {error})"
            ) from error


def on_other_host(
    settings: StackSettings, outputs: Mapping[str, Any]
) -> tuple[StackSettings, Mapping[str, Any]]:
    """Return a moving stack's settings and outputs as if callers used its other host directly.

    Raises:
        DeploymentError: the stack doesn't move, or the other host has no address.
    """
    if settings.other is None:
        raise DeploymentError(
            "There is no other host to check: nextHost isn't set."
            " docs/moving-hosts.md shows how a stack moves"
        )
    if "otherMcpUrl" not in outputs:
        raise DeploymentError(
            f"The other host, {settings.other.hosting}, can't be called directly: either it isn't"
            " deployed yet (run: pulumi up), or it answers at the edge only, once it serves"
        )
    addresses = {"mcpUrl": outputs["otherMcpUrl"], "serviceUrl": outputs["otherServiceUrl"]}
    own = {name: each for name, each in outputs.items() if name not in EDGE_OUTPUTS}
    return settings.on_other_host(), {**own, **addresses}


def checked_context(
    deployment: Deployment,
    stack: str,
    *,
    longest_wait: float,
    interleavings: int,
    other_host: bool = False,
) -> Context:
    """Read what the checks and drills need from a deployed stack.

    Args:
        longest_wait: how long a check may wait for a token to expire, in seconds.
        interleavings: how many calls of two clients to interleave.
        other_host: whether to check the host that callers don't use, while the stack moves.

    Raises:
        DeploymentError: the stack can't be read, isn't deployed, is wrongly configured or in
            another region, or has no other host.
    """
    outputs = deployment.outputs()
    if not outputs:
        raise DeploymentError(
            f"The stack {stack} isn't deployed. Run: python -m automation deploy --stack {stack}"
        )
    configuration = deployment.configuration()
    settings = stack_settings(deployment, configuration)
    callers_url = outputs["mcpUrl"]
    checked = on_other_host(settings, outputs) if other_host else (settings, outputs)
    return Context(
        stack=stack,
        settings=checked[0],
        outputs=checked[1],
        callers_url=callers_url,
        state=deployment.state,
        session=boto3.Session(region_name=deployment.region(configuration)),
        database_uri=os.environ.get("NEO4J_URI") or settings.neo4j_uri,
        longest_wait=longest_wait,
        interleavings=interleavings,
    )


def stack_settings(deployment: Deployment, configuration: Mapping[str, str]) -> StackSettings:
    """Validate a stack's configuration.

    Args:
        configuration: as `Deployment.configuration` returns it.

    Raises:
        DeploymentError: it is wrong.
    """
    prefix = f"{deployment.project}:"
    values = {
        key.removeprefix(prefix): value
        for key, value in configuration.items()
        if key.startswith(prefix)
    }
    try:
        return parse_settings(values, project=deployment.project, stack=deployment.stack)
    except ConfigurationError as error:
        raise DeploymentError(str(error)) from error


def resource_names(deployment: Deployment) -> ResourceNames:
    """Return a stack's names, also if its other settings are wrong."""
    prefix = deployment.configuration().get(f"{deployment.project}:namePrefix", "")
    return ResourceNames(prefix=prefix, stack=deployment.stack)
