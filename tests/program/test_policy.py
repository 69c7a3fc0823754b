"""What the program deploys follows the policy that `automation deploy` applies to it."""

from collections.abc import Mapping

import pytest

from automation.deployment import Step
from automation.policy import violations
from tests.program.conftest import ON_FARGATE, ON_LAMBDA, Deploy

MONITORING = {"neo4j-mcp:monitoring": '{"enabled": true}'}


@pytest.mark.parametrize(
    "host", [{}, ON_FARGATE, ON_LAMBDA], ids=["apprunner", "fargate", "lambda"]
)
@pytest.mark.parametrize("monitoring", [{}, MONITORING], ids=["without", "with monitoring"])
def test_a_new_stack_follows_the_policy(
    deploy: Deploy, host: Mapping[str, str], monitoring: Mapping[str, str]
) -> None:
    registered = deploy("dev", {**host, **monitoring}).registrations

    assert (
        violations(
            [
                Step(urn=each.urn, type=each.type, operation="create", inputs=each.inputs)
                for each in registered
            ]
        )
        == ()
    )
