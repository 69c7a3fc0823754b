"""The auth flow shared by httpx and its successor httpx2, whose classes differ only in name."""

from collections.abc import AsyncGenerator, Generator, MutableMapping
from typing import ClassVar, Generic, Protocol, TypeVar

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.origins import Destination, Origin
from neo4j_mcp_client.renewal import discard_if_refused, may_refuse
from neo4j_mcp_client.tokens import SERVER_LIMIT, TokenProvider


class _Url(Protocol):
    @property
    def scheme(self) -> str: ...
    @property
    def raw_host(self) -> bytes: ...
    @property
    def port(self) -> int | None: ...


class _Request(Protocol):
    @property
    def url(self) -> _Url: ...
    @property
    def headers(self) -> MutableMapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


class _Response(Protocol):
    @property
    def request(self) -> _Request: ...
    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> MutableMapping[str, str]: ...
    def read(self) -> bytes: ...
    async def aread(self) -> bytes: ...


Request = TypeVar("Request", bound=_Request)
Response = TypeVar("Response", bound=_Response)


class BearerFlow(Generic[Request, Response]):
    """Adds a provider's tokens to requests.

    Tokens are only sent to the origin of `url`, by default that of the credentials. If a token is
    rejected, the request is retried once with another token, provided its body can be sent again.

    Attributes:
        body_not_in_memory: the exception for accessing the content of a streamed request.
    """

    body_not_in_memory: ClassVar[type[Exception]]

    def __init__(
        self,
        tokens: TokenProvider,
        *,
        url: str | None = None,
        minimum_lifetime: float = SERVER_LIMIT,
    ) -> None:
        """Create an auth that takes its tokens from a provider.

        Args:
            url: the server's address; defaults to the credentials' mcpUrl.
            minimum_lifetime: seconds for which a token must still be valid when it is sent.

        Raises:
            ConfigurationError: tokens can't be sent to this address.
        """
        self._tokens = tokens
        self._destination = Destination(url, lambda: tokens.mcp_url)
        self._minimum_lifetime = minimum_lifetime

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Authenticate a request of a synchronous client."""
        self._destination.check(_origin(request))
        token = self._tokens.token(self._minimum_lifetime)
        response = yield _with(token, request)
        if (
            self._may_refuse(token, response)
            and self._discard_if_refused(token, response, response.read())
            and self._can_repeat(request)
        ):
            yield _with(self._tokens.token(self._minimum_lifetime), request)

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Authenticate a request of an asynchronous client."""
        token = await self._tokens.token_async(self._minimum_lifetime)
        # This doesn't block: the provider has just read the credentials.
        self._destination.check(_origin(request))
        response = yield _with(token, request)
        if (
            self._may_refuse(token, response)
            and self._discard_if_refused(token, response, await response.aread())
            and self._can_repeat(request)
        ):
            yield _with(await self._tokens.token_async(self._minimum_lifetime), request)

    def _may_refuse(self, token: AccessToken, response: Response) -> bool:
        # The client may have followed a redirect to another origin.
        return (
            response.request.headers.get("Authorization") == token.authorization
            and self._destination.matches(_origin(response.request))
            and may_refuse(response.status_code, response.headers.get("Content-Type"))
        )

    def _discard_if_refused(self, token: AccessToken, response: Response, body: bytes) -> bool:
        return discard_if_refused(self._tokens, token, response.status_code, body)

    def _can_repeat(self, request: Request) -> bool:
        try:
            # A stream can't be rewound: it may be a generator, or a file read to its end.
            request.content  # noqa: B018 - it raises
        except self.body_not_in_memory:
            return False
        return True


def _origin(request: _Request) -> Origin:
    url = request.url
    return Origin.of(url.scheme, url.raw_host.decode("ascii"), url.port)


def _with(token: AccessToken, request: Request) -> Request:
    request.headers["Authorization"] = token.authorization
    return request
