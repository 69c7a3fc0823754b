"""CloudFront and WAF of the endpoint, put together."""

from collections.abc import Mapping

from starlette.types import ASGIApp

from localcloud.aws.account import Account
from localcloud.aws.cloudfront.account import CloudFrontAccount, InternalAddress
from localcloud.aws.cloudfront.app import CloudFrontApp
from localcloud.aws.cloudfront.models import State
from localcloud.aws.cloudfront.operations import CloudFront
from localcloud.aws.cloudfront.thread import EdgeSettings, EdgeThread
from localcloud.aws.context import ServiceContext
from localcloud.aws.wafv2.app import waf_app
from localcloud.aws.wafv2.models import WebAcls
from localcloud.aws.wafv2.operations import Waf


class Edge:
    """CloudFront, and the web ACLs in front of it.

    Attributes:
        applications: the services' APIs, by their names in signatures.
    """

    applications: Mapping[str, ASGIApp]

    def __init__(
        self,
        settings: EdgeSettings,
        account: Account,
        context: ServiceContext,
        *,
        deployment_seconds: float,
        rate_period: float,
        internal_address: InternalAddress = lambda _arn, _port: None,
    ) -> None:
        """Put the parts together, without starting them.

        Args:
            settings: what the ports of distributions need.
            account: the account's other services.
            context: where and when the services run.
            deployment_seconds: how long a change takes to reach the edge locations.
            rate_period: seconds between two looks at the rates of requests.
            internal_address: finds internal load balancers.
        """
        state, web_acls = State(), WebAcls()
        seen = CloudFrontAccount(state, web_acls, account, internal_address, context.clock)
        self._thread = EdgeThread(settings, seen)
        cloudfront = CloudFront(
            state, self._thread, seen, context, deployment_seconds=deployment_seconds
        )
        waf = Waf(
            web_acls,
            lambda arn: bool(state.distributions_with_web_acl(arn)),
            context,
            period=rate_period,
        )
        self.applications = {
            "cloudfront": CloudFrontApp(cloudfront),
            "wafv2": waf_app(waf),
        }

    def start(self) -> None:
        """Start the thread of the distributions' ports."""
        self._thread.start()

    def stop(self) -> None:
        """Close all ports and end the thread."""
        self._thread.stop()
