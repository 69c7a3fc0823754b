import pytest

from localcloud.aws.cognito.models import ClientSecrets
from localcloud.aws.protocol import ApiError

_POOL = "us-east-1_pool"
_CLIENT = "caller"
_ORIGINAL = "the-original-secret-of-the-client"
_OWN = "an_own_secret_of_twenty_four_and_more"
_PARAMETERS = {"UserPoolId": _POOL, "ClientId": _CLIENT}


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float = 1_000.5) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client_secrets(clock: Clock) -> ClientSecrets:
    created = ClientSecrets(clock=clock)
    created.register({"UserPoolId": _POOL, "ClientId": _CLIENT, "ClientSecret": _ORIGINAL})
    return created


def accepts(client_secrets: ClientSecrets, presented: str) -> bool:
    client = client_secrets.find(_CLIENT)
    assert client is not None
    return client_secrets.accepts(client, presented)


def ids(client_secrets: ClientSecrets) -> list[str]:
    return [each["ClientSecretId"] for each in client_secrets.list(_PARAMETERS)["ClientSecrets"]]


def code(client_secrets: ClientSecrets, operation: str, **changes: object) -> str:
    with pytest.raises(ApiError) as raised:
        getattr(client_secrets, operation)({**_PARAMETERS, **changes})
    return raised.value.code


def test_an_app_client_starts_with_its_original_secret(client_secrets: ClientSecrets) -> None:
    assert client_secrets.list(_PARAMETERS) == {
        "ClientSecrets": [{"ClientSecretId": "caller--1000", "ClientSecretCreateDate": 1000}]
    }
    assert accepts(client_secrets, _ORIGINAL)
    assert not accepts(client_secrets, _OWN)
    assert not accepts(client_secrets, "")


def test_a_generated_secret_is_shown_once(client_secrets: ClientSecrets) -> None:
    added = client_secrets.add(_PARAMETERS)["ClientSecretDescriptor"]
    assert accepts(client_secrets, added["ClientSecretValue"])
    assert accepts(client_secrets, _ORIGINAL)
    assert added["ClientSecretValue"] not in str(client_secrets.list(_PARAMETERS))


def test_an_own_secret_is_never_shown(client_secrets: ClientSecrets, clock: Clock) -> None:
    clock.now = 1_060.9
    added = client_secrets.add({**_PARAMETERS, "ClientSecret": _OWN})
    assert added == {
        "ClientSecretDescriptor": {
            "ClientSecretId": "caller--1060",
            "ClientSecretCreateDate": 1060,
        }
    }
    assert accepts(client_secrets, _OWN)
    assert ids(client_secrets) == ["caller--1000", "caller--1060"]


def test_no_secret_is_in_a_repr(client_secrets: ClientSecrets) -> None:
    client_secrets.add({**_PARAMETERS, "ClientSecret": _OWN})
    shown = repr(client_secrets.find(_CLIENT))
    assert _CLIENT in shown
    assert _ORIGINAL not in shown
    assert _OWN not in shown


def test_a_third_secret_is_refused(client_secrets: ClientSecrets) -> None:
    client_secrets.add(_PARAMETERS)
    assert code(client_secrets, "add") == "LimitExceededException"
    client_secrets.delete({**_PARAMETERS, "ClientSecretId": ids(client_secrets)[0]})
    client_secrets.add(_PARAMETERS)
    assert len(ids(client_secrets)) == 2


def test_a_deleted_secret_is_no_longer_accepted(client_secrets: ClientSecrets) -> None:
    client_secrets.add({**_PARAMETERS, "ClientSecret": _OWN})
    assert client_secrets.delete({**_PARAMETERS, "ClientSecretId": "caller--1000"}) == {}
    assert not accepts(client_secrets, _ORIGINAL)
    assert accepts(client_secrets, _OWN)


def test_the_last_secret_cannot_be_deleted(client_secrets: ClientSecrets) -> None:
    last = {"ClientSecretId": "caller--1000"}
    assert code(client_secrets, "delete", **last) == "InvalidParameterException"
    assert accepts(client_secrets, _ORIGINAL)


def test_an_unknown_secret_cannot_be_deleted(client_secrets: ClientSecrets) -> None:
    client_secrets.add(_PARAMETERS)
    unknown = {"ClientSecretId": "caller--999"}
    assert code(client_secrets, "delete", **unknown) == "ResourceNotFoundException"
    assert len(ids(client_secrets)) == 2


