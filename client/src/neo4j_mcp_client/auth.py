"""Bearer tokens for requests."""

from functools import partial
from typing import Any
from urllib.parse import urljoin

import requests
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.origins import Destination, origin_of
from neo4j_mcp_client.renewal import discard_if_refused, may_refuse
from neo4j_mcp_client.tokens import SERVER_LIMIT, TokenProvider


class FixedBearerAuth(AuthBase):
    """Adds one fixed token to requests."""

    def __init__(self, token: AccessToken) -> None:
        """Set the token."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the Authorization header."""
        request.headers["Authorization"] = self._token.authorization
        return request


class BearerAuth(AuthBase):
    """Adds a provider's tokens to requests: pass it to requests as `auth`.

    Tokens are only sent to the origin of `url`, by default that of the credentials. If a token is
    rejected, the request is retried once with another token, provided its body can be sent again.
    """

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

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the Authorization header, and retry if the response rejects the token.

        Raises:
            ConfigurationError: the request goes to another origin.
        """
        self._destination.check(origin_of(request.url or ""))
        token = self._tokens.token(self._minimum_lifetime)
        request.headers["Authorization"] = token.authorization
        hook = partial(self._retry_if_rejected, token)
        request.register_hook("response", hook)  # type: ignore[no-untyped-call] # the stubs' gap
        return request

    def _retry_if_rejected(
        self,
        token: AccessToken,
        response: requests.Response,
        **options: Any,  # noqa: ANN401 - requests' own
    ) -> requests.Response:
        request = response.request
        # The hook also runs after a redirect, which may have left the token's origin.
        if request.headers.get("Authorization") != token.authorization or not self._is_destination(
            request.url or ""
        ):
            return response
        if response.is_redirect:
            # requests keeps the header if http becomes https; other sessions may always keep it.
            if not self._is_destination(urljoin(response.url, response.headers["Location"])):
                del request.headers["Authorization"]
            return response
        status, content_type = response.status_code, response.headers.get("Content-Type")
        if not (
            may_refuse(status, content_type)
            and discard_if_refused(self._tokens, token, status, response.content)
            and _rewound(request)
        ):
            return response
        response.close()
        again = request.copy()
        again.headers["Authorization"] = self._tokens.token(self._minimum_lifetime).authorization
        answer: requests.Response = response.connection.send(again, **options)
        answer.history.append(response)
        return answer

    def _is_destination(self, url: str) -> bool:
        try:
            return self._destination.matches(origin_of(url))
        except ValueError:
            return False


def _rewound(request: requests.PreparedRequest) -> bool:
    """Rewind the body, and return whether it can be sent again."""
    # The stubs don't cover streams.
    body: object = request.body
    if body is None or isinstance(body, (str, bytes)):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True
