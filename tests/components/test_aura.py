from components.aura import group_to_role_mapping, sso_settings
from components.settings import Scope

SCOPES = {
    "reader": Scope(description="x", role="reader"),
    "writer": Scope(description="x", role="publisher"),
}


def test_the_mapping_has_neo4js_syntax() -> None:
    assert group_to_role_mapping(SCOPES) == '"reader"=reader;"writer"=publisher'


def test_the_settings_fill_the_whole_form() -> None:
    assert sso_settings("https://a.example/discovery", ["id-1", "id-2"], SCOPES) == {
        "discoveryUri": "https://a.example/discovery",
        "audience": ["id-1", "id-2"],
        "usernameClaim": "sub",
        "groupsClaim": "groups",
        "groupToRoleMapping": '"reader"=reader;"writer"=publisher',
    }
