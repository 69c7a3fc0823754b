"""The API of function URLs with a store and ports of the test."""

import json
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.lambda_.app import FunctionUrlApp
from localcloud.aws.lambda_.urls import UrlSettings
from localcloud.aws.service_ports import NoPortError

if TYPE_CHECKING:
    from localcloud.aws.lambda_.thread import FunctionUrlThread

PATH = "/2021-10-31/functions/server/url"


class Store:
    """Has the configuration of one function's URL, or none."""

    def __init__(self) -> None:
        self.config: dict[str, Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "DELETE":
            self.config = None
        else:
            self.config = json.loads(await Request(scope, receive).body())
        await Response(json.dumps(self.config))(scope, receive, send)


class FullPorts:
    """Has no port left."""

    async def open(self, settings: UrlSettings) -> int:
        raise NoPortError(f"no port for {settings.function}")


async def test_a_url_without_a_port_is_not_created() -> None:
    store = Store()
    application = FunctionUrlApp(cast("FunctionUrlThread", FullPorts()), store)
    body = json.dumps({"AuthType": "NONE", "InvokeMode": "BUFFERED"}).encode()
    scope = asgi.request_scope("POST", PATH, {"content-length": str(len(body))})

    response = await asgi.call(application, scope, body)

    assert response.status_code == 429
    assert b"no port for server" in bytes(response.body)
    assert store.config is None
