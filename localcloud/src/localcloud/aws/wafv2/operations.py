"""WAF's API: one handler per operation, from its validated request to its response."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from localcloud.aws import paging
from localcloud.aws.context import ServiceContext
from localcloud.aws.protocol import ApiError
from localcloud.aws.wafv2 import rules
from localcloud.aws.wafv2.models import WebAcl, WebAcls
from localcloud.aws.wafv2.rates import RateLimits

JsonObject = dict[str, Any]
_Handler = Callable[[JsonObject], Awaitable[JsonObject]]
# Web ACLs for CloudFront exist in this region only.
_REGION: Final = "us-east-1"
_TAGS: Final = 50
_PAGE: Final = 100


class Waf:
    """The WAF of one account."""

    def __init__(
        self,
        stored: WebAcls,
        is_in_use: Callable[[str], bool],
        context: ServiceContext,
        *,
        period: float,
    ) -> None:
        """Serve web ACLs.

        Args:
            stored: the web ACLs.
            is_in_use: returns whether a distribution has a web ACL, by its ARN.
            context: where and when the service runs.
            period: seconds between two looks at the counts of rate-based rules.
        """
        self._web_acls = stored
        self._is_in_use = is_in_use
        self._clock = context.clock
        self._account_id = context.account_id
        self._period = period
        self._handlers: Mapping[str, _Handler] = {
            "CreateWebACL": self._create,
            "DeleteWebACL": self._delete,
            "GetWebACL": self._get,
            "ListTagsForResource": self._list_tags,
            "ListWebACLs": self._list,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "UpdateWebACL": self._update,
        }

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request.

        Raises:
            ApiError: the operation fails.
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError(
                "WAFInvalidOperationException",
                f"The stand-in's WAF doesn't support {operation}.",
            )
        return await handler(parameters)

    async def _create(self, parameters: JsonObject) -> JsonObject:
        rules.check_supported(parameters)
        name = parameters["Name"]
        if any(each.name == name for each in self._web_acls):
            raise ApiError(
                "WAFDuplicateItemException",
                "AWS WAF couldn't perform the operation because some resource in your request is"
                " a duplicate of an existing one.",
            )
        rate_rules = rules.rate_rules(parameters)
        identifier = str(uuid.uuid4())
        web_acl = WebAcl(
            id=identifier,
            arn=f"arn:aws:wafv2:{_REGION}:{self._account_id}:global/webacl/{name}/{identifier}",
            name=name,
            content=_settings(parameters),
            capacity=rules.RATE_RULE_CAPACITY * len(rate_rules),
            limits=RateLimits(rate_rules, clock=self._clock, period=self._period),
            default=rules.default_block(parameters),
            tags=_checked_tags({}, parameters.get("Tags", [])),
        )
        self._web_acls.put(web_acl)
        return {"Summary": _summary(web_acl)}

    async def _get(self, parameters: JsonObject) -> JsonObject:
        web_acl = self._found(parameters)
        label = f"awswaf:{self._account_id}:webacl:{web_acl.name}:"
        described = {
            "Name": web_acl.name,
            "Id": web_acl.id,
            "ARN": web_acl.arn,
            "Capacity": web_acl.capacity,
            "ManagedByFirewallManager": False,
            "LabelNamespace": label,
            **web_acl.content,
        }
        return {"WebACL": described, "LockToken": web_acl.lock_token}

    async def _list(self, parameters: JsonObject) -> JsonObject:
        _check_scope(parameters)
        summaries = [_summary(each) for each in self._web_acls]
        try:
            found, marker = paging.page(
                summaries,
                size=parameters.get("Limit", _PAGE),
                token=parameters.get("NextMarker"),
            )
        except paging.InvalidTokenError:
            raise ApiError(
                "WAFInvalidParameterException", "Error reason: NextMarker isn't valid."
            ) from None
        return {"WebACLs": found, "NextMarker": marker}

    async def _update(self, parameters: JsonObject) -> JsonObject:
        rules.check_supported(parameters)
        web_acl = self._found(parameters)
        _check_lock(parameters, web_acl)
        rate_rules, default = rules.rate_rules(parameters), rules.default_block(parameters)
        web_acl.content = _settings(parameters)
        web_acl.capacity = rules.RATE_RULE_CAPACITY * len(rate_rules)
        web_acl.limits, web_acl.default = web_acl.limits.with_rules(rate_rules), default
        web_acl.lock_token = str(uuid.uuid4())
        return {"NextLockToken": web_acl.lock_token}

    async def _delete(self, parameters: JsonObject) -> JsonObject:
        web_acl = self._found(parameters)
        _check_lock(parameters, web_acl)
        if self._is_in_use(web_acl.arn):
            raise ApiError(
                "WAFAssociatedItemException",
                "AWS WAF couldn't perform the operation because your resource is being used by"
                " another resource or it's associated with another resource.",
            )
        self._web_acls.remove(web_acl.arn)
        return {}

    async def _list_tags(self, parameters: JsonObject) -> JsonObject:
        web_acl = self._by_arn(parameters["ResourceARN"])
        tags = [{"Key": name, "Value": value} for name, value in web_acl.tags.items()]
        return {"TagInfoForResource": {"ResourceARN": web_acl.arn, "TagList": tags}}

    async def _tag(self, parameters: JsonObject) -> JsonObject:
        web_acl = self._by_arn(parameters["ResourceARN"])
        web_acl.tags.update(_checked_tags(web_acl.tags, parameters["Tags"]))
        return {}

    async def _untag(self, parameters: JsonObject) -> JsonObject:
        web_acl = self._by_arn(parameters["ResourceARN"])
        for name in parameters["TagKeys"]:
            web_acl.tags.pop(name, None)
        return {}

    def _found(self, parameters: JsonObject) -> WebAcl:
        if "ARN" in parameters:
            return self._by_arn(parameters["ARN"])
        _check_scope(parameters)
        for each in self._web_acls:
            if (each.id, each.name) == (parameters.get("Id"), parameters.get("Name")):
                return each
        raise _missing()

    def _by_arn(self, arn: str) -> WebAcl:
        found = self._web_acls.find(arn)
        if found is None:
            raise _missing()
        return found


def _settings(parameters: JsonObject) -> JsonObject:
    return {name: parameters[name] for name in rules.SETTINGS if name in parameters} | {
        "Rules": parameters.get("Rules", [])
    }


def _summary(web_acl: WebAcl) -> JsonObject:
    return {
        "Name": web_acl.name,
        "Id": web_acl.id,
        "ARN": web_acl.arn,
        "Description": web_acl.content.get("Description"),
        "LockToken": web_acl.lock_token,
    }


def _check_scope(parameters: JsonObject) -> None:
    if parameters.get("Scope") != "CLOUDFRONT":
        raise ApiError(
            "WAFInvalidOperationException", "The stand-in's WAF supports the scope CLOUDFRONT only."
        )


def _check_lock(parameters: JsonObject, web_acl: WebAcl) -> None:
    if parameters["LockToken"] != web_acl.lock_token:
        raise ApiError(
            "WAFOptimisticLockException",
            "AWS WAF couldn't save your changes because someone changed the resource after you"
            " started to edit it. Reapply your changes.",
        )


def _missing() -> ApiError:
    return ApiError(
        "WAFNonexistentItemException",
        "AWS WAF couldn't perform the operation because your resource doesn't exist.",
    )


def _checked_tags(existing: Mapping[str, str], tags: list[JsonObject]) -> dict[str, str]:
    given = {tag["Key"]: tag["Value"] for tag in tags}
    if any(name.lower().startswith("aws:") for name in given):
        raise ApiError("WAFInvalidParameterException", "Tag keys can't begin with aws:.")
    if len(existing.keys() | given.keys()) > _TAGS:
        raise ApiError("WAFTagOperationException", f"At most {_TAGS} tags are possible.")
    return given
