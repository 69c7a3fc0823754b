"""What CloudFront's parts need of each other and of the other services."""

from collections.abc import Callable

from localcloud.aws.account import Account
from localcloud.aws.cloudfront.configuration import Routing
from localcloud.aws.cloudfront.models import State
from localcloud.aws.wafv2.models import WebAcls
from localcloud.aws.wafv2.rates import Block

InternalAddress = Callable[[str, int], tuple[str, int] | None]
"""Return the host and port that reach a port of an internal load balancer, by its ARN."""


class CloudFrontAccount:
    """An account as CloudFront sees it; used by several threads."""

    def __init__(
        self,
        state: State,
        web_acls: WebAcls,
        account: Account,
        internal_address: InternalAddress,
        clock: Callable[[], float],
    ) -> None:
        """Look everything up when it is needed."""
        self._state = state
        self._web_acls = web_acls
        self._account = account
        self._clock = clock
        self._internal_address = internal_address

    def routing(self, distribution: str) -> Routing | None:
        """Return what the edge locations have of a distribution; None if nothing yet."""
        found = self._state.distributions.get(distribution)
        return None if found is None else found.routing.active(self._clock())

    def function_code(self, arn: str) -> str | None:
        """Return what the edge locations have of a function; None if nothing yet."""
        return self._state.function_code(arn, self._clock())

    def origin_address(self, vpc_origin: str) -> tuple[str, int] | None:
        """Return the host and port that reach a VPC origin; None if nothing does."""
        found = self._state.vpc_origins.get(vpc_origin)
        if found is None or self._clock() < found.complete:
            return None
        return self._internal_address(found.config["Arn"], found.config["HTTPPort"])

    async def has_load_balancer(self, arn: str) -> bool:
        """Return whether a load balancer exists and is active."""
        return await self._account.has_load_balancer(arn)

    def block(self, web_acl: str, viewer: str) -> Block | None:
        """Count a request, and return how a web ACL blocks it; None if it doesn't."""
        return self._web_acls.block(web_acl, viewer)

    def has_web_acl(self, arn: str) -> bool:
        """Return whether a web ACL for CloudFront exists."""
        return self._web_acls.find(arn) is not None

    async def certificate_names(self, arn: str) -> tuple[str, ...] | None:
        """Return the names of a certificate in ACM; None if there is none that is issued."""
        return await self._account.certificate_names(arn)
