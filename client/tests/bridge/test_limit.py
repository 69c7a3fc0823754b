"""What is left of a result that an agent's context can't hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo4j_mcp_client.bridge.limit import limit_text

scalars = st.none() | st.integers() | st.text(max_size=30) | st.lists(st.integers(), max_size=40)
values = scalars | st.dictionaries(st.text(max_size=5), scalars, max_size=3)
table = st.lists(st.dictionaries(st.text(max_size=5), values, max_size=3), min_size=1, max_size=6)


def indented(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Write JSON as the server does."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@given(st.text(), st.integers(0, 50))
def test_a_result_within_the_limit_is_untouched(text: str, more: int) -> None:
    assert limit_text(text, len(text) + more or 1).text == text
    assert limit_text(text, 0).text == text


def test_whitespace_is_removed_first() -> None:
    text = indented([{"name": "Bo", "n": n} for n in range(10)])
    cut = limit_text(text, len(text) // 2 + 50)
    assert json.loads(cut.text) == json.loads(text)
    assert cut.notice is None


def test_rows_are_cut_at_a_rows_end() -> None:
    rows = [{"name": f"person {n}"} for n in range(20_000)]
    text = indented(rows)
    cut = limit_text(text, 1_000)
    left = json.loads(cut.text)
    assert left == rows[: len(left)]
    assert 900 < len(cut.text) <= 1_000
    assert cut.notice is not None
    assert f"{len(left)} of 20,000 rows" in cut.notice
    assert f"{len(cut.text):,} of {len(text):,} characters" in cut.notice
    assert "LIMIT" in cut.notice
    assert "--max-characters" in cut.notice


def test_embeddings_are_shortened_before_rows_are_lost() -> None:
    rows = [{"name": n, "embedding": [0.123456789 + n] * 1_536} for n in range(10)]
    cut = limit_text(indented(rows), 2_000)
    left = json.loads(cut.text)
    assert [row["name"] for row in left] == list(range(10))
    assert left[0]["embedding"] == [*[0.123456789] * 3, "… 1,533 more"]
    assert cut.notice is not None
    assert "10 of 10 rows" in cut.notice
    assert "Lists of more than 32 numbers are cut to 3" in cut.notice


def test_a_row_that_is_too_long_alone_is_abridged() -> None:
    cut = limit_text(indented([{"text": "x" * 10_000, "tags": ["y"] * 1_000}, {}]), 1_000)
    (row,) = json.loads(cut.text)
    assert row["text"].endswith("… 9,500 more characters")
    assert row["tags"][-1] == "… 980 more"
    assert cut.notice is not None
    assert "1 of 2 rows" in cut.notice
    assert "are cut" in cut.notice


def test_a_row_that_nothing_shortens_is_cut_in_the_middle_and_says_so() -> None:
    cut = limit_text(indented([{f"key {n}": n for n in range(1_000)}]), 500)
    assert len(cut.text) == 500
    assert cut.notice is not None
    assert "isn't JSON any more" in cut.notice


@pytest.mark.parametrize("text", ["x" * 2_000, indented({"a": "x" * 2_000}), "[]" + " " * 2_000])
def test_a_result_without_rows_is_cut_by_length(text: str) -> None:
    cut = limit_text(text, 1_000)
    assert cut.text == text[:1_000]
    assert cut.notice is not None
    assert f"1,000 of {len(text):,} characters" in cut.notice


@given(table, st.integers(1, 400))
def test_the_limit_holds_and_nothing_is_lost_in_silence(
    rows: list[dict[str, Any]], limit: int
) -> None:
    cut = limit_text(indented(rows), limit)
    assert len(cut.text) <= limit
    if cut.notice is None:
        assert json.loads(cut.text) == rows
    elif "isn't JSON" not in cut.notice:
        json.loads(cut.text)
