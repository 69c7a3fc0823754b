"""No account, id, address, time or secret is left in what is recorded."""

import datetime as dt
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.probes.placeholders import Placeholders

_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_TEXT = st.text(max_size=60)
_SECRETS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=8, max_size=40)


def _nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
        max_leaves=8,
    )


@settings(max_examples=40)
@given(_nested(st.builds("{}{:012d}{}".format, _TEXT, st.integers(0, 10**12 - 1), _TEXT)))
def test_no_account_is_left(value: Any) -> None:  # noqa: ANN401 - any JSON
    assert not _ACCOUNT.search(json.dumps(Placeholders().blank(value)))


@settings(max_examples=40)
@given(st.integers(10**11, 10**15))
def test_no_long_number_is_left(value: int) -> None:
    assert str(value) not in json.dumps(Placeholders().blank({"number": value, "text": [value]}))


@settings(max_examples=40)
@given(st.lists(_SECRETS, min_size=1, max_size=4), _TEXT, _TEXT)
def test_no_known_secret_is_left(secrets: list[str], before: str, after: str) -> None:
    placeholders = Placeholders()
    placeholders.learn("secret", secrets)
    text = placeholders.blank(f"{before}{'|'.join(secrets)}{after}")
    # A placeholder's own text may happen to be a secret's.
    outside = re.sub(r"<[a-z]+(:\d+)?>", "\0", text)
    assert not [each for each in secrets if each in outside]


@settings(max_examples=40)
@given(st.text("0123456789abcdef", min_size=8, max_size=8))
def test_a_probes_name_is_left_in_no_form(digits: str) -> None:
    placeholders = Placeholders()
    name = f"neo4j-mcp-probe-{digits}"
    placeholders.learn("name", [name])
    blanked = placeholders.blank([f"{name}-two", f"arn:aws:sns:us-east-1:111122223333:{name}"])
    assert name not in json.dumps(blanked)
    assert blanked[0] == "<name:1>-two"


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("arn:aws:iam::111122223333:role/a is wrong", "<arn:1> is wrong"),
        ("User: 1111-2222-3333", "User: <account>"),
        ("id 0f8fad5b-d9cb-469f-a165-70867728950e", "id <id:1>"),
        ("at https://d111111abcdef8.cloudfront.net/x", "at https://<host:1>/x"),
        ("pool us-east-1_AbCdEfGhI", "pool <id:1>"),
        ("sg-0123456789abcdef0 in vpc-01234567", "<id:1> in <id:2>"),
        ("since 2026-01-02T03:04:05.678Z", "since <time:1>"),
        ("signed 20260102T030405Z", "signed <time:1>"),
        ("Bearer eyJhbGciOi.eyJzdWIi.c2ln", "Bearer <token:1>"),
        ("The Basic credentials are malformed.", "The Basic credentials are malformed."),
        ("Authorization: Basic Y2FsbGVyOnMzY3JldA==", "Authorization: Basic <token:1>"),
        ("key AKIAIOSFODNN7EXAMPLE", "key <key:1>"),
        ("sha256:0123456789abcdef0123", "<digest:1>"),
        ("from 198.51.100.7:443", "from <address:1>"),
        ("secret wJalrXUtnFEMIK7MDENGbPxRfiCY", "secret <secret:1>"),
        ("ResourceConflictException in us-east-1", "ResourceConflictException in us-east-1"),
        ("rate(1 hour) of 256 CPU, 4096 memory", "rate(1 hour) of 256 CPU, 4096 memory"),
    ],
)
def test_shapes(text: str, blanked: str) -> None:
    assert Placeholders().blank(text) == blanked


def test_equal_values_have_equal_placeholders() -> None:
    first, second = "sg-0123456789abcdef0", "sg-0123456789abcdef1"
    assert Placeholders().blank([first, second, first]) == ["<id:1>", "<id:2>", "<id:1>"]


def test_other_values_stay() -> None:
    value = {"a": 5, "b": 2.5, "c": None, "d": True, "e": ["AWSCURRENT", 502]}
    assert Placeholders().blank(value) == value


def test_a_date_is_a_time() -> None:
    now = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    assert Placeholders().blank({"at": now}) == {"at": "<time:1>"}


def test_a_short_word_is_no_secret() -> None:
    placeholders = Placeholders()
    placeholders.learn("secret", ["", "a", "token"])
    assert placeholders.blank("a token") == "a token"
