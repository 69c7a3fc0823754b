"""What prevents a rotation, and which client secrets should not be there."""

from datetime import UTC, datetime, timedelta

import pytest

from automation.rotation.decisions import (
    current_client_secret,
    incomplete_version,
    is_complete,
    overlap_end,
    refusal,
    unexpected_client_secrets,
)
from functions.rotation.decisions import ClientSecret, Inventory, Version

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _version(name: str, *stages: str) -> Version:
    return Version(id=name, stages=frozenset(stages), created=NOW)


def _client_secret(name: str, age: timedelta = timedelta()) -> ClientSecret:
    return ClientSecret(id=name, created=NOW - age)


def _inventory(
    *versions: Version, known: tuple[ClientSecret, ...] = (), original_exists: bool = False
) -> Inventory:
    return Inventory(versions=versions, known=known, original_exists=original_exists)


ONE = _version("one", "AWSCURRENT", "cognito:a")
TWO = _version("two", "AWSPREVIOUS", "cognito:b")


@pytest.mark.parametrize(
    ("stages", "incomplete"),
    [
        ((("AWSCURRENT",),), False),
        ((("AWSCURRENT", "AWSPENDING"),), False),
        ((("AWSCURRENT",), ("AWSPENDING",)), True),
        ((("AWSPENDING",),), True),
    ],
    ids=["no label", "on the current version", "on another version", "on the only version"],
)
def test_a_rotation_is_incomplete_if_awspending_is_not_on_the_current_version(
    stages: tuple[tuple[str, ...], ...], *, incomplete: bool
) -> None:
    versions = [_version(str(number), *each) for number, each in enumerate(stages)]
    found = incomplete_version(_inventory(*versions))
    assert (found == versions[-1]) is incomplete


def test_a_rotation_is_complete_once_its_version_is_current_and_not_pending() -> None:
    assert is_complete(_inventory(ONE, TWO), "one")
    assert not is_complete(_inventory(ONE, TWO), "two")
    assert not is_complete(_inventory(ONE, _version("three", "AWSPENDING")), "one")
    assert not is_complete(_inventory(), "one")


def test_the_current_client_secret_is_the_one_that_the_current_version_names() -> None:
    known = (_client_secret("b"), _client_secret("a"))
    assert current_client_secret(_inventory(ONE, TWO, known=known)) == known[1]
    assert current_client_secret(_inventory(ONE, known=known[:1])) is None
    assert current_client_secret(_inventory(known=known)) is None


def test_an_overlap_lasts_from_the_creation_of_the_current_client_secret() -> None:
    known = (_client_secret("b", 5 * DAY), _client_secret("a", timedelta(hours=1)))
    assert overlap_end(_inventory(ONE, TWO, known=known), DAY) == NOW + timedelta(hours=23)
    assert overlap_end(_inventory(ONE, known=known[1:]), DAY) is None


def test_nothing_prevents_the_rotation_of_a_single_client_secret() -> None:
    assert refusal(_inventory(ONE, known=(_client_secret("a"),)), DAY) is None


def test_a_rotation_within_the_overlap_is_refused_with_its_end() -> None:
    known = (_client_secret("b", 5 * DAY), _client_secret("a"))
    reason = refusal(_inventory(ONE, TWO, known=known), DAY)
    assert reason is not None
    assert "b stays valid until 2026-03-02 12:00 UTC" in reason


def test_a_rotation_without_the_current_client_secret_is_refused_with_the_others() -> None:
    known = (_client_secret("x"), _client_secret("y"))
    reason = refusal(_inventory(ONE, known=known), DAY)
    assert reason is not None
    assert "x and y, and neither is the one in the secret" in reason


def test_a_rotation_of_an_empty_secret_is_refused() -> None:
    assert refusal(_inventory(), DAY) == "the secret has no value yet"


def _unexpected(*known: ClientSecret, original_exists: bool = False) -> str:
    inventory = _inventory(ONE, TWO, known=known, original_exists=original_exists)
    return "; ".join(unexpected_client_secrets(inventory, DAY, now=NOW))


def test_the_replaced_client_secret_is_expected_until_it_should_have_been_deleted() -> None:
    previous = _client_secret("b", 9 * DAY)
    assert _unexpected(_client_secret("a"), previous) == ""
    assert _unexpected(_client_secret("a", DAY), previous) == ""
    found = _unexpected(_client_secret("a", DAY + timedelta(minutes=1)), previous)
    assert found == "the client secret b should have been deleted by 2026-03-01 11:59 UTC"


def test_a_client_secret_without_a_version_was_added_by_hand() -> None:
    found = _unexpected(_client_secret("a"), _client_secret("c"))
    assert found.startswith("the client secret c was added by hand on 2026-03-01")


def test_the_original_client_secret_of_a_moved_stack_counts_as_replaced() -> None:
    original = _client_secret("o", 9 * DAY)
    assert _unexpected(_client_secret("a"), original, original_exists=True) == ""
    late = _unexpected(_client_secret("a", 2 * DAY), original, original_exists=True)
    assert late.startswith("the client secret o should have been deleted")
