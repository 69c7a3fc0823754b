"""WAF: web ACLs with rate-based rules.

Sources: the AWS WAFV2 API reference, and the schema of aws_wafv2_web_acl for the changes that force
a replacement.
"""

from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.waiting import retry_while_refused
from localcloud.providers.schema import (
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.values import Values

# Source: webACLDeleteTimeout in hashicorp/terraform-provider-aws, internal/service/wafv2.
_DELETION_SECONDS: Final = 300.0

_VISIBILITY: Final = Property(
    kind=Kind.OBJECT,
    required=True,
    properties={
        "cloudwatchMetricsEnabled": Property(
            kind=Kind.BOOLEAN, required=True, aws="CloudWatchMetricsEnabled"
        ),
        "metricName": Property(required=True),
        "sampledRequestsEnabled": Property(kind=Kind.BOOLEAN, required=True),
    },
)
_BLOCK: Final = Property(
    kind=Kind.OBJECT,
    properties={
        "customResponse": Property(
            kind=Kind.OBJECT,
            properties={
                "responseCode": Property(kind=Kind.INTEGER, required=True),
                **unsupported("customResponseBodyKey", "responseHeaders"),
            },
        )
    },
)
_ALLOW: Final = Property(kind=Kind.OBJECT, properties=unsupported("customRequestHandling"))
_RATE: Final = Property(
    kind=Kind.OBJECT,
    properties={
        "aggregateKeyType": Property(required=True),
        "evaluationWindowSec": Property(kind=Kind.INTEGER, default=300),
        "limit": Property(kind=Kind.INTEGER, required=True),
        **unsupported("customKeys", "forwardedIpConfig", "scopeDownStatement"),
    },
)
_RULE: Final = Property(
    kind=Kind.OBJECT,
    properties={
        "name": Property(required=True),
        "priority": Property(kind=Kind.INTEGER, required=True),
        "action": Property(
            kind=Kind.OBJECT,
            properties={
                "block": _BLOCK,
                # A rate-based rule can't allow.
                **unsupported("allow", "captcha", "challenge", "count"),
            },
        ),
        "statement": Property(
            kind=Kind.OBJECT,
            required=True,
            properties={
                "rateBasedStatement": _RATE,
                **unsupported(
                    "andStatement",
                    "asnMatchStatement",
                    "byteMatchStatement",
                    "geoMatchStatement",
                    "ipSetReferenceStatement",
                    "labelMatchStatement",
                    "managedRuleGroupStatement",
                    "notStatement",
                    "orStatement",
                    "regexMatchStatement",
                    "regexPatternSetReferenceStatement",
                    "ruleGroupReferenceStatement",
                    "sizeConstraintStatement",
                    "sqliMatchStatement",
                    "xssMatchStatement",
                ),
            },
        ),
        "visibilityConfig": _VISIBILITY,
        **unsupported("captchaConfig", "challengeConfig", "overrideAction", "ruleLabels"),
    },
)


class WebAcl(AwsResource):
    """aws:wafv2/webAcl:WebAcl."""

    token = "aws:wafv2/webAcl:WebAcl"  # noqa: S105  # a Pulumi type
    service = "wafv2"
    autonamed = "name"
    not_found_codes = frozenset({"WAFNonexistentItemException"})
    creates = Operation(name="CreateWebACL", result="Summary")
    reads = Operation(name="GetWebACL", result="WebACL")
    updates = Operation(name="UpdateWebACL")
    deletes = Operation(name="DeleteWebACL")
    id_members = ("Id",)
    tagging = Tagging(resource="ResourceARN", listed_as="TagInfoForResource.TagList")
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True),
        "scope": Property(required=True, force_new=True),
        "defaultAction": Property(
            kind=Kind.OBJECT, required=True, properties={"allow": _ALLOW, "block": _BLOCK}
        ),
        "description": Property(),
        "rules": Property(kind=Kind.SET, items=_RULE),
        "visibilityConfig": _VISIBILITY,
        "region": REGION,
        **TAGGED,
        "applicationIntegrationUrl": Property(output=True),
        "arn": Property(output=True, aws="ARN"),
        "capacity": Property(kind=Kind.INTEGER, output=True, volatile=True),
        "lockToken": Property(output=True, volatile=True),
        **unsupported(
            "associationConfig",
            "captchaConfig",
            "challengeConfig",
            "customResponseBodies",
            "dataProtectionConfig",
            "monetizationConfig",
            "namePrefix",
            "ruleJson",
            "tokenDomains",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the web ACL; an import names id/name/scope."""
        acl, _, rest = request.id.partition("/")
        name, _, scope = rest.partition("/")
        return {
            "Id": acl,
            "Name": request.state.get("name", name),
            "Scope": request.state.get("scope", scope),
        }

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add what the description doesn't have."""
        if (found := super().read(request)) is None:
            return None
        whole = self._whole(request)
        return {
            **found,
            "applicationIntegrationUrl": whole.get("ApplicationIntegrationURL", ""),
            "lockToken": whole["LockToken"],
            "scope": self.identity(request)["Scope"],
        }

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Replace the whole configuration in the version that was read."""
        if self.is_changed(request):
            parameters = self._parameters(request, Operation(name="UpdateWebACL"), request.inputs)
            parameters |= self.identity(request) | self._lock(request)
            self.call(request, Operation(name="UpdateWebACL"), parameters)
        self.update_tags(request)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Delete the web ACL once no distribution uses it."""
        retry_while_refused(
            request,
            lambda: super(WebAcl, self).delete(request),
            is_transient=lambda error: error.code == "WAFAssociatedItemException",
            limit=_DELETION_SECONDS,
        )

    def delete_parameters(self, request: ResourceRequest[Aws]) -> Document:
        """Add the version that is deleted."""
        return self.identity(request) | self._lock(request)

    def _lock(self, request: ResourceRequest[Aws]) -> Document:
        return {"LockToken": self._whole(request)["LockToken"]}

    def _whole(self, request: ResourceRequest[Aws]) -> Document:
        return self.call(request, Operation(name="GetWebACL"), self.identity(request))
