"""Tokens for requests."""

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
    """Puts one token into requests."""

    def __init__(self, token: AccessToken) -> None:
        """Take the token."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the Authorization header."""
        request.headers["Authorization"] = self._token.authorization
        return request


class BearerAuth(AuthBase):
    """Puts a provider's tokens into requests, as `auth=` of requests.

    A token is sent to one origin: the one of `url`, by default that of the credentials. A request
    whose token is refused is sent once more with another token, if its body can be sent twice.
    """

    def __init__(
        self,
        tokens: TokenProvider,
        *,
        url: str | None = None,
        minimum_lifetime: float = SERVER_LIMIT,
    ) -> None:
        """Take the provider.

        Args:
            url: an address of the server; defaults to the credentials' mcpUrl.
            minimum_lifetime: seconds that a token must still be valid for when it is sent.

        Raises:
            ConfigurationError: a token can't be sent to this address.
        """
        self._tokens = tokens
        self._destination = Destination(url, lambda: tokens.mcp_url)
        self._minimum_lifetime = minimum_lifetime

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the Authorization header, and examine the response when it comes.

        Raises:
            ConfigurationError: the request goes to an origin that the tokens aren't for.
        """
        self._destination.require(origin_of(request.url or ""))
        token = self._tokens.token(self._minimum_lifetime)
        request.headers["Authorization"] = token.authorization
        examine = partial(self._examine, token)
        request.register_hook("response", examine)  # type: ignore[no-untyped-call] # the stubs' gap
        return request

    def _examine(
        self,
        token: AccessToken,
        response: requests.Response,
        **options: Any,  # noqa: ANN401 - requests' own
    ) -> requests.Response:
        request = response.request
        # The hook goes along with redirects, the token must not.
        if request.headers.get("Authorization") != token.authorization or not self._is_ours(
            request.url or ""
        ):
            return response
        if response.is_redirect:
            # requests keeps the header where http becomes https, and other sessions as they like.
            if not self._is_ours(urljoin(response.url, response.headers["Location"])):
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

    def _is_ours(self, url: str) -> bool:
        try:
            return self._destination.is_at(origin_of(url))
        except ValueError:
            return False


def _rewound(request: requests.PreparedRequest) -> bool:
    """Go back to the start of a body, where it has one that can be sent again."""
    # The stubs know nothing of streams.
    body: object = request.body
    if body is None or isinstance(body, (str, bytes)):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True
