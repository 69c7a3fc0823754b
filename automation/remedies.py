"""What fixes an error of AWS that a deployment ran into. Pure."""

import re
import shlex
from collections.abc import Iterator
from typing import Final

from components.hosting.apprunner.availability import CLOSED_SINCE, refuses_new_customers
from components.settings import Hosting

_APP_RUNNER: Final = re.compile(r"app ?runner", re.IGNORECASE)
# Lambda spells it without the last letter.
_CONCURRENCY: Final = re.compile(r"UnreservedConcurrentExecutions? below its minimum value")

_NEXT_HOST: Final = "While the stack moves to this host, the key is part of nextHost"


def find_remedies(error: str, stack: str) -> Iterator[str]:
    """Find what fixes an error, as AWS or the engine reports it."""
    if _APP_RUNNER.search(error) and refuses_new_customers(error):
        yield f"{another_host(stack)}. {_NEXT_HOST}"
    if _CONCURRENCY.search(error):
        yield f"{no_reservation(stack)}. {_NEXT_HOST}"


def another_host(stack: str, key: str = "hosting") -> str:
    """Say how to leave App Runner.

    Args:
        key: where it is chosen, as `pulumi config --path` spells it.
    """
    commands = " or ".join(
        config_command(stack, key, host) for host in Hosting if host is not Hosting.APP_RUNNER
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
        f" applies: {config_command(stack, 'maxInstances', '0')}"
    )


def config_command(stack: str, key: str, value: str) -> str:
    """Return the command that sets a key, as `pulumi config --path` spells it."""
    path = "--path " if {".", "["} & set(key) else ""
    return f"pulumi config set --stack {stack} {path}{shlex.quote(key)} {value}"
