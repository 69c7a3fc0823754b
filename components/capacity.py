"""How many clients one rotation function can serve. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from components import policies
from components.names import SUFFIX_LENGTH, ResourceNames
from components.rotation import Rotation, retire_event

# The longest of the regions with App Runner, and the parts of an ARN that AWS chooses.
_REGION: Final = "ap-southeast-1"
_ACCOUNT: Final = "0" * 12
_SUFFIX: Final = "0" * SUFFIX_LENGTH
# Source: "ARN" in CreateSecret's reference: Secrets Manager appends six characters to the name.
_ARN_SUFFIX: Final = "0" * 6
# Source: cognito-idp UserPoolIdType.
_POOL_ID_LENGTH: Final = 55


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What AWS limits.

    Attributes:
        what: what is too long, after "makes".
        longest: the longest, in characters.
        length: computes the length for the clients of a stack.
    """

    what: str
    longest: int
    length: Callable[[ResourceNames, Mapping[str, Rotation]], int]


def _event_length(names: ResourceNames, clients: Mapping[str, Rotation]) -> int:
    overlaps = {_secret_arn(names, name): each.overlap_hours for name, each in clients.items()}
    return len(retire_event(overlaps))


def _policies_length(names: ResourceNames, clients: Mapping[str, Rotation]) -> int:
    pool = f"arn:aws:cognito-idp:{_REGION}:{_ACCOUNT}:userpool/{'0' * _POOL_ID_LENGTH}"
    log_group = f"arn:aws:logs:{_REGION}:{_ACCOUNT}:log-group:{names.rotation_log_stem}{_SUFFIX}"
    documents = (
        policies.rotate_client_secrets([_secret_arn(names, name) for name in clients], pool),
        policies.write_logs(log_group),
    )
    # IAM doesn't count white space.
    return sum(len(re.sub(r"\s", "", document)) for document in documents)


def _secret_arn(names: ResourceNames, client: str) -> str:
    name = f"{names.secret(client)}-{_SUFFIX}-{_ARN_SUFFIX}"
    return f"arn:aws:secretsmanager:{_REGION}:{_ACCOUNT}:secret:{name}"


LIMITS: Final[tuple[Limit, ...]] = (
    Limit(
        # Source: events TargetInput.
        what="the input of the rotation function's schedule",
        longest=8192,
        length=_event_length,
    ),
    Limit(
        # Source: "IAM and AWS STS quotas" in the IAM User Guide: all inline policies of a role.
        what="the inline policies of the rotation function's role",
        longest=10_240,
        length=_policies_length,
    ),
)


def served(names: ResourceNames, clients: Mapping[str, Rotation]) -> int:
    """Return how many of the clients, in their order, one rotation function can serve."""
    count = len(clients)
    while count and problem(names, dict(list(clients.items())[:count])):
        count -= 1
    return count


def problem(names: ResourceNames, clients: Mapping[str, Rotation]) -> str | None:
    """Return what is too long for AWS, as the end of a sentence; None if nothing is."""
    for limit in LIMITS:
        length = limit.length(names, clients)
        if length > limit.longest:
            return (
                f"makes {limit.what} up to {length} characters long; "
                f"AWS accepts at most {limit.longest}"
            )
    return None