def test_secrets_of_the_same_second_have_different_ids(client_secrets: ClientSecrets) -> None:
    client_secrets.add(_PARAMETERS)
    seen = set(ids(client_secrets))
    for _ in range(3):
        client_secrets.delete({**_PARAMETERS, "ClientSecretId": ids(client_secrets)[-1]})
        client_secrets.add(_PARAMETERS)
        assert ids(client_secrets)[-1] not in seen
        seen.add(ids(client_secrets)[-1])


@pytest.mark.parametrize("operation", ["add", "list", "delete"])
@pytest.mark.parametrize("changes", [{"ClientId": "another"}, {"UserPoolId": "us-east-1_another"}])
def test_an_unknown_app_client_is_not_found(
    client_secrets: ClientSecrets, operation: str, changes: dict[str, str]
) -> None:
    assert (
        code(client_secrets, operation, ClientSecretId="caller--1000", **changes)
        == "ResourceNotFoundException"
    )


def test_a_public_client_has_no_secrets_and_gets_none(client_secrets: ClientSecrets) -> None:
    client_secrets.register({"UserPoolId": _POOL, "ClientId": "public"})
    assert client_secrets.list({**_PARAMETERS, "ClientId": "public"}) == {"ClientSecrets": []}
    assert code(client_secrets, "add", ClientId="public") == "InvalidParameterException"
    shown = {"ClientId": "public"}
    assert client_secrets.describe(shown) == shown


def test_a_page_after_the_first_is_refused(client_secrets: ClientSecrets) -> None:
    assert code(client_secrets, "list", NextToken="2") == "InvalidParameterException"


def test_the_original_disappears_from_the_description_for_good(
    client_secrets: ClientSecrets,
) -> None:
    shown = {"ClientId": _CLIENT, "ClientName": "x", "ClientSecret": _ORIGINAL}
    client_secrets.add(_PARAMETERS)
    assert client_secrets.describe(shown) == shown
    client_secrets.delete({**_PARAMETERS, "ClientSecretId": "caller--1000"})
    assert client_secrets.describe(shown) == {"ClientId": _CLIENT, "ClientName": "x"}
    client_secrets.add({**_PARAMETERS, "ClientSecret": _ORIGINAL + "x"})
    client_secrets.delete({**_PARAMETERS, "ClientSecretId": ids(client_secrets)[0]})
    assert "ClientSecret" not in client_secrets.describe(shown)


def test_the_originals_value_added_again_is_not_the_original(
    client_secrets: ClientSecrets,
) -> None:
    client_secrets.add({**_PARAMETERS, "ClientSecret": _ORIGINAL})
    client_secrets.delete({**_PARAMETERS, "ClientSecretId": "caller--1000"})
    assert accepts(client_secrets, _ORIGINAL)
    shown = {"ClientId": _CLIENT, "ClientSecret": _ORIGINAL}
    assert client_secrets.describe(shown) == {"ClientId": _CLIENT}


def test_the_second_secrets_deletion_leaves_the_description_as_it_was(
    client_secrets: ClientSecrets,
) -> None:
    added = client_secrets.add(_PARAMETERS)["ClientSecretDescriptor"]["ClientSecretId"]
    client_secrets.delete({**_PARAMETERS, "ClientSecretId": added})
    shown = {"ClientId": _CLIENT, "ClientSecret": _ORIGINAL}
    assert client_secrets.describe(shown) == shown


def test_an_added_secret_is_accepted_after_the_delay(
    client_secrets: ClientSecrets, clock: Clock
) -> None:
    client_secrets.set_delay(60)
    client_secrets.add({**_PARAMETERS, "ClientSecret": _OWN})
    assert not accepts(client_secrets, _OWN)
    assert accepts(client_secrets, _ORIGINAL)
    clock.now += 59.9
    assert not accepts(client_secrets, _OWN)
    clock.now += 0.1
    assert accepts(client_secrets, _OWN)


def test_another_delay_is_for_secrets_that_are_added_after_it(
    client_secrets: ClientSecrets,
) -> None:
    client_secrets.set_delay(60)
    client_secrets.add({**_PARAMETERS, "ClientSecret": _OWN})
    client_secrets.set_delay(0)
    assert not accepts(client_secrets, _OWN)


def test_a_deleted_app_client_is_forgotten(client_secrets: ClientSecrets) -> None:
    client_secrets.forget_client(_CLIENT)
    assert client_secrets.find(_CLIENT) is None
    client_secrets.forget_client(_CLIENT)


def test_a_deleted_pools_app_clients_are_forgotten(client_secrets: ClientSecrets) -> None:
    others = {"UserPoolId": "us-east-1_other", "ClientId": "other", "ClientSecret": "x" * 24}
    client_secrets.register(others)
    client_secrets.forget_pool(_POOL)
    assert client_secrets.find(_CLIENT) is None
    assert client_secrets.find("other") is not None
