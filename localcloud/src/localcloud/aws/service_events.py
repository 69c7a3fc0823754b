"""Events that services of AWS send to EventBridge when the state of a resource changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ServiceEvent:
    """An event of a service, without what EventBridge adds.

    Attributes:
        source: the service, such as aws.ecs.
        detail_type: what kind of event it is.
        resources: the ARNs of the resources.
        detail: what happened, as JSON.
        at: when, in seconds since the epoch.
    """

    source: str
    detail_type: str
    resources: tuple[str, ...]
    detail: Mapping[str, Any]
    at: float


SendEvent = Callable[[ServiceEvent], None]
"""Hands an event to EventBridge; safe to call from any thread."""
