"""Waits for AWS to finish an operation that it carries out by itself."""

import time
from collections.abc import Callable
from typing import Final

from botocore.exceptions import ClientError

LONGEST_OPERATION: Final = 1200.0
"""In seconds: the longest that Pulumi's provider waits for an operation of a host."""

_POLL_SECONDS: Final = 1.0
_NOT_FOUND: Final = frozenset(
    {
        "ClusterNotFoundException",
        "InvalidGroup.NotFound",
        "ListenerNotFound",
        "LoadBalancerNotFound",
        "ResourceNotFoundException",
        "ServiceNotFoundException",
        "TargetGroupNotFound",
    }
)

Sleep = Callable[[float], object]


def wait_while(is_busy: Callable[[], bool], sleep: Sleep = time.sleep) -> bool:
    """Wait while something is busy, for at most 20 minutes, and return whether it finished."""
    for _ in range(int(LONGEST_OPERATION / _POLL_SECONDS)):
        if not is_busy():
            return True
        sleep(_POLL_SECONDS)
    return False


def is_not_found(error: ClientError) -> bool:
    """Return whether AWS has no such resource."""
    return error.response["Error"]["Code"] in _NOT_FOUND
