"""What fixes an error of AWS that a deployment ran into."""

import pytest

from automation.remedies import find_remedies

CLOSED = (
    "server-service: creating App Runner Service (neo4j-mcp-dev): operation error AppRunner:"
    " CreateService, AccessDeniedException: AWS App Runner is in maintenance mode and is no longer"
    " available to new customers as of April 30, 2026."
)
NOT_SUBSCRIBED = (
    "server-scaling: operation error AppRunner: CreateAutoScalingConfiguration,"
    " SubscriptionRequiredException: The AWS Access Key Id needs a subscription"
)
NO_CONCURRENCY = (
    "server-function: setting Lambda Function (neo4j-mcp-dev-function) concurrency:"
    " InvalidParameterValueException: Specified ReservedConcurrentExecutions for function"
    " decreases account's UnreservedConcurrentExecution below its minimum value of [10]."
)
NOT_AUTHORIZED = (
    "server-service: AppRunner: CreateService, AccessDeniedException: User: arn is not authorized"
    " to perform: apprunner:CreateService"
)


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (
            CLOSED,
            "hosting lambda",
        ),
        (
            NOT_SUBSCRIBED,
            "hosting lambda",
        ),
        (
            NO_CONCURRENCY,
            "maxInstances 0",
        ),
    ],
)
def test_an_account_that_lacks_something_is_shown_the_setting(error: str, fix: str) -> None:
    (remedy,) = find_remedies(error, "dev")

    assert f"pulumi config set --stack dev {fix}" in remedy


@pytest.mark.parametrize(
    "error",
    [
        NOT_AUTHORIZED,
        "edge: CloudFront: CreateDistribution: not available to new customers",
        "server-service: the service is CREATE_FAILED",
    ],
)
def test_other_errors_are_shown_as_they_are(error: str) -> None:
    assert list(find_remedies(error, "dev")) == []
