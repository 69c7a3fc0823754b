"""The state of WAF. The API's thread writes it, and that of the distributions' ports reads it."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from localcloud.aws.wafv2.rates import Block, RateLimits


@dataclass(kw_only=True)
class WebAcl:
    """A web ACL.

    Attributes:
        content: the members of the API that can be set and that it returns.
        limits: its rate-based rules.
        default: how it blocks requests that no rule blocks; None if it lets them through.
    """

    id: str
    arn: str
    name: str
    content: dict[str, Any]
    capacity: int
    limits: RateLimits
    default: Block | None
    lock_token: str = field(default_factory=lambda: str(uuid.uuid4()))
    tags: dict[str, str] = field(default_factory=dict)


class WebAcls:
    """The account's web ACLs."""

    def __init__(self) -> None:
        """Start without web ACLs."""
        self._by_arn: dict[str, WebAcl] = {}

    def __iter__(self) -> Iterator[WebAcl]:
        """Iterate over them in the order of their creation."""
        return iter(list(self._by_arn.values()))

    def find(self, arn: str) -> WebAcl | None:
        """Return a web ACL; None if there is none."""
        return self._by_arn.get(arn)

    def put(self, web_acl: WebAcl) -> None:
        """Add a web ACL."""
        self._by_arn[web_acl.arn] = web_acl

    def remove(self, arn: str) -> None:
        """Remove a web ACL."""
        del self._by_arn[arn]

    def block(self, arn: str, address: str) -> Block | None:
        """Count a request, and return how a web ACL blocks it; None if it doesn't."""
        found = self._by_arn.get(arn)
        if found is None:
            return None
        return found.limits.block(address) or found.default
