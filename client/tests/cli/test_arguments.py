from pathlib import Path

import pytest
import typer

from neo4j_mcp_client.cli.arguments import json_argument, parameters, read_text


def test_parameters_are_json_and_else_text() -> None:
    given = ["n=3", "name=Valjean", "tags=[1, 2]", "text=a=b", 'quoted="3"', "odd=NaN"]
    assert parameters(None, given) == {
        "n": 3,
        "name": "Valjean",
        "tags": [1, 2],
        "text": "a=b",
        "quoted": "3",
        "odd": "NaN",
    }


def test_a_parameter_goes_before_the_document() -> None:
    assert parameters('{"n": 1, "m": 2}', ["n=3"]) == {"n": 3, "m": 2}


def test_a_document_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"n": 1}', encoding="utf-8")
    assert parameters(f"@{file}", []) == {"n": 1}


@pytest.mark.parametrize("text", ["{", "[1]", "3", '{"n": NaN}'])
def test_input_that_isnt_a_json_object_is_rejected_by_name(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="--arguments"):
        json_argument(text, "--arguments")


@pytest.mark.parametrize("pair", ["n", "=3", ""])
def test_a_malformed_pair_is_rejected(pair: str) -> None:
    with pytest.raises(typer.BadParameter, match="name=value"):
        parameters(None, [pair])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="No such file"):
        read_text(str(tmp_path / "nothing"))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "picture"
    file.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(typer.BadParameter, match="UTF-8"):
        read_text(str(file))
