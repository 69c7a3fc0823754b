from base64 import urlsafe_b64encode

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.tests.site import SIGNING_SECRET
from neo4j_mcp_client import AccessToken


def token(value: str = "a.b.c", *, expires_at: float = 1000, lifetime: float = 600) -> AccessToken:
    return AccessToken(value=value, expires_at=expires_at, lifetime=lifetime)


def test_the_value_is_not_in_repr() -> None:
    assert repr(token("t0p")) == "AccessToken(expires_at=1000, lifetime=600)"


def test_the_server_wants_a_capital_b() -> None:
    assert token("t0p").authorization == "Bearer t0p"


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.text())))
def test_claims_are_those_of_the_jwt(claims: dict[str, object]) -> None:
    payload = {f"_{name}": value for name, value in claims.items()}
    assert token(jwt.encode(payload, SIGNING_SECRET)).claims == payload


@pytest.mark.parametrize(
    "value",
    [
        "opaque",
        "a.b.c",
        "..",
        "a.~~.c",
        f"a.{urlsafe_b64encode(b'[1]').decode()}.c",
    ],
)
def test_a_token_that_isnt_a_jwt_has_no_claims(value: str) -> None:
    assert token(value).claims == {}


@pytest.mark.parametrize(
    ("wanted", "now", "lasts"),
    [
        (60, 939, True),
        (60, 940, False),
        (60, 1001, False),
        # Half of the lifetime is always enough.
        (5000, 699, True),
        (5000, 700, False),
    ],
)
def test_how_long_a_token_lasts(wanted: float, now: float, *, lasts: bool) -> None:
    assert token().lasts(wanted, now) is lasts


@pytest.mark.parametrize("value", ["", "a b", "a\r\nX-Forged: 1", "caf\u00e9", "a=b"])
def test_a_value_that_would_break_a_header_is_rejected(value: str) -> None:
    with pytest.raises(ValueError, match="characters") as raised:
        AccessToken(value=value, expires_at=1.0, lifetime=1.0)
    assert not value or value not in str(raised.value)
