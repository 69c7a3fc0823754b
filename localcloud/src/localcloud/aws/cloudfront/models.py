"""The state of CloudFront.

The API's thread writes it, and the thread of the distributions' ports reads it: values are replaced
as a whole.
"""

import datetime as dt
import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from localcloud.aws.cloudfront.configuration import Routing

_ID_CHARACTERS: Final = string.ascii_uppercase + string.digits
_ID_LENGTH: Final = 13
_Content = TypeVar("_Content")


@dataclass(frozen=True, kw_only=True)
class Rollout(Generic[_Content]):
    """A content on its way to the edge locations.

    Attributes:
        before: what they use until then; None if nothing.
        content: what they use from then on.
        complete: when, in seconds since the epoch.
    """

    before: _Content | None
    content: _Content
    complete: float

    def active(self, now: float) -> _Content | None:
        """Return what the edge locations use."""
        return self.content if now >= self.complete else self.before

    def followed_by(self, content: _Content, *, now: float, complete: float) -> "Rollout[_Content]":
        """Return the rollout of another content, which replaces what is active now."""
        return Rollout(before=self.active(now), content=content, complete=complete)


@dataclass(kw_only=True)
class Distribution:
    """A distribution.

    Attributes:
        config: the DistributionConfig, complete.
        requested: the DistributionConfig as it was sent.
        routing: what the edge locations have of it.
    """

    id: str
    arn: str
    domain_name: str
    config: dict[str, Any]
    requested: dict[str, Any]
    routing: Rollout[Routing]
    modified: dt.datetime
    etag: str = field(default_factory=lambda: new_id("E"))
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def functions(self) -> frozenset[str]:
        """The ARNs of its functions."""
        function = self.routing.content.function_arn
        return frozenset() if function is None else frozenset({function})


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A function in one of its stages."""

    code: str = field(repr=False)
    comment: str
    runtime: str
    modified: dt.datetime
    etag: str = field(default_factory=lambda: new_id("E"))


@dataclass(kw_only=True)
class Function:
    """A function.

    Attributes:
        development: what was created or updated last.
        live: what was published last; None if nothing was.
        published: the ETag of the development stage at that time.
        code: what the edge locations have of the code; None if nothing was published.
    """

    name: str
    arn: str
    development: Stage
    created: dt.datetime
    live: Stage | None = None
    published: str = ""
    code: Rollout[str] | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class VpcOrigin:
    """A load balancer in a VPC that distributions reach.

    Attributes:
        config: the VpcOriginEndpointConfig.
        complete: when it is deployed, in seconds since the epoch.
    """

    id: str
    arn: str
    config: dict[str, Any]
    created: dt.datetime
    modified: dt.datetime
    complete: float
    etag: str = field(default_factory=lambda: new_id("E"))
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class State:
    """The account's distributions by id, functions by name, and VPC origins by id."""

    distributions: dict[str, Distribution] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    vpc_origins: dict[str, VpcOrigin] = field(default_factory=dict)

    def function_code(self, arn: str, now: float) -> str | None:
        """Return the code that the edge locations have of a function; None if nothing."""
        function = self.functions.get(arn.rpartition("/")[2])
        return function.code.active(now) if function and function.code else None

    def distributions_with_function(self, arn: str) -> list[Distribution]:
        """Return the distributions that a function is associated with."""
        return [each for each in self.distributions.values() if arn in each.functions]

    def distributions_with_web_acl(self, arn: str) -> list[Distribution]:
        """Return the distributions that a web ACL protects."""
        return [
            each for each in self.distributions.values() if each.routing.content.web_acl_arn == arn
        ]

    def distributions_with_vpc_origin(self, name: str) -> list[Distribution]:
        """Return the distributions that have a VPC origin, in use or not."""
        return [
            each
            for each in self.distributions.values()
            if name in (origin.vpc_origin for origin in each.routing.content.origins)
        ]

    def tagged(self) -> Iterator[Distribution | Function | VpcOrigin]:
        """Return everything that can have tags."""
        yield from self.distributions.values()
        yield from self.functions.values()
        yield from self.vpc_origins.values()


def new_id(prefix: str) -> str:
    """Return a new id as CloudFront makes them."""
    return prefix + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(_ID_LENGTH))
