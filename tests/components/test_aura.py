import pytest

from components.aura import audience, group_to_role_mapping, neo4j_conf, sso_settings
from components.settings import Client, Scope

SCOPES = {
    "reader": Scope(description="x", role="reader"),
    "writer": Scope(description="x", role="publisher"),
}


def test_the_mapping_has_neo4js_syntax() -> None:
    assert group_to_role_mapping(SCOPES) == '"reader"=reader;"writer"=publisher'


@pytest.mark.parametrize(
    ("enabled", "expected"),
    [
        ((True, True), ("id-1", "id-2")),
        ((True, False), ("id-1",)),
        ((False, True), ("id-2",)),
        # An empty audience would accept every token of the pool.
        ((False, False), ("id-1", "id-2")),
    ],
)
def test_the_audience_is_the_enabled_clients(
    enabled: tuple[bool, bool], expected: tuple[str, ...]
) -> None:
    clients = {
        name: Client(scopes=("reader",), enabled=each)
        for name, each in zip(("a", "b"), enabled, strict=True)
    }

    assert audience({"a": "id-1", "b": "id-2"}, clients) == expected


def test_the_settings_fill_the_whole_form() -> None:
    assert sso_settings("https://a.example/discovery", ["id-1", "id-2"], SCOPES) == {
        "discoveryUri": "https://a.example/discovery",
        "audience": ["id-1", "id-2"],
        "usernameClaim": "sub",
        "groupsClaim": "groups",
        "groupToRoleMapping": '"reader"=reader;"writer"=publisher',
    }


def test_neo4j_conf_has_the_same_values() -> None:
    lines = neo4j_conf(sso_settings("https://a.example/discovery", ["id-1", "id-2"], SCOPES))

    oidc = "dbms.security.oidc.cognito"
    assert lines.splitlines() == [
        "dbms.security.authentication_providers=oidc-cognito,native",
        "dbms.security.authorization_providers=oidc-cognito,native",
        f"{oidc}.display_name=Machines only",
        f"{oidc}.well_known_discovery_uri=https://a.example/discovery",
        f"{oidc}.audience=id-1,id-2",
        f"{oidc}.claims.username=sub",
        f"{oidc}.claims.groups=groups",
        f"{oidc}.config=token_type_principal=access_token;token_type_authentication=access_token",
        f'{oidc}.authorization.group_to_role_mapping="reader"=reader;"writer"=publisher',
    ]
