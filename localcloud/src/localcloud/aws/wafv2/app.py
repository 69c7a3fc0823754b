"""WAF's API over HTTP."""

from typing import Final

from starlette.types import ASGIApp

from localcloud.aws.json_api import JsonApi
from localcloud.aws.protocol import CONTENT_TYPE_1_1, ServiceProtocol
from localcloud.aws.wafv2.operations import Waf

TARGET_PREFIX: Final = "AWSWAF_20190729"


def waf_app(waf: Waf) -> ASGIApp:
    """Return an ASGI application for WAF's API."""
    return JsonApi(
        protocol=ServiceProtocol("wafv2"),
        call=waf.call,
        content_type=CONTENT_TYPE_1_1,
        internal_error="WAFInternalErrorException",
    )
