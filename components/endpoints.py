"""The user pool's OAuth 2.0 and OpenID Connect addresses. Pure."""

from dataclasses import dataclass

from components.settings import EndpointOverrides


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The addresses of a user pool.

    Source: "User pool endpoints" in the Amazon Cognito Developer Guide.

    Attributes:
        issuer: the pool's own address, ``iss`` in its tokens.
        token_url: where clients get tokens.
        authorize_url: where people would sign in; metadata of OAuth 2.0 has to name it.
        discovery_url: the OpenID Connect discovery document.
        jwks_url: the public keys that verify the tokens' signatures.
    """

    issuer: str
    token_url: str
    authorize_url: str
    discovery_url: str
    jwks_url: str


def endpoints(*, pool_endpoint: str, domain_url: str, overrides: EndpointOverrides) -> Endpoints:
    """Return the addresses of a user pool.

    Args:
        pool_endpoint: the pool's endpoint as Cognito returns it, ``<host>/<pool id>``.
        domain_url: base URL of the pool's domain.
        overrides: base URLs that replace Cognito's own. The issuer is a name in tokens rather
            than an address to connect to, so no override changes it.
    """
    issuer = f"https://{pool_endpoint}"
    base = issuer
    if overrides.cognito_idp:
        pool_id = pool_endpoint.rpartition("/")[2]
        base = f"{overrides.cognito_idp}/{pool_id}"
    domain = overrides.cognito_domain or domain_url
    return Endpoints(
        issuer=issuer,
        token_url=f"{domain}/oauth2/token",
        authorize_url=f"{domain}/oauth2/authorize",
        discovery_url=f"{base}/.well-known/openid-configuration",
        jwks_url=f"{base}/.well-known/jwks.json",
    )


def hosted_domain_url(prefix: str, region: str) -> str:
    """Return the base URL of a hosted domain."""
    return f"https://{prefix}.auth.{region}.amazoncognito.com"
