"""The arrows between the folders, from the imports: who may know whom."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "automation",
    "client",
    "components",
    "demo",
    "functions",
    "localcloud",
    "neo4j_mcp_client",
    "server",
}
# What a folder may import of the others; whatever isn't said here is not allowed.
ALLOWED = {
    "components": {"server"},
    "functions": set(),
    "server": set(),
    "client": {"neo4j_mcp_client"},
    "automation": {"components", "functions", "neo4j_mcp_client", "server"},
    "localcloud/src": set(),
    "demo": {"automation", "components", "functions", "localcloud", "neo4j_mcp_client", "server"},
}
PROGRAM = {"components"}


def imported(file: Path) -> Iterator[str]:
    """Give the top-level packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def components_of_the_program() -> list[str]:
    tree = ast.parse((ROOT / "__main__.py").read_text(encoding="utf-8"))
    return [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("components")
    ]


def sources(folder: str) -> list[Path]:
    return [
        path
        for path in (ROOT / folder).rglob("*.py")
        if not {"build", "tests"} & set(path.relative_to(ROOT).parts)
    ]


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_a_folder_imports_only_allowed_folders(folder: str) -> None:
    for file in sources(folder):
        others = (set(imported(file)) & FOLDERS) - {folder.partition("/")[0]}
        assert others <= ALLOWED[folder], f"{file.relative_to(ROOT)} imports {others}"


def test_the_program_imports_components_only() -> None:
    assert set(imported(ROOT / "__main__.py")) & FOLDERS == PROGRAM


def test_functions_need_the_standard_library_and_boto3_only() -> None:
    for file in sources("functions"):
        foreign = set(imported(file)) - sys.stdlib_module_names - {"functions"}
        assert foreign <= {"boto3", "botocore"}, file


@pytest.mark.parametrize(
    "modules",
    [
        pytest.param(["automation.commands", "demo.__main__"], id="commands"),
        pytest.param(components_of_the_program(), id="program"),
    ],
)
def test_a_start_loads_no_class_of_pulumi_aws(modules: Sequence[str]) -> None:
    # All of them take seconds to load. A deployment loads those that it uses, and no command any.
    loaded = (
        "[each for each in sys.modules if each.startswith('pulumi_aws.') and each.count('.') > 1]"
    )
    result = subprocess.run(
        [sys.executable, "-c", f"import sys, {', '.join(modules)}; print(*{loaded})"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert result.stdout.split() == []


def test_no_component_depends_on_the_stacks_name() -> None:
    for file in [*sources("components"), ROOT / "__main__.py"]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.If, ast.IfExp)):
                assert not any(
                    isinstance(part, ast.Constant) and part.value in {"local", "dev", "prod"}
                    for part in ast.walk(node.test)
                ), f"{file.relative_to(ROOT)}:{node.lineno}"


def test_there_are_sources_to_check() -> None:
    assert {path.parent.name for path in sources("components")} >= {"components", "hosting"}
    assert sources("functions")
    assert sources("server")
