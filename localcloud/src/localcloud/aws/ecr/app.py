"""ECR as Docker on this machine can use it: reachable addresses, and a login as on AWS.

ministack stores the images, and its responses name addresses under amazonaws.com. Here they name
this endpoint instead. The registry requires the token of GetAuthorizationToken, and a tag that
exists in an immutable repository is refused as ECR refuses it.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.ecr import rules
from localcloud.aws.ecr.models import Registry

TARGET_PREFIX = "AmazonEC2ContainerRegistry_V20150921"
_CONTENT_TYPE = "application/x-amz-json-1.1"
# A digest has a colon, a tag has none.
_TAGGED_MANIFEST = re.compile(r"/v2/(?P<repository>.+)/manifests/(?P<tag>[^:/]+)")


class EcrApp:
    """Serves ECR's API and the registry's protocol, with ministack as the store."""

    def __init__(self, registry: Registry, ministack: ASGIApp) -> None:
        """Pass requests on to ministack."""
        self._registry = registry
        self._ministack = ministack
        # Between the look-up of a tag and its push, no other push may happen.
        self._push_lock = asyncio.Lock()

    async def serve_registry(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the Docker Registry HTTP API; a login is required, as on ECR."""
        request = Request(scope)
        tagged = _TAGGED_MANIFEST.fullmatch(scope["path"])
        if not self._registry.accepts(request.headers.get("authorization", "")):
            realm = f"http://{self._registry.local_host}/"
            refusal = JSONResponse(
                {"errors": [{"code": "UNAUTHORIZED", "message": "Not Authorized"}]},
                HTTPStatus.UNAUTHORIZED,
                {"www-authenticate": f'Basic realm="{realm}",service="ecr.amazonaws.com"'},
            )
            await refusal(scope, receive, send)
        elif request.method == "PUT" and tagged is not None:
            async with self._push_lock:
                if await self._is_immutable_tag(tagged["repository"], tagged["tag"]):
                    error = rules.immutable_tag(tagged["repository"], tagged["tag"])
                    response = JSONResponse({"errors": [error]}, HTTPStatus.BAD_REQUEST)
                    await response(scope, receive, send)
                else:
                    await self._ministack(scope, receive, send)
        else:
            await self._ministack(scope, receive, send)

    async def serve_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the ECR API, with this machine's addresses in the response."""
        request = await Request(scope, receive).body()
        if unsupported := rules.unsupported_setting(request):
            refusal = JSONResponse(unsupported, HTTPStatus.BAD_REQUEST, media_type=_CONTENT_TYPE)
            await refusal(scope, receive, send)
            return
        response = await asgi.call(self._ministack, scope, request)
        if response.status_code == HTTPStatus.OK:
            content: Mapping[str, Any] = self._registry.localize(json.loads(bytes(response.body)))
            if missing := rules.missing_image(json.loads(request or b"{}"), content):
                response.status_code, content = HTTPStatus.BAD_REQUEST, missing
            response = asgi.with_body(response, json.dumps(content).encode())
        await response(scope, receive, send)

    async def _is_immutable_tag(self, repository: str, tag: str) -> bool:
        """Decide whether an immutable repository has a tag.

        ministack lets the digest that has the tag be pushed again; ECR refuses that too.
        Source: containers-roadmap 2179, "Better handle duplicate tags on Immutable Registries".
        """
        found = await self._request("DescribeRepositories", {"repositoryNames": [repository]})
        settings = (found.get("repositories") or [{}])[0]
        if settings.get("imageTagMutability") != "IMMUTABLE":
            return False
        image = {"repositoryName": repository, "imageIds": [{"imageTag": tag}]}
        return bool((await self._request("DescribeImages", image)).get("imageDetails"))

    async def _request(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call ministack's ECR; an error response lacks the operation's members."""
        scope = asgi.post_scope(
            {"content-type": _CONTENT_TYPE, "x-amz-target": f"{TARGET_PREFIX}.{operation}"}
        )
        response = await asgi.call(self._ministack, scope, json.dumps(parameters).encode())
        content: dict[str, Any] = json.loads(bytes(response.body))
        return content
