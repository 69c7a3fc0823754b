import re
from pathlib import Path

import pytest

from automation.sbom.distributions import distribution_document, program_document
from automation.sbom.errors import SbomError
from tests.automation.sbom.documents import components, properties, requirements, validated

ROOT = Path(__file__).resolve().parents[3]
LOCKED = """root==1.0 \\
    --hash=sha256:{a}
    # via -r requirements-dev.in
inner==2.0 \\
    --hash=sha256:{b}
    # via
    #   root
    #   other
other==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:{c}
    # via -r requirements-dev.in
innermost==4.0 \\
    --hash=sha256:{d}
    # via inner
""".format(a="a" * 64, b="b" * 64, c="c" * 64, d="d" * 64)
PROJECT = """
[project]
name = "neo4j-mcp-client"
description = "Calls the server"
license = "Apache-2.0"
dependencies = ["Root>=1,<2"]

[project.optional-dependencies]
cli = ["neo4j-mcp-client[more]", "other>=3"]

[tool.hatch.version]
path = "version.py"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "requirements-dev.txt").write_text(LOCKED, encoding="utf-8")
    folder = tmp_path / "client"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "version.py").write_text('__version__ = "0.1.0"\n', encoding="utf-8")
    return tmp_path


def test_a_program_requires_its_direct_requirements_and_they_the_others(checkout: Path) -> None:
    content = validated(
        program_document(checkout / "requirements-dev.txt", name="tests", description="The tests")
    )

    assert requirements(content, "tests") == {"pkg:pypi/root@1.0", "pkg:pypi/other@3.0"}
    assert requirements(content, "pkg:pypi/root@1.0") == {"pkg:pypi/inner@2.0"}
    assert requirements(content, "pkg:pypi/inner@2.0") == {"pkg:pypi/innermost@4.0"}
    assert requirements(content, "pkg:pypi/innermost@4.0") == set()


def test_a_requirement_has_the_hashes_and_the_marker_of_the_lock(checkout: Path) -> None:
    content = validated(
        program_document(checkout / "requirements-dev.txt", name="tests", description="The tests")
    )

    other = components(content)["other"]
    assert properties(other) == {"neo4j-mcp:python:marker": "sys_platform == 'win32'"}
    (files,) = other["externalReferences"]
    assert files["hashes"] == [{"alg": "SHA-256", "content": "c" * 64}]


def test_a_distribution_requires_what_it_declares_and_optionally_what_its_extras_do(
    checkout: Path,
) -> None:
    content = validated(distribution_document(checkout / "client", checkout))

    subject = content["metadata"]["component"]
    assert (subject["purl"], subject["licenses"]) == (
        "pkg:pypi/neo4j-mcp-client@0.1.0",
        [{"license": {"id": "Apache-2.0"}}],
    )
    assert requirements(content, subject["bom-ref"]) == {"pkg:pypi/root@1.0", "pkg:pypi/other@3.0"}
    assert {name: each["scope"] for name, each in components(content).items()} == {
        "root": "required",
        "inner": "required",
        "innermost": "required",
        "other": "optional",
    }


def test_what_a_distribution_doesnt_require_is_left_out(checkout: Path) -> None:
    project = PROJECT.replace('"other>=3"', "").replace("Root>=1,<2", "inner")
    (checkout / "client" / "pyproject.toml").write_text(project, encoding="utf-8")

    content = validated(distribution_document(checkout / "client", checkout))
    assert components(content).keys() == {"inner", "innermost"}


def test_a_requirement_that_isnt_locked_is_reported_with_the_remedy(checkout: Path) -> None:
    project = PROJECT.replace("other>=3", "unlocked")
    (checkout / "client" / "pyproject.toml").write_text(project, encoding="utf-8")

    with pytest.raises(SbomError, match=r"requires unlocked, .*requirements-dev\.in.*make lock"):
        distribution_document(checkout / "client", checkout)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("pyproject.toml", "[project"),
        ("pyproject.toml", "[project]\nname = 'x'\n"),
        ("version.py", "# no version\n"),
    ],
)
def test_a_damaged_project_is_reported(file: str, content: str, checkout: Path) -> None:
    (checkout / "client" / file).write_text(content, encoding="utf-8")

    with pytest.raises(SbomError, match=r"pyproject\.toml can't be read as a distribution's"):
        distribution_document(checkout / "client", checkout)


@pytest.mark.parametrize("folder", ["client", "localcloud"])
def test_the_repositorys_distributions_have_each_declared_requirement(folder: str) -> None:
    content = validated(distribution_document(ROOT / folder, ROOT))

    text = (ROOT / folder / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    declared = set(re.findall(r'^\s+"([A-Za-z0-9._-]+)[><=]', dependencies, re.MULTILINE))
    direct = requirements(content, content["metadata"]["component"]["bom-ref"])
    named = {re.sub(r"[-_.]+", "-", name).lower() for name in declared}
    assert {each.removeprefix("pkg:pypi/").partition("@")[0] for each in direct} == named


def test_a_document_names_its_lock_file() -> None:
    content = validated(
        program_document(ROOT / "requirements.txt", name="program", description="The program")
    )

    assert properties(content["metadata"]["component"]) == {
        "neo4j-mcp:python:lock-file": "requirements.txt"
    }
    assert "pulumi" in components(content)
