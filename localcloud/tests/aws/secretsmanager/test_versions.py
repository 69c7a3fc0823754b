import pytest

from localcloud.aws.protocol import ApiError
from localcloud.aws.secretsmanager import versions
from localcloud.aws.secretsmanager.models import CURRENT, PENDING, PREVIOUS, Version, Versions

ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-a1B2c3"
ONE, TWO, THREE = (f"{digit * 32}" for digit in "123")
DAY = 24 * 60 * 60


def version(*stages: str, value: str | None = "value", created: float = 0) -> Version:
    return Version(
        created=created,
        value=None if value is None else {"SecretString": value},
        stages=frozenset(stages),
    )


def put(before: Versions, token: str, value: str, *stages: str, now: float = 1) -> Versions:
    return versions.with_value(
        before, token, {"SecretString": value}, stages or (CURRENT,), now=now, arn=ARN
    )


def stages(found: Versions) -> dict[str, set[str]]:
    return {key: set(each.stages) for key, each in found.items()}


def code(error: pytest.ExceptionInfo[ApiError]) -> str:
    return error.value.code


def test_a_new_value_becomes_current_and_the_old_one_previous() -> None:
    after = put(put(put({}, ONE, "a"), TWO, "b"), THREE, "c")
    assert stages(after) == {ONE: set(), TWO: {PREVIOUS}, THREE: {CURRENT}}


def test_the_first_version_becomes_current_whatever_its_labels_are() -> None:
    assert stages(put({}, ONE, "a", "custom")) == {ONE: {"custom", CURRENT}}


def test_a_label_moves_to_the_version_that_is_put_with_it() -> None:
    before = put(put({}, ONE, "a"), TWO, "b", PENDING, "custom")
    assert stages(put(before, THREE, "c", PENDING, "custom")) == {
        ONE: {CURRENT},
        TWO: set(),
        THREE: {PENDING, "custom"},
    }


def test_the_same_token_with_the_same_value_changes_nothing() -> None:
    before = put(put({}, ONE, "a"), TWO, "b", PENDING)
    assert put(before, TWO, "b") is before


def test_the_same_token_with_another_value_is_refused() -> None:
    before = put({}, ONE, "a")
    with pytest.raises(ApiError, match=f"ClientRequestToken {ONE} because that value") as error:
        put(before, ONE, "another")
    assert code(error) == "ResourceExistsException"
    assert "another" not in str(error.value)


def test_an_empty_version_is_filled_and_keeps_its_labels() -> None:
    before = {ONE: version(CURRENT), TWO: version(PENDING, value=None, created=5)}
    after = put(before, TWO, "b", "custom")
    assert after[TWO] == version(PENDING, "custom", value="b", created=5)


def test_a_secret_has_at_most_20_labels_across_its_versions() -> None:
    before = put(put({}, ONE, "a"), TWO, "b", *(f"label-{number}" for number in range(19)))
    assert put(before, TWO, "b") is before
    with pytest.raises(ApiError, match="more than 20 staging labels") as error:
        versions.with_stage(before, "one-more", ONE)
    assert code(error) == "LimitExceededException"
    assert PREVIOUS not in stages(before)[ONE]


def test_deprecated_versions_of_earlier_days_are_removed_beyond_100() -> None:
    found: Versions = put({}, ONE, "a")
    for number in range(150):
        found = put(found, f"{number:032}", "x", now=number)
    assert len(found) == 151
    later = put(found, TWO, "b", now=DAY + 100)
    # 99 of the 152 are older than a day and deprecated; 52 of them are the surplus.
    assert len(later) == 100
    assert f"{52:032}" in later
    assert f"{50:032}" not in later
    assert put(found, TWO, "b", now=DAY)[TWO].stages == {CURRENT}
    assert len(put(found, TWO, "b", now=DAY)) == 152


def test_a_labelled_version_is_never_removed() -> None:
    found: Versions = put(put({}, ONE, "a"), TWO, "b", "kept")
    for number in range(200):
        found = put(found, f"{number:032}", "x", now=number * DAY)
    assert len(found) == 100
    assert "kept" in found[TWO].stages


@pytest.mark.parametrize(
    ("stage", "move_to", "remove_from", "expected"),
    [
        (CURRENT, TWO, ONE, {ONE: {PREVIOUS}, TWO: {CURRENT, PENDING}, THREE: set()}),
        (CURRENT, ONE, None, {ONE: {CURRENT}, TWO: {PENDING}, THREE: {PREVIOUS}}),
        (PENDING, None, TWO, {ONE: {CURRENT}, TWO: set(), THREE: {PREVIOUS}}),
        (PENDING, ONE, TWO, {ONE: {CURRENT, PENDING}, TWO: set(), THREE: {PREVIOUS}}),
        ("custom", THREE, None, {ONE: {CURRENT}, TWO: {PENDING}, THREE: {PREVIOUS, "custom"}}),
    ],
)
def test_a_label_is_moved(
    stage: str, move_to: str | None, remove_from: str | None, expected: dict[str, set[str]]
) -> None:
    before = {ONE: version(CURRENT), TWO: version(PENDING), THREE: version(PREVIOUS)}
    after = versions.with_moved_stage(before, stage, move_to=move_to, remove_from=remove_from)
    assert stages(after) == expected


@pytest.mark.parametrize(
    ("stage", "move_to", "remove_from", "reason"),
    [
        (CURRENT, TWO, None, f"RemoveFromVersionId can't be empty. .* version {ONE}"),
        (CURRENT, TWO, THREE, f"must be the version that currently has it: {ONE}"),
        (CURRENT, None, ONE, "can only move staging label AWSCURRENT to a different"),
        (PENDING, ONE, None, "RemoveFromVersionId can't be empty"),
        (PENDING, None, ONE, f"AWSPENDING isn't attached to version {ONE}"),
        ("custom", ONE, TWO, "must be the version that currently has it: None"),
        (PENDING, None, None, "MoveToVersionId, RemoveFromVersionId or both"),
    ],
)
def test_a_move_that_does_not_fit_the_labels_is_refused(
    stage: str, move_to: str | None, remove_from: str | None, reason: str
) -> None:
    before = {ONE: version(CURRENT), TWO: version(PENDING), THREE: version(PREVIOUS)}
    with pytest.raises(ApiError, match=reason) as error:
        versions.with_moved_stage(before, stage, move_to=move_to, remove_from=remove_from)
    assert code(error) == "InvalidParameterException"


def test_a_version_that_does_not_exist_gets_no_label() -> None:
    with pytest.raises(ApiError, match="can't find the specified secret version") as error:
        versions.with_moved_stage({ONE: version()}, "custom", move_to=TWO, remove_from=None)
    assert code(error) == "ResourceNotFoundException"


def test_an_empty_version_can_not_become_current() -> None:
    before = {ONE: version(CURRENT), TWO: version(PENDING, value=None)}
    with pytest.raises(ApiError, match="which has no value"):
        versions.with_moved_stage(before, CURRENT, move_to=TWO, remove_from=ONE)


def test_a_pending_version_is_unfinished_unless_it_is_current() -> None:
    assert versions.unfinished({ONE: version(CURRENT), TWO: version(PENDING)}) == TWO
    assert versions.unfinished({ONE: version(CURRENT, PENDING)}) is None
    assert versions.unfinished({ONE: version(CURRENT)}) is None
    assert versions.unfinished({}) is None


def test_values_are_in_no_representation() -> None:
    assert "secret" not in repr(version(value="secret"))
