"""The Pulumi workspace of a stand-in: a copy of the project's files with its own addresses.

Pulumi.local.yaml has the addresses of the default ports. The workspace has a copy with the actual
addresses and the certificate authority of this stand-in, so a start never changes a file of the
repository. `pulumi config set` changes the copy. A later start keeps what a person has set or
removed there, and applies all other changes of the repository's file.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localcloud.files import write_atomically

STACK = "local"

_PROJECT_FILE = "Pulumi.yaml"
_STACK_FILE = f"Pulumi.{STACK}.yaml"
# The repository's configuration at the last start. The name stays: existing workspaces have it.
_LAST_START = f"{STACK}.taken-over.yaml"
_TRUSTED_CERTIFICATES = "neo4j-mcp:trustedCertificates"

Config = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A configuration that the repository and a person may both have changed.

    Attributes:
        config: the merged configuration.
        kept: the settings that both changed, where the person's was kept.
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
        workspace: the folder to write to, created if it's missing.
        aws_endpoint: the AWS endpoint's URL.
        neo4j_uri: the emulated Aura's URI, as the server's container reaches it.
        trusted_certificates: the stand-in's certificate authority (PEM).
        note: called with a line for each setting of a person that now differs from the
            repository's.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    settings = _read(project / _PROJECT_FILE)
    # Pulumi resolves both relative to the workspace.
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
    stack_file, last_start = workspace / _STACK_FILE, workspace / _LAST_START
    # It also holds Pulumi's encryption salt, without which no secret can be decrypted.
    stack = _read(stack_file) if stack_file.exists() else {}
    ours = stack.get("config") or {}
    merged = merge(_read(last_start) if last_start.exists() else ours, theirs, ours)
    for key in merged.kept:
        note(f"{key} has changed in Pulumi.{STACK}.yaml; your own setting is kept")
    _write(stack_file, stack | {"config": merged.config})
    _write(last_start, theirs)


def read_repository_config(workspace: Path) -> Config:
    """Return the repository's configuration at the last start, with this stand-in's addresses."""
    return _read(workspace / _LAST_START)


def read_config(workspace: Path) -> Config:
    """Return the local stack's configuration, with what a person has set."""
    config: Config = _read(workspace / _STACK_FILE)["config"]
    return config


def write_config(workspace: Path, config: Mapping[str, Any]) -> None:
    """Replace the local stack's configuration; later starts keep what this changes."""
    stack_file = workspace / _STACK_FILE
    _write(stack_file, _read(stack_file) | {"config": dict(config)})


def merge(base: Config, theirs: Config, ours: Config) -> Merged:
    """Merge what the repository changed since the last start into a person's configuration.

    Args:
        base: the repository's configuration at the last start.
        theirs: the repository's configuration now.
        ours: the workspace's configuration, with what a person has set or removed since.
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
    """Replace the addresses and the certificates in the local stack's configuration.

    Args:
        config: the stack's configuration, as in Pulumi.local.yaml.
        aws_endpoint: the AWS endpoint's URL.
        neo4j_uri: the emulated Aura's URI, as the server's container reaches it.
        trusted_certificates: the stand-in's certificate authority (PEM).
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
