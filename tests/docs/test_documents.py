"""The documents: links, paths, commands and tables compared with the repository."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.aura import sso_settings
from components.edge_origin import EDGE_OUTPUTS
from components.hosting.definitions import DEFINITIONS
from components.hosting.deployments import OTHER_HOST_OUTPUTS
from docs.tables import REPOSITORY

DOCUMENTS = sorted(
    [
        REPOSITORY / "README.md",
        REPOSITORY / "CHANGELOG.md",
        REPOSITORY / "CONTRIBUTING.md",
        REPOSITORY / "client" / "README.md",
        REPOSITORY / "localcloud" / "README.md",
        *(REPOSITORY / "docs").rglob("*.md"),
    ],
    key=lambda path: path.as_posix(),
)
README = REPOSITORY / "README.md"
AURA_SSO = REPOSITORY / "docs" / "aura-sso.md"
STAND_IN = REPOSITORY / "docs" / "stand-in.md"
DECISIONS = REPOSITORY / "docs" / "decisions"

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_GENERATED = re.compile(r"<!-- table: ([\w-]+) -->.*?<!-- end: \1 -->", re.DOTALL)
_LONGEST_DECISION = 40
_LONGEST_CELL = 100


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def prose(path: Path) -> str:
    """The document without its code blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The headings' anchors, in GitHub's form."""
    headings = (re.sub(r"[`*]", "", heading) for heading in _HEADING.findall(prose(path)))
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings
    }


def code(path: Path, language: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [body for _, found, body in _FENCE.findall(text) if found == language]


def section(path: Path, heading: str) -> str:
    _, found, rest = path.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    assert found, f"{name(path)} has no section {heading}"
    return rest.partition("\n## ")[0]


def table_cells(text: str) -> Iterator[str]:
    """The first cell of each row of a section's tables, without their headers."""
    for row in re.findall(r"^\|(.+)\|$", text, re.MULTILINE):
        first = row.split("|")[0].strip()
        if "`" in first:
            yield first


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_relative_links_resolve(document: Path) -> None:
    broken = []
    for target in _LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (document.parent / file).resolve() if file else document
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_make_targets_exist(document: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = re.findall(
        r"(?:`|\(|^)make (?:-s )?([a-z-]+)", document.read_text(encoding="utf-8"), re.MULTILINE
    )

    assert set(named) <= targets


def test_make_alone_lists_every_command() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    done = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
        timeout=10,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert {line.split()[1] for line in done.stdout.splitlines()} == described
    assert '"$(make -s env)"' in done.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_named_paths_exist(document: Path) -> None:
    roots = "client|components|functions|server|automation|localcloud|demo|docs|tests"
    named = set(re.findall(rf"`((?:{roots})/[\w./-]*)`", prose(document)))
    # Created by the program, so not in a checkout.
    created = {"server/build/"}

    assert [path for path in sorted(named - created) if not (REPOSITORY / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_table_cells_fit_on_one_line(document: Path) -> None:
    rows = re.findall(r"^ *\|(.+)\|$", _GENERATED.sub("", prose(document)), re.MULTILINE)
    cells = [re.sub(r"\]\([^)]*\)", "]", cell).strip() for row in rows for cell in row.split("|")]
    # The name of a test can't be broken.
    long = [cell for cell in cells if len(cell) > _LONGEST_CELL and "::test_" not in cell]

    assert long == []


def test_the_repository_map_matches_the_tree() -> None:
    named = {
        path
        for cell in table_cells(section(README, "Repository map"))
        for path in re.findall(r"`([^`]+)`", cell)
    }

    assert [path for path in sorted(named) if not (REPOSITORY / path).exists()] == []
    folders = {f"{path.name}/" for path in REPOSITORY.iterdir() if path.is_dir()}
    # Created by the commands, so not in a checkout.
    created = {"reports/"}
    assert {path for path in folders - created if path[0] not in "._"} <= named


def test_the_documented_outputs_are_the_exported_outputs() -> None:
    program = ast.parse((REPOSITORY / "__main__.py").read_text(encoding="utf-8"))
    exported = next(
        {ast.literal_eval(key) for key in node.value.keys if key is not None}
        for node in ast.walk(program)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Dict)
        and [target.id for target in node.targets if isinstance(target, ast.Name)] == ["outputs"]
    )
    named = {cell.strip("`") for cell in table_cells(section(README, "Outputs"))}

    of_edges = set(EDGE_OUTPUTS)
    of_moves = set(OTHER_HOST_OUTPUTS)
    of_hosts = {output for each in DEFINITIONS.values() for output in each.outputs}

    assert named == exported | of_hosts | of_edges | of_moves


def test_every_value_of_aura_sso_is_documented() -> None:
    fields = set(sso_settings("", [], {}))
    steps = section(AURA_SSO, "In the console")
    outputs = section(README, "Outputs")

    assert {field for field in fields if f"| `{field}` |" not in steps} == set()
    assert {field for field in fields if f"`{field}`" not in outputs} == set()


def test_documented_environment_variables_are_read_by_the_code() -> None:
    sources = (REPOSITORY / "localcloud" / "src").rglob("*.py")
    program = "".join(path.read_text(encoding="utf-8") for path in sources)
    documents = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    named = set(re.findall(r"LOCALCLOUD_\w+", documents))

    assert named
    assert {variable for variable in named if f'"{variable}"' not in program} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_examples_are_well_formed(document: Path) -> None:
    shell = shutil.which("sh")
    assert shell is not None
    for example in code(document, "python"):
        ast.parse(example)
    for example in code(document, "sh"):
        # The reader replaces placeholders in angle brackets.
        filled = re.sub(r"<[a-z][\w ]*>", "x", example)
        checked = subprocess.run(
            [shell, "-n"], input=filled, check=False, capture_output=True, text=True, timeout=10
        )
        assert checked.returncode == 0, checked.stderr


def test_each_marked_example_is_followed_by_its_code() -> None:
    for document in (STAND_IN, AURA_SSO):
        text = document.read_text(encoding="utf-8")
        markers = re.findall(r"<!-- example: ([\w-]+) -->\n(```\w+)?", text)
        assert [marker for marker, fence in markers if not fence] == []
        assert len({marker for marker, _ in markers}) == len(markers) > 0


def test_the_index_of_decisions_is_complete() -> None:
    pages = {path.name: path for path in DECISIONS.glob("[0-9]*.md")}
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    entries = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", index, re.MULTILINE)

    assert [file for _, _, file in entries] == sorted(pages)
    for number, title, file in entries:
        lines = pages[file].read_text(encoding="utf-8").splitlines()
        assert lines[0] == f"# {number}. {title}"
        assert file.startswith(f"{int(number):04}-")
        assert len(lines) <= _LONGEST_DECISION
        headings = [line for line in lines if line.startswith("## ")]
        assert headings == ["## Context", "## Decision", "## Consequences"]
