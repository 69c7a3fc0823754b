from datetime import UTC, datetime, timedelta

import pytest

from automation.checks.verdicts import Failed, Skipped
from automation.drills.client_secrets import (
    describe,
    expect_rotated,
    has_leftovers,
    require_rotatable,
)
from automation.rotation.clients import Client
from functions.rotation.decisions import (
    CURRENT,
    PENDING,
    PREVIOUS,
    PUBLISHING,
    ClientSecret,
    Inventory,
    Version,
    Versions,
    client_secret_label,
    since_label,
)

_NOW = datetime(2026, 11, 27, tzinfo=UTC)


def inventory(versions: dict[str, set[str]], *client_secrets: str) -> Inventory:
    return Inventory(
        versions=Versions(
            tuple(
                Version(id=version, stages=frozenset(stages), created=_NOW)
                for version, stages in versions.items()
            )
        ),
        client_secrets=tuple(ClientSecret(id=each, created=_NOW) for each in client_secrets),
        original_exists=False,
    )


BEFORE = inventory({"v1": {CURRENT, client_secret_label("c1")}}, "c1")
V1 = {PREVIOUS, client_secret_label("c1")}
V2 = {CURRENT, client_secret_label("c2")}


def test_a_rotation_leaves_the_new_and_the_replaced_client_secret() -> None:
    expect_rotated(BEFORE, inventory({"v1": V1, "v2": V2}, "c1", "c2"))


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (BEFORE, "the client secret is still c1"),
        (inventory({"v1": V1, "v2": V2}, "c2"), r"\['c2'\], but must have \['c1', 'c2'\]"),
        (inventory({"v1": V1, "v2": V2}, "c1", "c2", "c3"), "but must have"),
        (inventory({"v1": V1, "v2": V2}, "c1"), "names no client secret of Cognito's"),
        (inventory({"v1": V1, "v2": {CURRENT}}, "c1", "c2"), "names no client secret"),
        (inventory({"v1": V1, "v2": V2 | {PENDING}}, "c1", "c2"), "a rotation is incomplete"),
        (inventory({"v1": V1 | {PUBLISHING}, "v2": V2}, "c1", "c2"), "a rotation is incomplete"),
    ],
)
def test_any_other_state_fails(after: Inventory, reason: str) -> None:
    with pytest.raises(Failed, match=reason):
        expect_rotated(BEFORE, after)


CLIENT = Client(
    name="reader",
    client_id="client",
    secret_arn="arn",
    enabled=True,
    token_validity=timedelta(hours=1),
    rotation_days=30,
    overlap=timedelta(hours=24),
)
OVERLAPPING = inventory({"v1": V1, "v2": V2 | {since_label(_NOW)}}, "c1", "c2")


def test_a_drill_starts_when_the_overlap_has_ended() -> None:
    end = _NOW + CLIENT.overlap
    require_rotatable(BEFORE, CLIENT, "dev", now=_NOW)
    require_rotatable(OVERLAPPING, CLIENT, "dev", now=end)
    with pytest.raises(Skipped, match="valid until 2026-11-28 00:00 UTC"):
        require_rotatable(OVERLAPPING, CLIENT, "dev", now=end - timedelta(seconds=1))


def test_a_drill_does_not_start_on_an_incomplete_rotation() -> None:
    stuck = inventory({"v1": {CURRENT, client_secret_label("c1")}, "v2": {PENDING}}, "c1")
    with pytest.raises(Failed, match="rotate --stack dev --client reader --unstick"):
        require_rotatable(stuck, CLIENT, "dev", now=_NOW)


def test_a_pending_version_is_a_leftover() -> None:
    assert not has_leftovers(BEFORE)
    assert has_leftovers(inventory({"v1": {CURRENT}, "v2": {PENDING}}, "c1"))


def test_what_there_is_is_shown_by_ids_and_labels() -> None:
    assert describe(BEFORE) == {
        "versions": {"v1": ["AWSCURRENT", "cognito:c1"]},
        "client secrets": ["c1"],
    }
