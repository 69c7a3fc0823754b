"""The auth flow of httpx and its successor httpx2, which have the same one in different classes."""

from collections.abc import AsyncGenerator, Generator, MutableMapping
from typing import Generic, Protocol, TypeVar

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.renewal import discard_if_refused, may_refuse
from neo4j_mcp_client.tokens import SERVER_LIMIT, TokenProvider


class _Request(Protocol):
    @property
    def headers(self) -> MutableMapping[str, str]: ...


class _Response(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> MutableMapping[str, str]: ...
    def read(self) -> bytes: ...
    async def aread(self) -> bytes: ...


Request = TypeVar("Request", bound=_Request)
Response = TypeVar("Response", bound=_Response)


class BearerFlow(Generic[Request, Response]):
    """Puts a provider's tokens into requests; one whose token is refused is sent again once."""

    def __init__(self, tokens: TokenProvider, *, minimum_lifetime: float = SERVER_LIMIT) -> None:
        """Take the provider.

        Args:
            tokens: where tokens come from.
            minimum_lifetime: seconds that a token must still be good for when it is sent.
        """
        self._tokens = tokens
        self._minimum_lifetime = minimum_lifetime

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Send a request from a thread."""
        token = self._tokens.token(self._minimum_lifetime)
        response = yield _with(token, request)
        if _may_refuse(response) and self._discard_if_refused(token, response, response.read()):
            yield _with(self._tokens.token(self._minimum_lifetime), request)

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Send a request from an asyncio task."""
        token = await self._tokens.token_async(self._minimum_lifetime)
        response = yield _with(token, request)
        if _may_refuse(response) and self._discard_if_refused(
            token, response, await response.aread()
        ):
            yield _with(await self._tokens.token_async(self._minimum_lifetime), request)

    def _discard_if_refused(self, token: AccessToken, response: Response, body: bytes) -> bool:
        return discard_if_refused(self._tokens, token, response.status_code, body)


def _with(token: AccessToken, request: Request) -> Request:
    request.headers["Authorization"] = token.authorization
    return request


def _may_refuse(response: _Response) -> bool:
    return may_refuse(response.status_code, response.headers.get("Content-Type"))
