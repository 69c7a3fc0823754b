"""The Pulumi workspace of the stand-in cloud: the project as it is, with the addresses of here.

Pulumi.local.yaml holds the addresses of the default ports. The workspace holds a copy with the
addresses and the certificate authority of this stand-in, so that a start never changes a file
of the repository. `pulumi config set` changes the copy; a later start leaves what a person has set
or removed there as it is, and takes over what else has changed in the repository's file.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localcloud.files import write_atomically

STACK = "local"

_PROJECT_FILE = "Pulumi.yaml"
_STACK_FILE = f"Pulumi.{STACK}.yaml"
_TAKEN_OVER = f"{STACK}.taken-over.yaml"
_TRUSTED_CERTIFICATES = "neo4j-mcp:trustedCertificates"

Config = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A configuration that the repository and a person may both have changed.

    Attributes:
        config: the configuration to go on with.
        kept: the settings that both changed; the person's stay.
    """

    config: Config
    kept: tuple[str, ...]


def write_workspace(
    project: Path,
    workspace: Path,
    *,
    aws_endpoint: str,
    neo4j_uri: str,
    trusted_certificates: str,
    note: Callable[[str], None],
) -> None:
    """Write the workspace's Pulumi.yaml and Pulumi.local.yaml; a person's own settings stay.

    Args:
        project: the folder of the Pulumi program.
        workspace: the folder to write to; made where it is missing.
        aws_endpoint: the AWS endpoint's URL.
        neo4j_uri: the emulated Aura's URI, as the server's container reaches it.
        trusted_certificates: the stand-in's certificate authority (PEM).
        note: called with a line for a person's setting that now differs from what is set here.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    settings = _read(project / _PROJECT_FILE)
    # Pulumi resolves both relative to this folder.
    to_project = os.path.relpath(project, workspace)
    settings["main"] = f"{to_project}/"
    options = settings["runtime"]["options"]
    options["virtualenv"] = f"{to_project}/{options['virtualenv']}"
    _write(workspace / _PROJECT_FILE, settings)

    theirs = localize(
        _read(project / _STACK_FILE)["config"],
        aws_endpoint=aws_endpoint,
        neo4j_uri=neo4j_uri,
        trusted_certificates=trusted_certificates,
    )
    stack_file, taken_over = workspace / _STACK_FILE, workspace / _TAKEN_OVER
    # Pulumi keeps its encryption salt here too, without which no secret can be read.
    stack = _read(stack_file) if stack_file.exists() else {}
    ours = stack.get("config") or {}
    merged = merge(_read(taken_over) if taken_over.exists() else ours, theirs, ours)
    for key in merged.kept:
        note(f"{key} is set otherwise in Pulumi.{STACK}.yaml now; your own setting stays")
    _write(stack_file, stack | {"config": merged.config})
    _write(taken_over, theirs)


def merge(base: Config, theirs: Config, ours: Config) -> Merged:
    """Take over what the stand-in would set otherwise than the last time.

    Args:
        base: what it set the last time.
        theirs: what it would set now.
        ours: the configuration as it is, with what a person has set or removed since.

    Returns:
        The configuration to go on with.
    """
    merged, kept = {}, []
    absent = object()
    for key in dict.fromkeys([*theirs, *ours]):
        before, upstream, own = (each.get(key, absent) for each in (base, theirs, ours))
        is_own = own != before
        if is_own and upstream not in (before, own):
            kept.append(key)
        value = own if is_own else upstream
        if value is not absent:
            merged[key] = value
    return Merged(config=merged, kept=tuple(kept))


def localize(
    config: Config, *, aws_endpoint: str, neo4j_uri: str, trusted_certificates: str
) -> Config:
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


def _read(path: Path) -> Config:
    content: Config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return content


def _write(path: Path, content: Config) -> None:
    text = yaml.safe_dump(content, sort_keys=False)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_atomically(path, text)
