"""App Runner's refusal of new customers: how to recognize it. Pure."""

import re
from typing import Final

CLOSED_SINCE: Final = "2026-04-30"
"""Source: "AWS App Runner availability change" in the AWS App Runner Developer Guide."""
# AWS documents no error for it. This is how services that were closed in the same way answer:
# AppRegistry ("is in maintenance mode and is no longer available to new customers",
# https://github.com/aws-solutions-library-samples/guidance-for-multi-provider-generative-ai-gateway-on-aws/pull/149),
# and CodeCommit ("there is no existing repository in this AWS account or AWS Organization",
# https://github.com/awslabs/sandbox-accounts-for-events/issues/62). The last two are AWS's codes
# for an account that isn't signed up for a service.
_REFUSALS: Final = re.compile(
    r"new customers?\b|no longer (available|open)|availability-change"
    r"|no existing service in this AWS account"
    r"|OptInRequired|SubscriptionRequired",
    re.IGNORECASE,
)


def refuses_new_customers(error: str) -> bool:
    """Return whether an error of App Runner's API means that it takes no new customers.

    Args:
        error: the error's code and message.
    """
    return _REFUSALS.search(error) is not None
