"""A service of the endpoint that isn't ministack's."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Scope

from localcloud.aws import control
from localcloud.aws.periodic import Work

_SIGNED_SERVICE: Final = re.compile(r"Credential=[^/,]+/\d{8}/[^/,]+/([^/,]+)/aws4_request")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """What a request says about its service.

    Attributes:
        scope: the request.
        target: the prefix of its target; empty without one.
        signed: the service in its signature, which the gate has verified; empty without one.
    """

    scope: Scope
    target: str
    signed: str

    @classmethod
    def of(cls, scope: Scope) -> "Destination":
        """Read a request's headers."""
        headers = Request(scope).headers
        prefix, dot, _ = headers.get("x-amz-target", "").partition(".")
        signed = _SIGNED_SERVICE.search(headers.get("authorization", ""))
        return cls(scope=scope, target=prefix if dot else "", signed=signed[1] if signed else "")


Condition = Callable[[Destination], bool]


def _nothing() -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class OwnService:
    """A service that the stand-in answers, or a part of one.

    Attributes:
        name: its name in signatures.
        application: answers its requests.
        handles: whether a request is one of them.
        start: starts what it runs on, before the first request.
        stop: ends that.
        periodic: work that it does by itself.
        operations: the stand-in's own operations that concern it.
    """

    name: str
    application: ASGIApp
    handles: Condition
    start: Callable[[], None] = _nothing
    stop: Callable[[], None] = _nothing
    periodic: Sequence[Work] = ()
    operations: Mapping[str, control.Operation] = field(default_factory=dict)


def has_target(prefix: str) -> Condition:
    """Return the condition that a request's target begins with a service's prefix."""
    return lambda request: request.target == prefix


def is_signed_for(service: str) -> Condition:
    """Return the condition that a request is signed for a service; for APIs without targets."""
    return lambda request: request.signed == service


def without_target(handles: Callable[[Scope], bool]) -> Condition:
    """Return the condition that a request has no target, and that its scope satisfies another."""
    return lambda request: not request.target and handles(request.scope)
