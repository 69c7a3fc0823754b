"""Tokens for requests: what puts them into its requests."""

from functools import partial
from typing import Any

import requests
from requests.auth import AuthBase

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.renewal import discard_if_refused, may_refuse
from neo4j_mcp_client.tokens import SERVER_LIMIT, TokenProvider


class FixedBearerAuth(AuthBase):
    """Puts one token into requests."""

    def __init__(self, token: AccessToken) -> None:
        """Take the token.

        Args:
            token: the token.
        """
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the Authorization header."""
        request.headers["Authorization"] = self._token.authorization
        return request


class BearerAuth(AuthBase):
    """Puts a provider's tokens into requests of any kind, as `auth=` of requests.

    A request whose token is refused is sent again once, with another token.
    """

    def __init__(self, tokens: TokenProvider, *, minimum_lifetime: float = SERVER_LIMIT) -> None:
        """Take the provider.

        Args:
            tokens: where tokens come from.
            minimum_lifetime: seconds that a token must still be good for when it is sent.
        """
        self._tokens = tokens
        self._minimum_lifetime = minimum_lifetime

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the Authorization header, and look at the answer when it comes."""
        token = self._tokens.token(self._minimum_lifetime)
        request.headers["Authorization"] = token.authorization
        send_again = partial(self._send_again, token)
        request.register_hook("response", send_again)  # type: ignore[no-untyped-call] # the stubs' gap
        return request

    def _send_again(
        self,
        token: AccessToken,
        response: requests.Response,
        **options: Any,  # noqa: ANN401 - requests' own
    ) -> requests.Response:
        status, content_type = response.status_code, response.headers.get("Content-Type")
        if not (
            may_refuse(status, content_type)
            and discard_if_refused(self._tokens, token, status, response.content)
        ):
            return response
        response.close()
        again = response.request.copy()
        again.headers["Authorization"] = self._tokens.token(self._minimum_lifetime).authorization
        answer: requests.Response = response.connection.send(again, **options)
        answer.history.append(response)
        return answer
