from typing import Any

import pytest

from localcloud.aws.iam.rules import allows, trusts

_REPOSITORY = "arn:aws:ecr:us-east-1:000000000000:repository/server"
_CONTEXT = {"aws:SourceAccount": "000000000000", "aws:SourceArn": "arn:aws:apprunner:x"}


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
                    allow("*", "*", Condition={"ArnLike": {"aws:SourceArn": "arn:aws:apprunner:*"}})
                )
            ],
            True,
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
