"""Probes of a stack's edge, which they only call: a distribution takes long to create."""

from collections.abc import Callable
from typing import Final

import httpx2

from automation.probes.families.sources import DOC_CLOUDFRONT, doc
from automation.probes.needs import WITH_THE_EDGE
from automation.probes.observations import Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

EDGE: Final = Family("cloudfront")
_LONGEST_REQUEST: Final = 20_480
_LONGEST_URL: Final = 8_192
_ELSEWHERE: Final = "example.com"
"""A name for documentation (RFC 2606), which is no alternate domain name of any distribution."""


def _status(box: Sandbox, request: Callable[[], httpx2.Response]) -> int:
    """Make a request, record what CloudFront says about it, and return the status."""
    answer = request()
    box.messages.append(" ".join(answer.text.split())[:200])
    return answer.status_code


@EDGE.probe(
    "edge-refused-requests",
    rows=[
        "Plain HTTP where the policy is `https-only`",
        "Another host name at a distribution",
        "Request over 20,480 bytes, URL over 8,192",
    ],
    documented={
        "without a token": 401,
        "plain HTTP": 403,
        "another host name": 403,
        "request over 20,480 bytes": 413,
        "URL over 8,192 bytes": 413,
    },
    source=doc(f"{DOC_CLOUDFRONT}/cloudfront-limits.html"),
    needs=WITH_THE_EDGE,
)
def _refused_requests(box: Sandbox) -> Observation:
    """How does a distribution refuse long requests, another host name, and plain HTTP?"""
    url, http = httpx2.URL(box.stack.outputs["edgeUrl"]), box.around.http
    long = {"x-probe": "a" * _LONGEST_REQUEST}
    longer = url.copy_with(path=f"/{'a' * _LONGEST_URL}")
    return {
        "without a token": _status(box, lambda: http.get(url)),
        "plain HTTP": _status(box, lambda: http.get(url.copy_with(scheme="http"))),
        "another host name": _status(box, lambda: http.get(url, headers={"host": _ELSEWHERE})),
        "request over 20,480 bytes": _status(box, lambda: http.get(url, headers=long)),
        "URL over 8,192 bytes": _status(box, lambda: http.get(longer)),
    }
