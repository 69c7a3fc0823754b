"""Finds the region of a stack, what is wrong with the one that is set, and what fixes it. Pure.

A resource can't move to another region. With another one, Pulumi would replace every resource, and
the other commands would look for the stack where it isn't.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from components.configuration import REGION_VARIABLES

_KEY: Final = "aws:region"
_USER_POOL: Final = "aws:cognito/userPool:UserPool"
"""A resource that every stack has, in the stack's region."""

# What AWS, Go's resolver, Pulumi's provider and botocore say.
_NO_SUCH_REGION: Final = re.compile(
    r"Credential should be scoped to a valid region"
    r"|lookup \S+\.amazonaws\.com\S*( on \S+)?:? no such host"
    r"|Invalid AWS Region|missing region information|region is required"
    r"|doesn't match a supported format",
    re.IGNORECASE,
)
_UNKNOWN_TOKEN: Final = re.compile(r"The security token included in the request is invalid")

NOT_ENABLED: Final = (
    "If they are valid elsewhere: AWS refuses all credentials in a region that the account hasn't"
    " enabled (aws account list-regions --region-opt-status-contains DISABLED)"
)
"""Why else AWS refuses credentials. Source: "Managing AWS STS in an AWS Region" in the IAM User
Guide, and reports such as aws/aws-sdk-ruby#2850."""


@dataclass(frozen=True, kw_only=True)
class RegionSetting:
    """The region that is set.

    Attributes:
        name: the configuration key or the environment variable that sets it.
    """

    name: str
    region: str

    @classmethod
    def find(cls, configuration: Mapping[str, str], environment: Mapping[str, str]) -> Self | None:
        """Find the region as Pulumi's provider does; None if at most a profile sets one.

        Args:
            configuration: the stack's configuration, by key with its namespace.
            environment: the engine's environment variables.
        """
        if region := configuration.get(_KEY):
            return cls(name=_KEY, region=region)
        found = (cls(name=name, region=environment.get(name, "")) for name in REGION_VARIABLES)
        return next((each for each in found if each.region), None)


def region_in_state(state: Mapping[str, Any]) -> str | None:
    """Return the region of the stack with a state; None if it isn't deployed."""
    arns = (
        each.get("outputs", {}).get("arn", "")
        for each in state.get("resources") or ()
        if each["type"] == _USER_POOL
    )
    return next((_region(arn) for arn in arns if arn), None)


def region_in_outputs(outputs: Mapping[str, Any]) -> str | None:
    """Return the region of the stack with these outputs; None if it isn't deployed."""
    clients: Mapping[str, Mapping[str, Any]] = outputs.get("clients") or {}
    return next((_region(each["secretArn"]) for each in clients.values()), None)


def region_problem(setting: RegionSetting | None, deployed: str | None, stack: str) -> str | None:
    """Describe a region that isn't the stack's, and what fixes it; None if there is no problem.

    Args:
        deployed: the region that the stack is deployed in.
    """
    if setting is None or deployed is None or setting.region == deployed:
        return None
    return (
        f"The stack {stack} is deployed in {deployed}, and {setting.name} is {setting.region}.\n"
        f"To use the stack, run: {_command(deployed, stack)}\n"
        f"To deploy in {setting.region}, create another stack: docs/procedures.md#move-region"
    )


def find_region_remedies(error: str, stack: str) -> Iterator[str]:
    """Find what fixes an error that a wrong region causes, as AWS or the engine reports it."""
    if _NO_SUCH_REGION.search(error):
        yield choose_region(stack)
    if _UNKNOWN_TOKEN.search(error):
        yield NOT_ENABLED


def is_about_region(error: str) -> bool:
    """Return whether an error of AWS or botocore says that the region is wrong."""
    return bool(_NO_SUCH_REGION.search(error))


def choose_region(stack: str = "") -> str:
    """Say how to choose a region.

    Args:
        stack: the stack's name; empty if it isn't known.
    """
    return (
        "aws:region, or without it AWS_REGION, must be a region that the account has enabled (aws"
        f" ec2 describe-regions). To set it, run: {_command('us-east-1', stack)}"
    )


def _command(region: str, stack: str) -> str:
    option = f" --stack {stack}" if stack else ""
    return f"pulumi config set{option} {_KEY} {region}"


def _region(arn: str) -> str:
    return arn.split(":")[3]
