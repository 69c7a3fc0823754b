import json
from pathlib import Path
from typing import Any

import pytest

from localcloud.aura.roles import Role
from localcloud.aura.sso import (
    SsoSettings,
    SsoSettingsError,
    SsoStore,
    is_fetchable,
    parse_mapping,
)

GOOD: dict[str, Any] = {
    "discoveryUri": "https://cognito-idp.eu-west-1.amazonaws.com/p/.well-known/openid-configuration",
    "audience": ["client-1", "client-2"],
    "usernameClaim": "sub",
    "groupsClaim": "groups",
    "groupToRoleMapping": '"reader"=reader;"writer"=publisher',
}


def test_the_output_of_the_stack_is_accepted_unchanged() -> None:
    settings = SsoSettings.parse(json.dumps(GOOD))
    assert settings.audience == ("client-1", "client-2")
    assert settings.roles_by_group == {
        "reader": {Role.READER},
        "writer": {Role.PUBLISHER},
    }
    assert settings.visible is False
    assert json.loads(settings.model_dump_json(by_alias=True)) == {**GOOD, "visible": False}


def test_all_problems_are_reported_at_once() -> None:
    bad = {
        "discoveryUri": "ftp://x",
        "audience": [],
        "groupToRoleMapping": '"a"=editor;"b"=analyst;c',
        "extra": 1,
    }
    with pytest.raises(SsoSettingsError) as caught:
        SsoSettings.parse(json.dumps(bad))
    problems = "\n".join(caught.value.problems)
    for part in (
        "discoveryUri: must be an https URL",
        "audience: ",
        "groupsClaim: ",
        "role 'editor' is not available (Neo4j Community can't enforce it)",
        "role 'analyst' is not available (it is not a built-in role)",
        "'c' is not of the form",
        "extra: ",
    ):
        assert part in problems


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ('"a"=reader', {"a": {Role.READER}}),
        (' "a b" = reader , publisher ; ', {"a b": {Role.READER, Role.PUBLISHER}}),
        ('"x/y"=architect;"z"=admin', {"x/y": {Role.ARCHITECT}, "z": {Role.ADMIN}}),
    ],
)
def test_mappings_are_parsed(mapping: str, expected: dict[str, set[Role]]) -> None:
    assert parse_mapping(mapping) == expected


@pytest.mark.parametrize("mapping", ["", ";", "a=reader", '"a"=', '"a"=reader;"a"=admin', '"a"'])
def test_invalid_mappings_are_rejected(mapping: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_mapping(mapping)


@pytest.mark.parametrize(
    ("uri", "fetchable"),
    [
        ("https://issuer.example/x", True),
        ("http://localhost:4566/x", True),
        ("http://127.0.0.1/x", True),
        ("http://[::1]:1/x", True),
        ("http://issuer.example/x", False),
        ("http://localhost.example/x", False),
        ("https://user:secret@issuer.example/x", False),
        ("https://issuer.example/x#y", False),
        ("https://", False),
        ("http://localhost:99999/x", False),
        ("file:///etc/passwd", False),
    ],
)
def test_only_https_and_this_machine_are_fetchable(uri: str, *, fetchable: bool) -> None:
    assert is_fetchable(uri) is fetchable


def test_settings_are_stored_by_provider_with_the_first_one_first(tmp_path: Path) -> None:
    store = SsoStore(tmp_path)
    assert store.load() == {}
    settings = SsoSettings.parse(json.dumps(GOOD))
    other = settings.model_copy(update={"visible": True})
    store.save("another", other)
    store.save("", settings)
    assert list(store.load().items()) == [("", settings), ("another", other)]
    store.save("", None)
    assert store.load() == {"another": other}
    store.save("another", None)
    assert list(tmp_path.iterdir()) == []
