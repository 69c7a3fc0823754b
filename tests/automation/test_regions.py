"""The region of a stack, and one that isn't its own."""

from typing import Any

import pytest

from automation.regions import (
    NOT_ENABLED,
    RegionSetting,
    choose_region,
    find_region_remedies,
    region_in_outputs,
    region_in_state,
    region_problem,
)

POOL = "aws:cognito/userPool:UserPool"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf"


def _setting(region: str, name: str = "aws:region") -> RegionSetting:
    return RegionSetting(name=name, region=region)


@pytest.mark.parametrize(
    ("configuration", "environment", "expected"),
    [
        (
            {"aws:region": "eu-west-1"},
            {"AWS_REGION": "us-east-1"},
            _setting("eu-west-1"),
        ),
        (
            {},
            {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-2"},
            _setting("us-east-1", "AWS_REGION"),
        ),
        (
            {},
            {"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-2"},
            _setting("us-east-2", "AWS_DEFAULT_REGION"),
        ),
        ({}, {}, None),
    ],
)
def test_the_region_is_found_as_the_provider_finds_it(
    configuration: dict[str, str], environment: dict[str, str], expected: RegionSetting | None
) -> None:
    assert RegionSetting.find(configuration, environment) == expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (None, None),
        ([{"type": POOL}], None),
        # The edge's resources are in another region.
        (
            [
                {
                    "type": "aws:wafv2/webAcl:WebAcl",
                    "outputs": {"arn": "arn:aws:wafv2:us-east-1:1:x"},
                },
                {"type": POOL, "outputs": {"arn": "arn:aws:cognito-idp:eu-west-1:1:userpool/x"}},
            ],
            "eu-west-1",
        ),
    ],
)
def test_the_region_of_a_state(
    resources: list[dict[str, Any]] | None, expected: str | None
) -> None:
    assert region_in_state({"resources": resources}) == expected


def test_the_region_of_outputs() -> None:
    assert region_in_outputs({"clients": {"reader": {"secretArn": SECRET}}}) == "eu-west-1"
    assert region_in_outputs({}) is None


@pytest.mark.parametrize("setting", [None, _setting("eu-west-1")])
def test_the_stacks_own_region_is_no_problem(setting: RegionSetting | None) -> None:
    assert region_problem(setting, "eu-west-1", "dev") is None


def test_a_stack_that_is_not_deployed_can_have_any_region() -> None:
    assert region_problem(_setting("eu-west-1"), None, "dev") is None


@pytest.mark.parametrize("name", ["aws:region", "AWS_REGION"])
def test_another_region_is_named_with_where_it_is_set_and_what_fixes_it(name: str) -> None:
    problem = region_problem(_setting("eu-west-1", name), "us-east-1", "dev")
    assert problem is not None
    assert f"is deployed in us-east-1, and {name} is eu-west-1." in problem
    assert "pulumi config set --stack dev aws:region us-east-1" in problem


@pytest.mark.parametrize(
    "error",
    [
        "InvalidSignatureException: Credential should be scoped to a valid region, not 'x'.",
        "dial tcp: lookup sts.eu-west-9.amazonaws.com on 10.0.0.2:53: no such host",
        "dial tcp: lookup sts.eu-west-9.amazonaws.com: no such host",
        "invalid AWS Region: eu-west-9",
        "missing region information",
        "CreateRole: Provided region_name 'x y' doesn't match a supported format.",
    ],
)
def test_an_error_of_a_wrong_region_has_the_command_that_sets_one(error: str) -> None:
    assert list(find_region_remedies(error, "dev")) == [choose_region("dev")]
    assert "pulumi config set --stack dev aws:region" in choose_region("dev")


def test_refused_credentials_may_be_those_of_a_region_that_is_not_enabled() -> None:
    error = "UnrecognizedClientException: The security token included in the request is invalid."
    assert list(find_region_remedies(error, "dev")) == [NOT_ENABLED]


def test_other_errors_have_nothing_to_do_with_the_region() -> None:
    other = "dial tcp: lookup registry-1.docker.io: no such host"
    assert list(find_region_remedies(other, "dev")) == []
