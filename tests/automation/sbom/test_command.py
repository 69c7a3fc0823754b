"""The command line of `python -m automation sbom`, as far as it needs no stack."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from automation.commands import app
from automation.sbom.errors import SbomError
from automation.sbom.subjects import Subject

ROOT = Path(__file__).resolve().parents[3]
WIDE = {"COLUMNS": "300", "TERM": "dumb", "SOURCE_DATE_EPOCH": ""}


@pytest.mark.program  # pip fetches the server's wheel, unless it is there already
def test_every_subject_is_written_by_default(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["sbom", "--output", str(tmp_path), "--json"], env=WIDE)

    assert done.exit_code == 0
    printed = json.loads(done.stdout)
    assert list(printed) == list(Subject)
    for name, each in printed.items():
        path = Path(each["path"])
        content = json.loads(path.read_text(encoding="utf-8"))
        assert path == tmp_path / f"{name}.cdx.json"
        assert content["specVersion"] == "1.6"
        assert len(content["components"]) == each["components"] > 1


def test_chosen_subjects_are_written_once_with_the_same_bytes_in_each_run(tmp_path: Path) -> None:
    runs = [tmp_path / "first", tmp_path / "second"]
    for folder in runs:
        options = ["program", "functions", "program", "--output", str(folder)]
        done = CliRunner().invoke(app, ["sbom", *options], env=WIDE)
        assert done.stdout.splitlines()[0].startswith(f"{folder}/program.cdx.json: ")
        assert len(done.stdout.splitlines()) == 2

    first, second = ({path.name: path.read_bytes() for path in each.iterdir()} for each in runs)
    assert first.keys() == {"program.cdx.json", "functions.cdx.json"}
    assert first == second


def test_a_version_that_amazon_inspector_reads_can_be_chosen(tmp_path: Path) -> None:
    options = ["functions", "--spec-version", "1.5", "--output", str(tmp_path)]
    done = CliRunner().invoke(app, ["sbom", *options], env=WIDE)

    assert done.exit_code == 0
    content = json.loads((tmp_path / "functions.cdx.json").read_text(encoding="utf-8"))
    assert content["specVersion"] == "1.5"


def test_the_page_lists_every_file() -> None:
    page = (ROOT / "docs" / "supply-chain.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `([a-z]+)\.cdx\.json` \|", page, re.MULTILINE) == list(Subject)


def test_an_unknown_subject_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["sbom", "image", "--output", str(tmp_path)], env=WIDE)

    assert done.exit_code == 2
    assert "'image' is not one of 'server', 'functions'" in done.output


@pytest.mark.parametrize("subject", [Subject.CLIENT, Subject.SERVER])
def test_a_wrong_time_is_reported_before_anything_is_written(subject: str, tmp_path: Path) -> None:
    environment = {**WIDE, "SOURCE_DATE_EPOCH": "today"}
    done = CliRunner().invoke(app, ["sbom", subject, "--output", str(tmp_path)], env=environment)

    assert isinstance(done.exception, SbomError)
    assert list(tmp_path.iterdir()) == []
