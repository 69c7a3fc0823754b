"""Where the user pool answers: its OAuth 2.0 and OpenID Connect addresses. Pure."""

from dataclasses import dataclass

from components.settings import EndpointOverrides


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The addresses of a user pool.

    Source: "User pool endpoints" in the Amazon Cognito Developer Guide.

    Attributes:
        issuer: the pool's own address, ``iss`` in its tokens.
        token_url: where clients get tokens.
        discovery_url: the OpenID Connect discovery document.
        jwks_url: the public keys of the tokens' signatures.
    """

    issuer: str
    token_url: str
    discovery_url: str
    jwks_url: str


def endpoints(*, pool_endpoint: str, domain_url: str, overrides: EndpointOverrides) -> Endpoints:
    """Work out the addresses of a user pool.

    Args:
        pool_endpoint: the pool's endpoint as Cognito names it, ``<host>/<pool id>``.
        domain_url: base URL of the pool's domain.
        overrides: base URLs in place of Cognito's own. The issuer is no address to connect to
            but a name that tokens carry, so it stays what it is.

    Returns:
        The addresses.
    """
    issuer = f"https://{pool_endpoint}"
    base = issuer
    if overrides.cognito_idp:
        pool_id = pool_endpoint.rpartition("/")[2]
        base = f"{overrides.cognito_idp}/{pool_id}"
    return Endpoints(
        issuer=issuer,
        token_url=f"{overrides.cognito_domain or domain_url}/oauth2/token",
        discovery_url=f"{base}/.well-known/openid-configuration",
        jwks_url=f"{base}/.well-known/jwks.json",
    )


def hosted_domain_url(prefix: str, region: str) -> str:
    """Give the base URL of a hosted domain.

    Args:
        prefix: the domain's prefix.
        region: the AWS region.

    Returns:
        The URL.
    """
    return f"https://{prefix}.auth.{region}.amazoncognito.com"
