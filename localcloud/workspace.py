"""The Pulumi workspace of the stand-in cloud: the project as it is, with the addresses of here.

Pulumi.local.yaml holds the addresses of the default ports. The workspace holds a copy with the
addresses and the certificate authority of this stand-in, so that a start never changes a file
of the repository.
"""

import os
from pathlib import Path
from typing import Any

import yaml

STACK = "local"

_PROJECT_FILE = "Pulumi.yaml"
_STACK_FILE = f"Pulumi.{STACK}.yaml"
_TRUSTED_CERTIFICATES = "neo4j-mcp:trustedCertificates"


def write_workspace(
    project: Path,
    workspace: Path,
    *,
    aws_endpoint: str,
    neo4j_uri: str,
    trusted_certificates: str,
) -> None:
    """Write the workspace's Pulumi.yaml and Pulumi.local.yaml.

    Args:
        project: the folder of the Pulumi program.
        workspace: the folder to write to; made where it is missing.
        aws_endpoint: the AWS endpoint's URL.
        neo4j_uri: the emulated Aura's URI, as the server's container reaches it.
        trusted_certificates: the stand-in's certificate authority (PEM).
    """
    workspace.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load((project / _PROJECT_FILE).read_text(encoding="utf-8"))
    # Pulumi resolves both relative to this folder.
    to_project = os.path.relpath(project, workspace)
    settings["main"] = f"{to_project}/"
    options = settings["runtime"]["options"]
    options["virtualenv"] = f"{to_project}/{options['virtualenv']}"
    _write(workspace / _PROJECT_FILE, settings)
    stack = yaml.safe_load((project / _STACK_FILE).read_text(encoding="utf-8"))
    stack["config"] = localize(
        stack["config"],
        aws_endpoint=aws_endpoint,
        neo4j_uri=neo4j_uri,
        trusted_certificates=trusted_certificates,
    )
    stack_file = workspace / _STACK_FILE
    if stack_file.exists():
        # Pulumi adds its encryption salt here; without it the state's secrets can't be read.
        stack = yaml.safe_load(stack_file.read_text(encoding="utf-8")) | stack
    _write(stack_file, stack)


def localize(
    config: dict[str, Any], *, aws_endpoint: str, neo4j_uri: str, trusted_certificates: str
) -> dict[str, Any]:
    """Put the addresses of a stand-in into the configuration of the local stack.

    Args:
        config: the stack's configuration, as in Pulumi.local.yaml.
        aws_endpoint: the AWS endpoint's URL.
        neo4j_uri: the emulated Aura's URI, as the server's container reaches it.
        trusted_certificates: the stand-in's certificate authority (PEM).

    Returns:
        The configuration with these addresses; the rest as it was.
    """
    return config | {
        "aws:endpoints": [
            dict.fromkeys(services, aws_endpoint) for services in config["aws:endpoints"]
        ],
        "neo4j-mcp:endpointOverrides": dict.fromkeys(
            config["neo4j-mcp:endpointOverrides"], aws_endpoint
        ),
        "neo4j-mcp:neo4jUri": neo4j_uri,
        _TRUSTED_CERTIFICATES: trusted_certificates,
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    unfinished.rename(path)
