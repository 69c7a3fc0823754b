import pytest

from components.endpoints import Endpoints, endpoints, hosted_domain_url
from components.settings import EndpointOverrides

POOL = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example"
ISSUER = f"https://{POOL}"
DOMAIN = "https://graph.auth.eu-west-1.amazoncognito.com"


def overrides(**values: str) -> EndpointOverrides:
    return EndpointOverrides.model_validate(values)


def test_the_addresses_are_cognitos_own() -> None:
    assert endpoints(pool_endpoint=POOL, domain_url=DOMAIN, overrides=overrides()) == Endpoints(
        issuer=ISSUER,
        token_url=f"{DOMAIN}/oauth2/token",
        authorize_url=f"{DOMAIN}/oauth2/authorize",
        discovery_url=f"{ISSUER}/.well-known/openid-configuration",
        jwks_url=f"{ISSUER}/.well-known/jwks.json",
    )


@pytest.mark.parametrize("base", ["http://localhost:4566", "http://localhost:4566/"])
def test_overrides_move_the_addresses_but_not_the_issuer(base: str) -> None:
    known = endpoints(
        pool_endpoint=POOL,
        domain_url=DOMAIN,
        overrides=overrides(cognitoIdp=base, cognitoDomain=base),
    )

    assert known == Endpoints(
        issuer=ISSUER,
        token_url="http://localhost:4566/oauth2/token",
        authorize_url="http://localhost:4566/oauth2/authorize",
        discovery_url="http://localhost:4566/eu-west-1_Example/.well-known/openid-configuration",
        jwks_url="http://localhost:4566/eu-west-1_Example/.well-known/jwks.json",
    )


def test_overrides_are_independent() -> None:
    known = endpoints(
        pool_endpoint=POOL, domain_url=DOMAIN, overrides=overrides(cognitoDomain="http://a.example")
    )

    assert known.token_url == "http://a.example/oauth2/token"
    assert known.jwks_url.startswith(ISSUER)


def test_a_hosted_domain_is_in_its_region() -> None:
    assert hosted_domain_url("graph", "eu-west-1") == DOMAIN
