"""Callers are led to a new version of the same function, and back."""

import copy
from typing import Any

import pytest

from automation.hosting.host import RedeploymentError, aws_of
from automation.hosting.lambda_versions import SETTLING_SECONDS, live_version, published_again
from tests.automation.hosting.fake_lambda import NAME, FakeLambda


def _aws(fake: FakeLambda) -> Any:  # noqa: ANN401 - a fake
    return aws_of(lambda _service: fake)


def test_callers_reach_a_new_version_of_the_same_and_then_the_earlier_one() -> None:
    fake = FakeLambda()
    before = copy.deepcopy(fake.versions)

    with published_again(_aws(fake), NAME, fake.paused.append) as version:
        assert (version, fake.alias) == ("2", "2")
        assert fake.versions["2"]["CodeSha256"] == "hash"
        assert fake.paused == []

    assert fake.led_to == ["2", "1"]
    assert fake.paused == [SETTLING_SECONDS]
    assert fake.versions == before


def test_a_failure_meanwhile_leads_callers_back() -> None:
    fake = FakeLambda()
    before = copy.deepcopy(fake.versions)

    with (
        pytest.raises(ZeroDivisionError),
        published_again(_aws(fake), NAME, fake.paused.append),
    ):
        raise ZeroDivisionError

    assert (fake.alias, fake.versions) == ("1", before)


@pytest.mark.parametrize(
    ("alias", "environment"), [("", {"LEVEL": "info"}), ("1", {"LEVEL": "debug"})]
)
def test_what_callers_do_not_reach_is_not_published_again(
    alias: str, environment: dict[str, str]
) -> None:
    fake = FakeLambda(alias=alias)
    fake.versions["$LATEST"]["Environment"] = {"Variables": environment}

    with (
        pytest.raises(RedeploymentError, match="later version than callers reach"),
        published_again(_aws(fake), NAME),
    ):
        pass

    assert (fake.led_to, fake.next_version) == ([], 2)


def test_a_function_without_an_alias_has_no_live_version() -> None:
    assert live_version(_aws(FakeLambda(alias="")), NAME) == ""
    assert live_version(_aws(FakeLambda()), NAME) == "1"
