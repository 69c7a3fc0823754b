import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.blanking import BLANK, Blanker

_SECRET = "s3cr3t/value+with&signs"
_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"secret is {_SECRET}.",
        f"Authorization: Basic {base64.b64encode(f'id:{_SECRET}'.encode()).decode()}",
        "client_secret=s3cr3t%2Fvalue%2Bwith%26signs&grant_type=x",
    ],
)
def test_a_known_secret_is_blanked_in_every_form(text: str) -> None:
    blanker = Blanker()
    blanker.learn(_SECRET, username="id")
    blanked = blanker.blank(text)
    assert BLANK in blanked
    assert "s3cr3t" not in blanked
    assert base64.b64encode(f"id:{_SECRET}".encode()).decode() not in blanked


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"Bearer {_TOKEN}", "eyJzdWIi"),
        (f"cut off: {_TOKEN[:40]}", "eyJzdWIi"),
        (f"unsigned: {_TOKEN.rpartition('.')[0]}.", "eyJzdWIi"),
        ('{"access_token": "opaque-but-secret"}', "opaque-but-secret"),
        ('{\\"clientSecret\\": \\"opaque-but-secret\\"}', "opaque-but-secret"),
        ("password=opaque-but-secret&x=1", "opaque-but-secret"),
        ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "MIIE"),
    ],
)
def test_an_unknown_secret_is_blanked_by_its_shape(text: str, hidden: str) -> None:
    assert hidden not in Blanker().blank(text)


@pytest.mark.parametrize(
    "text",
    [
        '"TokenValidityUnits": {"AccessToken": "minutes"}',
        '"tokenUrl": "https://tokens.example/oauth2/token"',
        "Neo.ClientError.Security.TokenExpired",
        "GET https://service.example/mcp",
        "Basic realm=",
    ],
)
def test_other_text_is_not_blanked(text: str) -> None:
    assert Blanker().blank(text) == text


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_known_secret_is_blanked_in_any_text(before: str, after: str) -> None:
    blanker = Blanker()
    blanker.learn(_SECRET)
    assert _SECRET not in blanker.blank(f"{before}{_SECRET}{after}")
