import json
from typing import Any

import pytest

from tests.aws_actions import described, overlap, problems

_SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:x-*"


def _document(action: str, resource: str, **more: Any) -> str:  # noqa: ANN401 - parts of a statement
    statement = {"Effect": "Allow", "Action": [action], "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("arn:aws:x:*", "arn:aws:x:*:*:thing/*", True),
        ("arn:aws:x:us-east-1:1:thing/a-????", "arn:aws:x:*:*:thing/*", True),
        ("arn:aws:x:us-east-1:1:other/a", "arn:aws:x:*:*:thing/*", False),
        ("a*c", "abbc", True),
        ("a*c", "abbd", False),
        ("a?", "a", False),
        ("", "*", True),
        ("*", "", True),
        ("a", "", False),
        ("*a", "b*", True),
        ("?*", "*x", True),
    ],
)
def test_patterns_overlap_if_some_text_matches_both(
    one: str, other: str, *, expected: bool
) -> None:
    assert overlap(one, other) is overlap(other, one) is expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (_document("secretsmanager:GetSecretValue", _SECRET), []),
        (
            _document("secretsmanager:ReadSecret", _SECRET),
            ["secretsmanager:ReadSecret doesn't exist"],
        ),
        (
            _document("secretsmanager:GetSecretValue", "*"),
            ["secretsmanager:GetSecretValue can be limited to arn:*:secretsmanager:*:*:secret:*"],
        ),
        (
            _document("secretsmanager:GetSecretValue", "arn:aws:kms:us-east-1:1:key/x"),
            ["secretsmanager:GetSecretValue has no resource arn:aws:kms:us-east-1:1:key/x"],
        ),
        (
            _document("cognito-idp:CreateUserPool", "arn:aws:cognito-idp:x:1:userpool/*"),
            ["cognito-idp:CreateUserPool can't be limited to arn:aws:cognito-idp:x:1:userpool/*"],
        ),
        (_document("cognito-idp:CreateUserPool", "*"), []),
        (
            _document(
                "cognito-idp:CreateUserPool",
                "*",
                Condition={"StringEquals": {"aws:RequestTag/Stack": "dev"}},
            ),
            [],
        ),
        (
            _document(
                "secretsmanager:GetSecretValue",
                _SECRET,
                Condition={"StringEquals": {"secretsmanager:Color": "red"}},
            ),
            ["secretsmanager:GetSecretValue has no condition key secretsmanager:Color"],
        ),
    ],
)
def test_what_aws_would_ignore_or_refuse_is_found(document: str, expected: list[str]) -> None:
    assert list(problems(document)) == expected


def test_the_reference_says_what_an_action_acts_on() -> None:
    found = described("lambda:UpdateFunctionCode")
    assert found is not None
    assert found.resources == found.required == ("arn:*:lambda:*:*:function:*",)
