"""Every import of the client is declared in pyproject.toml, in the extra of its module."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CLIENT = Path(__file__).resolve().parents[1]
PACKAGE = "neo4j_mcp_client"
SOURCES = CLIENT / "src" / PACKAGE
# Imported names that differ from the names of their distributions.
DISTRIBUTIONS = {"mcp_types": "mcp-types"}
# Which extra each module belongs to; all others need none.
EXTRAS = {
    "async_client.py": "async",
    "httpx2.py": "async",
    "httpx.py": "httpx",
    "secrets_manager.py": "aws",
    "file_cache.py": "cache",
    "cli": "cli",
    "bridge": "bridge",
    "doctor/bolt.py": "doctor",
    "doctor/hosts.py": "aws",
}


def project() -> dict[str, Any]:
    document = tomllib.loads((CLIENT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(document["project"])


def name_of(requirement: str) -> str:
    """Return the distribution's name, without extras and versions."""
    return requirement.partition(">")[0].partition("[")[0].strip()


def declared(extra: str | None) -> set[str]:
    """List the distributions that an extra installs, with those that every install has."""
    extras = project()["optional-dependencies"]
    found = {name_of(each) for each in project()["dependencies"]}
    for requirement in extras[extra] if extra else ():
        if name_of(requirement) == project()["name"]:
            for included in requirement.partition("[")[2].rstrip("]").split(","):
                found |= declared(included)
        else:
            found.add(name_of(requirement))
    return found


def extra_of(file: Path) -> str | None:
    path = file.relative_to(SOURCES)
    return EXTRAS.get(path.as_posix()) or EXTRAS.get(path.parts[0])


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize(
    "file", sorted(SOURCES.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCES))
)
def test_every_import_is_declared(file: Path) -> None:
    foreign = set(imported(file)) - sys.stdlib_module_names - {PACKAGE}
    assert {DISTRIBUTIONS.get(name, name) for name in foreign} <= declared(extra_of(file))


def test_every_dependency_is_imported() -> None:
    used = {name for file in SOURCES.rglob("*.py") for name in imported(file)}
    for extra in (None, *project()["optional-dependencies"]):
        assert declared(extra) <= {DISTRIBUTIONS.get(name, name) for name in used}, extra
