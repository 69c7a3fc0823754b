"""WAF's API without HTTP."""

from typing import Any

import pytest

from aws.wafv2.test_rules import rule, web_acl
from localcloud.aws.context import ServiceContext
from localcloud.aws.protocol import ApiError
from localcloud.aws.wafv2.models import WebAcls
from localcloud.aws.wafv2.operations import Waf


async def test_web_acls_are_listed_in_pages() -> None:
    context = ServiceContext(region="us-east-1", account_id="0" * 12, clock=lambda: 0.0)
    waf = Waf(WebAcls(), lambda _: False, context, period=10.0)
    for name in "abc":
        await waf.call("CreateWebACL", web_acl(rule(), Name=name))

    async def listed(**parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
        return await waf.call("ListWebACLs", {"Scope": "CLOUDFRONT", **parameters})

    first = await listed(Limit=2)
    rest = await listed(Limit=2, NextMarker=first["NextMarker"])
    assert [each["Name"] for each in (*first["WebACLs"], *rest["WebACLs"])] == ["a", "b", "c"]
    assert rest["NextMarker"] is None
    with pytest.raises(ApiError, match="NextMarker isn't valid"):
        await listed(NextMarker="nonsense")
