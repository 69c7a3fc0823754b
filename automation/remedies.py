"""What fixes an error of AWS that a deployment ran into. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from components.hosting.apprunner.availability import CLOSED_SINCE, refuses_new_customers
from components.settings import Hosting

_APP_RUNNER: Final = re.compile(r"app ?runner", re.IGNORECASE)
# Lambda spells it without the last letter.
_CONCURRENCY: Final = re.compile(r"UnreservedConcurrentExecutions? below its minimum value")


def find_remedies(error: str, stack: str) -> Iterator[str]:
    """Find what fixes an error, as AWS or the engine reports it."""
    if _APP_RUNNER.search(error) and refuses_new_customers(error):
        yield another_host(stack)
    if _CONCURRENCY.search(error):
        yield no_reservation(stack)


def another_host(stack: str) -> str:
    """Say how to leave App Runner."""
    commands = " or ".join(
        f"pulumi config set --stack {stack} hosting {host}"
        for host in Hosting
        if host is not Hosting.APP_RUNNER
    )
    return (
        f"AWS App Runner has taken no new customers since {CLOSED_SINCE}, and this account is one."
        f" Choose another host (docs/hosting.md compares them): {commands}"
    )


def no_reservation(stack: str) -> str:
    """Say how to deploy without reserving concurrency."""
    return (
        "maxInstances is reserved from the account's concurrency, of which Lambda keeps 100. Ask"
        " AWS for a higher quota, or reserve nothing, so that only the account's own limit"
        f" applies: pulumi config set --stack {stack} maxInstances 0"
    )
