"""The console: an HTTP API for the single sign-on settings, which real Aura has only a page for.

GET, PUT and DELETE /sso, with the instance's administrator as Basic authentication. The body is
the stack's output `auraSso`. An instance can have several providers: /sso/NAME is another one.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from localcloud import loopback
from localcloud.aura.authentication import Authenticator
from localcloud.aura.credentials import Credentials
from localcloud.aura.sso import SsoSettings, SsoSettingsError, SsoStore

_MAX_BODY: Final = 64 * 1024

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Console:
    """The console of one instance."""

    def __init__(
        self, credentials: Credentials, store: SsoStore, authenticator: Authenticator
    ) -> None:
        """Open the console and apply the stored settings.

        Args:
            credentials: the instance's administrator.
            store: the store of the settings.
            authenticator: uses the settings.

        Raises:
            SsoSettingsError: the stored settings are damaged.
        """
        self._credentials = credentials
        self._store = store
        self._authenticator = authenticator
        self._settings = store.load()
        authenticator.configure(*self._settings.values())

    def application(self) -> web.Application:
        """Make the HTTP application, to be served on the loopback interface."""

        @web.middleware
        async def administrators_only(
            request: web.Request, handler: _Handler
        ) -> web.StreamResponse:
            reason = loopback.refusal(
                hosts=request.headers.getall("Host", []),
                origins=request.headers.getall("Origin", []),
                port=_port(request),
            )
            if reason is not None:
                return web.Response(status=403, text=f"{reason}\n")
            if not _is_administrator(request.headers.get("Authorization", ""), self._credentials):
                return web.Response(
                    status=401,
                    headers={"WWW-Authenticate": 'Basic realm="Aura console"'},
                    text="Log in as the instance's administrator.\n",
                )
            return await handler(request)

        application = web.Application(middlewares=[administrators_only], client_max_size=_MAX_BODY)
        for path in ("/sso", "/sso/{name:[a-z0-9][a-z0-9-]{0,62}}"):
            application.add_routes(
                [
                    web.get(path, self._get),
                    web.put(path, self._put),
                    web.delete(path, self._delete),
                ]
            )
        return application

    async def _get(self, request: web.Request) -> web.Response:
        settings = self._settings.get(_name(request))
        if settings is None:
            return _json({"problems": ["single sign-on is not configured"]}, status=404)
        return web.Response(
            text=settings.model_dump_json(by_alias=True), content_type="application/json"
        )

    async def _put(self, request: web.Request) -> web.Response:
        try:
            settings = SsoSettings.parse(await request.read())
        except SsoSettingsError as error:
            return _json({"problems": error.problems}, status=400)
        self._apply(_name(request), settings)
        return await self._get(request)

    async def _delete(self, request: web.Request) -> web.Response:
        self._apply(_name(request), None)
        return web.Response(status=204)

    def _apply(self, name: str, settings: SsoSettings | None) -> None:
        self._store.save(name, settings)
        others = {key: each for key, each in self._settings.items() if key != name}
        self._settings = others if settings is None else {**others, name: settings}
        self._authenticator.configure(*self._settings.values())


def _name(request: web.Request) -> str:
    return request.match_info.get("name", "")


def _port(request: web.Request) -> int:
    # A connection that has just been closed has no address.
    name = None if request.transport is None else request.transport.get_extra_info("sockname")
    return int(name[1]) if name else 0


def _is_administrator(authorization: str, credentials: Credentials) -> bool:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, f"{credentials.username}:{credentials.password}".encode())


def _json(document: object, *, status: int) -> web.Response:
    return web.Response(text=json.dumps(document), status=status, content_type="application/json")
