"""How many clients one rotation function can serve. Pure."""

from collections.abc import Mapping
from typing import Final

from components.names import SUFFIX_LENGTH, ResourceNames
from components.rotation import Rotation, retire_event

# Source: events TargetInput.
LONGEST_INPUT: Final = 8192
"""The longest input of a schedule, in characters.

It is the only limit that clients reach. The role's inline policies take less for each client, and
IAM allows more.
"""

# An ARN's parts that aren't configured, each at its greatest length.
_REGION: Final = "ap-southeast-1"
_ACCOUNT: Final = "0" * 12
_SUFFIX: Final = "0" * SUFFIX_LENGTH
# Source: CreateSecret in the API reference: Secrets Manager appends six characters to the name.
_ARN_SUFFIX: Final = "0" * 6


def secret_arn(names: ResourceNames, client: str) -> str:
    """Return an ARN that is as long as that of a client's secret can be."""
    name = f"{names.secret(client)}-{_SUFFIX}-{_ARN_SUFFIX}"
    return f"arn:aws:secretsmanager:{_REGION}:{_ACCOUNT}:secret:{name}"


def input_length(names: ResourceNames, clients: Mapping[str, Rotation]) -> int:
    """Return how long the schedule's input can be, in characters."""
    overlaps = {secret_arn(names, name): each.overlap_hours for name, each in clients.items()}
    return len(retire_event(overlaps))


def served(names: ResourceNames, clients: Mapping[str, Rotation]) -> int:
    """Return how many of the clients, in their order, one rotation function can serve."""
    count = len(clients)
    while count and input_length(names, dict(list(clients.items())[:count])) > LONGEST_INPUT:
        count -= 1
    return count
