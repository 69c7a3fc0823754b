"""What is installed with localcloud: every part declares the packages that it imports."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

DISTRIBUTION = Path(__file__).resolve().parents[1]
SOURCES = DISTRIBUTION / "src"
PROJECT = tomllib.loads((DISTRIBUTION / "pyproject.toml").read_text(encoding="utf-8"))["project"]

PARTS = {
    "base": ["localcloud.aws"],
    "aura": ["localcloud.aura"],
    "pulumi": ["localcloud.providers", "localcloud.engine", "localcloud.workspace"],
    "all": ["localcloud"],
}
"""The packages and modules that each set of extras makes usable."""

_DISTRIBUTIONS = {"google": "protobuf", "grpc": "grpcio", "jwt": "pyjwt", "yaml": "pyyaml"}
"""What packages are called on PyPI, where that isn't the name to import."""


def test_every_extra_is_tested() -> None:
    assert PARTS.keys() - {"base"} == PROJECT["optional-dependencies"].keys()


@pytest.mark.parametrize("part", PARTS)
def test_every_import_of_a_part_is_declared(part: str) -> None:
    imported = _third_party(PARTS[part])
    assert imported
    declared = _requirements("base") | _requirements(part)
    assert {name: files for name, files in imported.items() if name not in declared} == {}


@pytest.mark.parametrize("part", PARTS)
def test_every_requirement_of_a_part_is_imported(part: str) -> None:
    assert _requirements(part) - _third_party(PARTS[part]).keys() == set()


@pytest.mark.program
def test_the_command_names_the_extra_that_it_needs() -> None:
    code = (
        "import sys; sys.modules['pydantic'] = None; from localcloud.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: pydantic isn't installed.")
    assert "pip install 'localcloud[all]'" in done.stderr
    assert "Traceback" not in done.stderr


def _requirements(part: str) -> set[str]:
    lines = PROJECT["dependencies"] if part == "base" else PROJECT["optional-dependencies"][part]
    names: set[str] = set()
    for line in lines:
        name, _, extras = re.findall(r"([\w.-]+)(\[(.*)\])?.*", line)[0]
        if name == "localcloud":
            names.update(*(_requirements(extra) for extra in extras.split(",")))
        else:
            names.add(name.lower())
    return names


def _third_party(roots: list[str]) -> dict[str, set[str]]:
    """List the distributions that modules need, with the files that import them."""
    pending = [file for root in roots for file in _files(root)]
    seen: set[Path] = set()
    found: dict[str, set[str]] = {}
    while pending:
        file = pending.pop()
        if file in seen:
            continue
        seen.add(file)
        for module in _imports(file):
            package = module.partition(".")[0]
            if package == "localcloud":
                pending += _modules(module)
            elif package not in sys.stdlib_module_names:
                distribution = _DISTRIBUTIONS.get(package, package)
                found.setdefault(distribution, set()).add(str(file.relative_to(SOURCES)))
    return found


def _files(name: str) -> list[Path]:
    """List the files of a module, or of a package with all that is in it."""
    path = SOURCES.joinpath(*name.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def _modules(name: str) -> Iterator[Path]:
    """List the files that run when a module is imported, or a name from it."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        path = SOURCES.joinpath(*parts[:length])
        candidates = (path / "__init__.py", path.with_suffix(".py"))
        yield from (file for file in candidates if file.exists())


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            yield ast.unparse(node.args[0]).strip("f'")
