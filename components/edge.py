"""Edge: an address in front of any host at which MCP clients discover how to get a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.access_log import EDGE_LOG, AccessLog, AccessLogArgs
from components.context import StackContext
from components.edge_definition import CACHING_DISABLED, RATE_SECONDS
from components.edge_function import function_code
from components.edge_origin import edge_base_url, origin_address
from components.endpoints import Endpoints
from components.hosting.host import (
    MCP_PATH,
    InternalOrigin,
    Origin,
    PublicOrigin,
    mcp_url,
)
from components.log_key import EDGE_LOG_REGION
from components.monitoring.alarm import Subject
from components.monitoring.subjects import Dimensions
from components.settings import EdgeDomain

# Source: "Use managed origin request policies" in the Amazon CloudFront Developer Guide.
_ALL_VIEWER_EXCEPT_HOST_HEADER: Final = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
ORIGIN_SECONDS: Final = 90
"""How long CloudFront waits for the host: longer than every host waits for the server."""
# Web ACLs of distributions exist in this region only.
_WEB_ACL_REGION: Final = "us-east-1"
_RATE_RULE: Final = "requests-per-ip"
_ORIGIN: Final = "host"
_ORIGIN_TLS: Final = "TLSv1.2"
_HTTP_PORT: Final = 80
_HTTPS_PORT: Final = 443
_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """What an Edge needs.

    Attributes:
        context: what the stack's components share.
        origin: where CloudFront reaches the host.
        endpoints: the user pool's addresses.
    """

    context: StackContext
    origin: Origin
    endpoints: pulumi.Output[Endpoints]


class Edge(pulumi.ComponentResource):
    """A CloudFront distribution in front of the host (``neo4j-mcp:edge:Edge``).

    Creates the distribution and its function, which answers the requests for metadata and refuses
    requests without a token; for a host in a VPC, the way into the VPC; with `edgeRequestsPerIp`,
    also a web ACL; with `accessLogs`, also the access log. Nothing is cached. Deletion protection
    covers the distribution, because a new one has a new address.

    Idle cost: none for the distribution; a web ACL costs a monthly fee.

    Attributes:
        url: base URL of the edge.
        mcp_url: the MCP endpoint for clients that discover how to get a token.
        domain_target: the name that the DNS record of `edgeDomain` has to point to.
        outputs: the stack's outputs that only stacks with an edge have.
        monitored: the dimensions of the distribution's metrics.
    """

    url: pulumi.Output[str]
    mcp_url: pulumi.Output[str]
    domain_target: pulumi.Output[str]
    outputs: Mapping[str, pulumi.Output[str]]
    monitored: Mapping[Subject, Dimensions]

    def __init__(
        self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the distribution."""
        super().__init__("neo4j-mcp:edge:Edge", name, None, opts)
        settings = args.context.settings
        function = aws.cloudfront.Function(
            f"{name}-function",
            name=args.context.names.edge_function,
            comment="Makes the MCP server discoverable",
            runtime="cloudfront-js-2.0",
            code=args.endpoints.apply(lambda known: function_code(known, mcp_path=MCP_PATH)),
            publish=True,
            tags=args.context.tags,
            opts=args.context.options(aws.cloudfront.Function, parent=self),
        )
        limit = settings.edge_requests_per_ip
        web_acl = self._web_acl(args.context, limit) if limit else None
        distribution = self._distribution(args, function, web_acl)
        if settings.access_logs:
            AccessLog(
                f"{name}-access",
                AccessLogArgs(
                    context=args.context,
                    name=args.context.names.edge_log_delivery,
                    log_stem=args.context.names.edge_log_stem,
                    resource_arn=distribution.arn,
                    log_type=EDGE_LOG,
                    region=EDGE_LOG_REGION,
                ),
                pulumi.ResourceOptions(parent=self),
            )
        self.domain_target = distribution.domain_name
        self.url = distribution.domain_name.apply(
            lambda domain: edge_base_url(domain, settings.edge_domain)
        )
        self.mcp_url = self.url.apply(mcp_url)
        self.monitored = {Subject.EDGE: {"DistributionId": distribution.id, "Region": "Global"}}
        self.outputs = {"edgeUrl": self.mcp_url, "edgeDomainTarget": self.domain_target}
        self.register_outputs({"mcpUrl": self.mcp_url, "domainTarget": self.domain_target})

    def _distribution(
        self,
        args: EdgeArgs,
        function: aws.cloudfront.Function,
        web_acl: aws.wafv2.WebAcl | None,
    ) -> aws.cloudfront.Distribution:
        context = args.context
        domain = context.settings.edge_domain
        return aws.cloudfront.Distribution(
            f"{self.pulumi_resource_name}-distribution",
            comment=context.names.edge_function,
            enabled=True,
            aliases=[domain.name] if domain else [],
            http_version="http2and3",
            is_ipv6_enabled=True,
            # A cheaper class would send callers in other continents through the ones it has.
            price_class="PriceClass_All",
            web_acl_id=web_acl.arn if web_acl else None,
            origins=[
                _public_origin(args.origin)
                if isinstance(args.origin, PublicOrigin)
                else self._internal_origin(context, args.origin)
            ],
            default_cache_behavior=aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
                target_origin_id=_ORIGIN,
                # A redirect would come too late: the token has been sent in the clear by then.
                viewer_protocol_policy="https-only",
                allowed_methods=list(_METHODS),
                cached_methods=["GET", "HEAD"],
                cache_policy_id=CACHING_DISABLED,
                origin_request_policy_id=_ALL_VIEWER_EXCEPT_HOST_HEADER,
                function_associations=[
                    aws.cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs(
                        event_type="viewer-request", function_arn=function.arn
                    )
                ],
            ),
            restrictions=aws.cloudfront.DistributionRestrictionsArgs(
                geo_restriction=aws.cloudfront.DistributionRestrictionsGeoRestrictionArgs(
                    restriction_type="none"
                )
            ),
            viewer_certificate=_certificate(domain),
            tags=context.tags,
            opts=context.options(aws.cloudfront.Distribution, parent=self),
        )

    def _internal_origin(
        self, context: StackContext, origin: InternalOrigin
    ) -> aws.cloudfront.DistributionOriginArgs:
        way = aws.cloudfront.VpcOrigin(
            f"{self.pulumi_resource_name}-vpc-origin",
            vpc_origin_endpoint_config=aws.cloudfront.VpcOriginVpcOriginEndpointConfigArgs(
                name=origin.load_balancer_arn.apply(context.names.edge_vpc_origin),
                arn=origin.load_balancer_arn,
                http_port=origin.port,
                https_port=_HTTPS_PORT,
                # It stays inside AWS's network, and the load balancer has no certificate.
                origin_protocol_policy="http-only",
                origin_ssl_protocols=(
                    aws.cloudfront.VpcOriginVpcOriginEndpointConfigOriginSslProtocolsArgs(
                        items=[_ORIGIN_TLS], quantity=1
                    )
                ),
            ),
            tags=context.tags,
            opts=context.options(
                aws.cloudfront.VpcOrigin,
                parent=self,
                # CloudFront refuses to change one that a distribution uses.
                replace_on_changes=["vpcOriginEndpointConfig"],
            ),
        )
        return aws.cloudfront.DistributionOriginArgs(
            origin_id=_ORIGIN,
            domain_name=origin.dns_name,
            vpc_origin_config=aws.cloudfront.DistributionOriginVpcOriginConfigArgs(
                vpc_origin_id=way.id, origin_read_timeout=ORIGIN_SECONDS
            ),
        )

    def _web_acl(self, context: StackContext, limit: int) -> aws.wafv2.WebAcl:
        name = context.names.edge_web_acl
        return aws.wafv2.WebAcl(
            f"{self.pulumi_resource_name}-web-acl",
            name=name,
            description="Limits the requests of each IP address to the MCP server",
            region=_WEB_ACL_REGION,
            scope="CLOUDFRONT",
            default_action=aws.wafv2.WebAclDefaultActionArgs(
                allow=aws.wafv2.WebAclDefaultActionAllowArgs()
            ),
            rules=[
                aws.wafv2.WebAclRuleArgs(
                    name=_RATE_RULE,
                    priority=0,
                    # The client library repeats a request after 429, but not after WAF's own 403.
                    action=aws.wafv2.WebAclRuleActionArgs(
                        block=aws.wafv2.WebAclRuleActionBlockArgs(
                            custom_response=aws.wafv2.WebAclRuleActionBlockCustomResponseArgs(
                                response_code=429
                            )
                        )
                    ),
                    statement=aws.wafv2.WebAclRuleStatementArgs(
                        rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                            limit=limit,
                            aggregate_key_type="IP",
                            evaluation_window_sec=RATE_SECONDS,
                        )
                    ),
                    visibility_config=aws.wafv2.WebAclRuleVisibilityConfigArgs(
                        cloudwatch_metrics_enabled=True,
                        metric_name=_RATE_RULE,
                        # Samples show the requests' headers, and so the tokens.
                        sampled_requests_enabled=False,
                    ),
                )
            ],
            visibility_config=aws.wafv2.WebAclVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
            ),
            tags=context.tags,
            opts=context.options(aws.wafv2.WebAcl, parent=self),
        )


def _public_origin(origin: PublicOrigin) -> aws.cloudfront.DistributionOriginArgs:
    address = origin.url.apply(origin_address)
    return aws.cloudfront.DistributionOriginArgs(
        origin_id=_ORIGIN,
        domain_name=address.apply(lambda known: known.host),
        custom_origin_config=aws.cloudfront.DistributionOriginCustomOriginConfigArgs(
            http_port=_HTTP_PORT,
            https_port=address.apply(lambda known: known.port),
            origin_protocol_policy="https-only",
            origin_ssl_protocols=[_ORIGIN_TLS],
            origin_read_timeout=ORIGIN_SECONDS,
        ),
    )


def _certificate(
    domain: EdgeDomain | None,
) -> aws.cloudfront.DistributionViewerCertificateArgs:
    if domain is None:
        # CloudFront sets the minimum TLS version of its own certificate itself.
        return aws.cloudfront.DistributionViewerCertificateArgs(cloudfront_default_certificate=True)
    return aws.cloudfront.DistributionViewerCertificateArgs(
        acm_certificate_arn=domain.certificate_arn,
        ssl_support_method="sni-only",
        minimum_protocol_version="TLSv1.2_2021",
    )
