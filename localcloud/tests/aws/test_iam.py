from typing import Any

import pytest

from localcloud.aws.iam.rules import Decision, allows, decide, trusts

_REPOSITORY = "arn:aws:ecr:us-east-1:000000000000:repository/server"
_CONTEXT = {
    "aws:SourceAccount": "000000000000",
    "aws:SourceArn": "arn:aws:apprunner:us-east-1:0:service/x",
}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - one or many
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], False),
        ([document(allow("ecr:BatchGetImage", _REPOSITORY))], True),
        ([document(allow("ECR:batchgetimage", _REPOSITORY))], True),
        ([document(allow(["ecr:Get*", "ecr:Batch*"], ["*"]))], True),
        ([document(allow("ecr:BatchGetImage", _REPOSITORY.upper()))], False),
        ([document(allow("ecr:BatchGetImage", f"{_REPOSITORY}-other"))], False),
        ([document(allow("ecr:BatchGetImag?", "arn:aws:ecr:*"))], True),
        ([document(allow("ecr:Batch[G]etImage", "*"))], False),
        ([{"Statement": allow("*", "*")}], True),
        (
            [
                document(allow("*", "*")),
                document({"Effect": "Deny", "Action": "ecr:*", "Resource": _REPOSITORY}),
            ],
            False,
        ),
        ([document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})], True),
        ([document({"Effect": "Allow", "NotAction": "ecr:*", "Resource": "*"})], False),
        ([document({"Effect": "Allow", "Action": "*", "NotResource": _REPOSITORY})], False),
        (
            [
                document(
                    allow("*", "*", Condition={"StringEquals": {"aws:SourceAccount": "0" * 12}})
                )
            ],
            True,
        ),
        (
            [document(allow("*", "*", Condition={"StringEquals": {"aws:SourceAccount": "1"}}))],
            False,
        ),
        (
            [
                document(
                    allow(
                        "*",
                        "*",
                        Condition={"ArnLike": {"aws:SourceArn": "arn:aws:apprunner:*:*:service/*"}},
                    )
                )
            ],
            True,
        ),
        (
            # A wildcard matches within one part of an ARN.
            [
                document(
                    allow("*", "*", Condition={"ArnLike": {"aws:SourceArn": "arn:aws:*:service/x"}})
                )
            ],
            False,
        ),
        (
            [document(allow("*", "*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))],
            False,
        ),
        (
            [
                document(allow("*", "*")),
                document(
                    {
                        "Effect": "Deny",
                        "Action": "*",
                        "Resource": "*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ),
            ],
            False,
        ),
    ],
)
def test_policies_allow_or_deny_an_action(documents: list[dict[str, Any]], expected: bool) -> None:
    assert allows(documents, "ecr:BatchGetImage", _REPOSITORY, _CONTEXT) is expected


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], Decision.IMPLICIT_DENY),
        ([allow("ecr:*", "*")], Decision.ALLOWED),
        (
            [allow("ecr:*", "*"), {"Effect": "Deny", "Action": "ecr:*", "Resource": "*"}],
            Decision.EXPLICIT_DENY,
        ),
    ],
)
def test_a_decision_is_in_the_simulators_words(
    statements: list[dict[str, Any]], expected: Decision
) -> None:
    assert decide([document(*statements)], "ecr:BatchGetImage", _REPOSITORY, {}) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["A"], True), (["A", "AAAA"], True), (["A", "TXT"], False), ("TXT", False), (None, True)],
)
def test_every_value_of_a_key_is_one_of_those_that_are_allowed(
    values: str | list[str] | None, *, expected: bool
) -> None:
    key = "route53:ChangeResourceRecordSetsRecordTypes"
    condition = {"ForAllValues:StringEquals": {key: ["A", "AAAA"]}}
    context = {} if values is None else {key: values}
    policy = document(allow("*", "*", Condition=condition))
    assert allows([policy], "route53:ChangeResourceRecordSets", "*", context) is expected


@pytest.mark.parametrize(
    ("context", "expected"),
    [({}, True), ({"aws:ResourceTag/Stack": "dev"}, True), ({"aws:ResourceTag/Stack": "x"}, False)],
)
def test_a_key_that_a_request_may_lack_is_compared_if_it_has_it(
    context: dict[str, str], *, expected: bool
) -> None:
    condition = {"StringEqualsIfExists": {"aws:ResourceTag/Stack": "dev"}}
    policy = document(allow("*", "*", Condition=condition))
    assert allows([policy], "ecr:TagResource", _REPOSITORY, context) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"ArnLike": {"lambda:SourceFunctionArn": "*"}}, Decision.ALLOWED),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, Decision.EXPLICIT_DENY),
    ],
)
def test_a_complete_request_meets_no_condition_on_a_key_that_it_lacks(
    condition: dict[str, Any], expected: Decision
) -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    policy = document(allow("*", "*"), deny)
    assert decide([policy], "ecr:PutImage", _REPOSITORY, {}, complete=True) is expected
    assert decide([policy], "ecr:PutImage", _REPOSITORY, {}) is Decision.EXPLICIT_DENY


def test_several_values_meet_no_condition_on_one() -> None:
    policy = document(allow("*", "*", Condition={"StringLike": {"aws:TagKeys": "*"}}))
    assert not allows([policy], "ecr:TagResource", _REPOSITORY, {"aws:TagKeys": ["a", "b"]})


@pytest.mark.parametrize(
    ("principal", "action", "expected"),
    [
        ({"Service": "build.apprunner.amazonaws.com"}, "sts:AssumeRole", True),
        ({"Service": ["x", "build.apprunner.amazonaws.com"]}, ["sts:AssumeRole"], True),
        ({"Service": "tasks.apprunner.amazonaws.com"}, "sts:AssumeRole", False),
        ({"AWS": "arn:aws:iam::000000000000:root"}, "sts:AssumeRole", False),
        ({"Service": "build.apprunner.amazonaws.com"}, "sts:TagSession", False),
        ("*", "sts:*", True),
    ],
)
def test_a_trust_policy_names_the_service(
    principal: object, action: object, expected: bool
) -> None:
    policy = document({"Effect": "Allow", "Principal": principal, "Action": action})
    assert trusts(policy, "build.apprunner.amazonaws.com", _CONTEXT) is expected
