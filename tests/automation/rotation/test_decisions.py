"""What prevents a rotation, and when one is complete."""

from datetime import UTC, datetime, timedelta

import pytest

from automation.rotation.decisions import (
    current_client_secret,
    incomplete_version,
    is_complete,
    overlap_end,
    refusal,
)
from functions.rotation.decisions import (
    ClientSecret,
    Inventory,
    Version,
    Versions,
    client_secret_label,
    since_label,
)

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _version(name: str, *stages: str) -> Version:
    return Version(id=name, stages=frozenset(stages), created=NOW)


def _inventory(*versions: Version, **client_secrets: timedelta) -> Inventory:
    """Make an inventory; client secrets are given with their age."""
    return Inventory(
        versions=Versions(versions),
        client_secrets=tuple(
            ClientSecret(id=name, created=NOW - age) for name, age in client_secrets.items()
        ),
        original_exists=True,
    )


CURRENT = _version("one", "AWSCURRENT", client_secret_label("a"), since_label(NOW))
PREVIOUS = _version("two", "AWSPREVIOUS", client_secret_label("b"))


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


def test_the_current_client_secret_is_the_one_that_the_current_version_names() -> None:
    found = current_client_secret(_inventory(CURRENT, PREVIOUS, b=DAY, a=DAY))
    assert found == ClientSecret(id="a", created=NOW - DAY)
    assert current_client_secret(_inventory(CURRENT, b=DAY)) is None
    assert current_client_secret(_inventory(a=DAY)) is None


def test_a_rotation_is_complete_once_another_client_secret_is_current() -> None:
    before = _inventory(_version("two", "AWSCURRENT", client_secret_label("b")), b=DAY)
    pending = _version("one", "AWSPENDING", client_secret_label("a"))
    assert is_complete(before, _inventory(CURRENT, PREVIOUS, a=DAY, b=DAY))
    assert not is_complete(before, before)
    assert not is_complete(before, _inventory(*before.versions.all, pending, a=DAY, b=DAY))
    assert not is_complete(
        before, _inventory(CURRENT, PREVIOUS, _version("three", "AWSPENDING"), a=DAY, b=DAY)
    )


def test_an_overlap_begins_when_the_current_client_secret_became_current() -> None:
    assert overlap_end(_inventory(CURRENT, PREVIOUS, a=3 * DAY, b=5 * DAY), DAY) == NOW + DAY
    assert overlap_end(_inventory(CURRENT, a=DAY), DAY) is None
    assert overlap_end(_inventory(PREVIOUS, a=DAY, b=DAY), DAY) is None


def test_nothing_prevents_the_rotation_of_a_single_client_secret() -> None:
    assert refusal(_inventory(CURRENT, a=DAY), DAY) is None


def test_a_rotation_within_the_overlap_is_refused_with_its_end() -> None:
    reason = refusal(_inventory(CURRENT, PREVIOUS, b=5 * DAY, a=timedelta()), DAY)
    assert reason is not None
    assert "b of 2026-02-24 12:00 UTC is still valid" in reason
    assert reason.endswith("The overlap ends at 2026-03-02 12:00 UTC")


def test_a_rotation_next_to_a_client_secret_added_by_hand_is_refused_with_its_name() -> None:
    reason = refusal(_inventory(CURRENT, a=DAY, c=timedelta()), DAY)
    assert reason is not None
    assert "client secret c of 2026-03-01 12:00 UTC was added by hand" in reason


def test_a_rotation_without_the_current_client_secret_is_refused_with_the_others() -> None:
    reason = refusal(_inventory(CURRENT, x=DAY, y=DAY), DAY)
    assert reason is not None
    assert "x of " in reason
    assert "y of " in reason


def test_a_rotation_of_an_empty_secret_is_refused() -> None:
    assert refusal(_inventory(), DAY) == "the secret has no value yet"
