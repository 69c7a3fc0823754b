import base64

import pytest

from localcloud.aws.cognito.token_request import TokenRequest, TokenRequestError, with_basic

_GRANT = b"grant_type=client_credentials"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def test_credentials_in_the_header() -> None:
    request = TokenRequest.parse(basic("caller:s3:cret"), b"grant_type=client_credentials")
    assert request == TokenRequest(
        grant_type="client_credentials", client_id="caller", client_secret="s3:cret"
    )


def test_credentials_in_the_form() -> None:
    body = b"grant_type=client_credentials&client_id=caller&client_secret=a%2Bb"
    assert TokenRequest.parse(None, body) == TokenRequest(
        grant_type="client_credentials", client_id="caller", client_secret="a+b"
    )


def test_credentials_in_the_header_are_percent_decoded() -> None:
    assert TokenRequest.parse(basic("caller:a%2Fb+c"), _GRANT).client_secret == "a/b+c"


def test_a_client_id_in_the_form_may_accompany_the_header() -> None:
    request = TokenRequest.parse(basic("caller:secret"), _GRANT + b"&client_id=caller")
    assert request.client_id == "caller"


def test_a_request_without_credentials_has_none() -> None:
    assert TokenRequest.parse(None, _GRANT) == TokenRequest(
        grant_type="client_credentials", client_id="", client_secret=""
    )


def test_no_secret_is_in_a_repr() -> None:
    assert "s3cret" not in repr(TokenRequest.parse(basic("caller:s3cret"), _GRANT))


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (basic("caller:secret").replace("Basic", "Bearer"), "invalid_client"),
        (f"{basic('caller:secret')}!", "invalid_client"),
        ("Basic", "invalid_client"),
        ("Basic !!!", "invalid_client"),
        ("Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "invalid_client"),
        (basic("no-colon"), "invalid_client"),
    ],
)
def test_a_malformed_header_is_refused_without_showing_it(header: str, error: str) -> None:
    body = b"client_id=caller&client_secret=s3cret"
    with pytest.raises(TokenRequestError) as raised:
        TokenRequest.parse(header, body)
    assert raised.value.error == error
    assert "s3cret" not in str(raised.value)


def test_two_client_secrets_are_refused() -> None:
    with pytest.raises(TokenRequestError) as raised:
        TokenRequest.parse(basic("caller:secret"), b"client_secret=secret")
    assert raised.value.error == "invalid_request"


def test_other_credentials_replace_all_in_the_header() -> None:
    scope = {
        "headers": [(b"Authorization", b"Basic old"), (b"host", b"x"), (b"authorization", b"older")]
    }
    changed = with_basic(scope, "caller", "a/b+c:d")
    assert [name for name, _ in changed["headers"]] == [b"host", b"authorization"]
    header = dict(changed["headers"])[b"authorization"].decode()
    assert TokenRequest.parse(header, _GRANT).client_secret == "a/b+c:d"


def test_a_request_without_a_grant_type_is_invalid() -> None:
    with pytest.raises(TokenRequestError, match="grant_type") as raised:
        TokenRequest.parse(basic("caller:secret"), b"scope=graph%2Freader")
    assert raised.value.error == "invalid_request"
