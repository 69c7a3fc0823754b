"""The file that says which calls are made."""

import itertools
import json
from collections import Counter
from pathlib import Path

import pytest

from automation.load.mix import DEFAULT, Entry, Mix, MixError, read_mix


def _write(folder: Path, text: str) -> Path:
    path = folder / "mix.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_mix_can_be_read() -> None:
    mix = read_mix(DEFAULT)
    assert {entry.tool for entry in mix.entries} == {"read-cypher", "write-cypher", "get-schema"}
    assert mix.writes


def test_the_proportions_hold_in_every_round() -> None:
    mix = read_mix(DEFAULT)
    order = [entry.name for entry in itertools.islice(mix.order(), 30)]
    for start in range(0, 30, 10):
        assert Counter(order[start : start + 10]) == {"read": 8, "write": 1, "schema": 1}
    # Not all at once.
    assert order.index("write") != order.index("schema") + 1


def test_only_tools_that_write_make_a_mix_write() -> None:
    assert not Mix(entries=(Entry(name="a", tool="read-cypher"),)).writes
    assert Mix(entries=(Entry(name="a", tool="write-cypher"),)).writes


def test_a_unique_parameter_differs_in_each_call(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "calls: [{name: w, tool: write-cypher, query: RETURN $id, unique: id, params: {a: 1}}]",
    )
    (entry,) = read_mix(path).entries
    bodies = [json.loads(entry.call(identity).body) for identity in ("run-1", "run-2")]
    assert [each["params"]["arguments"]["params"] for each in bodies] == [
        {"a": 1, "id": "run-1"},
        {"a": 1, "id": "run-2"},
    ]


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        """
calls:
  - {name: a, tool: read-cypher}
  - {name: b, tool: get-schema, query: RETURN 1}
  - {name: c, tool: delete-everything}
  - {name: d, tool: write-cypher, query: RETURN 1, weight: 0}
  - {name: e, tool: write-cypher, query: RETURN 1, colour: red}
  - {name: f, tool: write-cypher, query: RETURN 1, params: {id: 1}, unique: id}
  - {name: g, tool: read-cypher, query: RETURN $at, params: {at: 2026-01-01}}
""",
    )
    with pytest.raises(MixError) as caught:
        read_mix(path)
    message = str(caught.value)
    for number, words in enumerate(
        (
            "read-cypher needs a query",
            "get-schema takes no query",
            "'read-cypher', 'write-cypher', 'get-schema'",
            "greater than or equal to 1",
            "Extra inputs are not permitted",
            "in both params and unique",
            "date",
        )
    ):
        assert any(
            line.strip().startswith(f"calls.{number}") and words in line
            for line in message.splitlines()
        ), (number, message)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("calls: []", "calls: "),
        ("- 1", "valid dictionary"),
        ("calls: [", "isn't YAML"),
        (
            "calls: [{name: a, tool: get-schema}, {name: a, tool: get-schema}]",
            "more than one call is named a",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MixError, match=words):
        read_mix(_write(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MixError, match="can't be read: No such file"):
        read_mix(tmp_path / "none.yaml")
