"""The token request of OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

from dataclasses import replace
from typing import Any

import requests

from neo4j_mcp_client import transport
from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.credentials import ClientCredentials
from neo4j_mcp_client.decoding import from_json
from neo4j_mcp_client.errors import (
    ClientDisabledError,
    Hop,
    InvalidClientError,
    InvalidScopeError,
    TokenEndpointUnavailableError,
    TokenRequestError,
    as_sentence,
)
from neo4j_mcp_client.retries import parse_retry_after

_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500
_OK = 200
# Ten years. A longer lifetime is a mistake, and may exceed the range of dates.
_LONGEST_LIFETIME = 315_360_000
_DISABLED_OR_SCOPE = (
    f"Either the client is disabled, or it isn't allowed a scope that it requests; `neo4j-mcp"
    f" doctor` finds which. {ClientDisabledError.remedy} {InvalidScopeError.remedy}"
)


def request_token(
    credentials: ClientCredentials, *, ca_bundle: str | None, timeout: float, now: float
) -> AccessToken:
    """Request a token, without retries.

    Args:
        ca_bundle: the certificate authorities to trust; defaults to the library's own.
        timeout: seconds without a byte of the answer.
        now: the time, in seconds since the epoch.

    Raises:
        TokenRequestError: the endpoint refuses or is unavailable; its subclasses say why.
        NetworkError: it doesn't answer.
        TlsError: its certificate isn't trusted.
    """
    form = {"grant_type": "client_credentials"}
    if credentials.scopes:
        form["scope"] = " ".join(credentials.scopes)
    # As bytes: if requests had to encode the secret, its exception could contain it.
    basic = requests.auth.HTTPBasicAuth(
        credentials.client_id.encode(), credentials.client_secret.encode()
    )
    try:
        with requests.Session() as session:
            response = session.post(
                credentials.token_url,
                data=form,
                auth=basic,
                headers={"Accept": "application/json", "User-Agent": transport.USER_AGENT},
                timeout=(transport.CONNECT_TIMEOUT, timeout),
                verify=ca_bundle or True,
                # A redirect would send the secret to another address.
                allow_redirects=False,
            )
    # Not only RequestException: requests doesn't wrap all exceptions of urllib3.
    except Exception as error:  # noqa: BLE001
        failure = transport.network_error(error, hop=Hop.TOKEN_ENDPOINT, url=credentials.token_url)
    else:
        return token_of(
            response.status_code,
            response.content,
            now=now,
            retry_after=response.headers.get("Retry-After"),
        )
    raise failure


def token_of(
    status: int, body: bytes, *, now: float, retry_after: str | None = None
) -> AccessToken:
    """Parse the token endpoint's answer.

    Args:
        now: when it was asked, in seconds since the epoch.

    Raises:
        TokenRequestError: it is a refusal, or no answer of a token endpoint.
    """
    if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERRORS:
        raise TokenEndpointUnavailableError(
            f"HTTP {status}.", status=status, retry_after=parse_retry_after(retry_after)
        )
    answer = _json_object(body)
    if status != _OK:
        raise _refusal(status, answer)
    value = answer.get("access_token")
    if not isinstance(value, str) or not value:
        raise TokenRequestError("the answer contains no access token.")
    try:
        token = AccessToken(value=value, expires_at=now, lifetime=0.0)
    except ValueError as error:
        said = as_sentence(f"the answer contains an unusable access token: {error}")
        raise TokenRequestError(said) from None
    lifetime = _between(answer.get("expires_in"), 0.0, _LONGEST_LIFETIME)
    if lifetime is None:
        # expires_in is optional in RFC 6749; the token's own claim replaces it.
        expires_at = _between(token.claims.get("exp"), now, now + _LONGEST_LIFETIME) or now
        return replace(token, expires_at=expires_at, lifetime=expires_at - now)
    return replace(token, expires_at=now + lifetime, lifetime=lifetime)


def _refusal(status: int, answer: dict[str, Any]) -> TokenRequestError:
    error = str(answer.get("error", ""))
    said = f"HTTP {status}: {error or 'no OAuth 2.0 error'}"
    if description := answer.get("error_description"):
        said += f" ({description})"
    said = as_sentence(said)
    if error == "invalid_client":
        return InvalidClientError(said)
    # RFC 6749, section 5.2: the client may not use this grant.
    if error == "unauthorized_client":
        return ClientDisabledError(said)
    if error == "invalid_scope":
        return InvalidScopeError(said)
    # Cognito answers this to a client without the flow (boto3's issue 3916), and to a scope of
    # its resource server that the client lacks.
    if error == "invalid_grant":
        return InvalidScopeError(said, remedy=_DISABLED_OR_SCOPE)
    return TokenRequestError(said)


def _between(value: Any, low: float, high: float) -> float | None:  # noqa: ANN401 - any JSON
    # Compared before the conversion, since an integer may be too large for a float.
    return float(value) if isinstance(value, (int, float)) and low < value <= high else None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = from_json(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
