import json
from typing import Any

import pytest

from components import policies

ARN = "arn:aws:x:us-east-1:123456789012:thing/one"


def statements(document: str) -> list[dict[str, Any]]:
    parsed = json.loads(document)
    assert parsed["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = parsed["Statement"]
    return found


def test_images_are_pulled_from_one_repository() -> None:
    pull, login = statements(policies.pull_images(ARN))

    assert pull["Resource"] == ARN
    assert "ecr:BatchGetImage" in pull["Action"]
    assert "ecr:GetDownloadUrlForLayer" in pull["Action"]
    assert login["Action"] == ["ecr:GetAuthorizationToken"]


def test_logs_are_written_to_one_group() -> None:
    (write,) = statements(policies.write_logs(ARN))

    assert write["Resource"] == f"{ARN}:*"
    assert write["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]


@pytest.mark.parametrize(
    "document",
    [policies.pull_images(ARN), policies.write_logs(ARN), policies.write_traces()],
)
def test_policies_name_their_resources_wherever_aws_allows_it(document: str) -> None:
    for statement in statements(document):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"])
        if statement["Resource"] == "*":
            assert set(statement["Action"]) <= policies.ACTIONS_WITHOUT_RESOURCE


@pytest.mark.parametrize("service", [policies.LAMBDA, policies.APP_RUNNER_TASKS])
def test_a_role_can_be_assumed_by_one_service(service: str) -> None:
    assert statements(policies.trust(service)) == [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    ]
