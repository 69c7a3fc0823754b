import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.claims.handler import claims_to_add, group_names, handle

# As Cognito's own documentation shows the event, version 3.
EVENT: dict[str, Any] = {
    "version": "3",
    "triggerSource": "TokenGeneration_ClientCredentials",
    "region": "us-east-1",
    "userPoolId": "us-east-1_Example01",
    "userName": "ClientCredentials",
    "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1example23456789"},
    "request": {
        "userAttributes": {},
        "groupConfiguration": {},
        "scopes": ["neo4j-mcp/reader", "neo4j-mcp/writer"],
    },
    "response": {"claimsAndScopeOverrideDetails": None},
}


def event(**request: Any) -> dict[str, Any]:  # noqa: ANN401  any JSON
    changed = copy.deepcopy(EVENT)
    changed["request"].update(request)
    return changed


@pytest.fixture(autouse=True)
def _resource_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESOURCE_SERVER_IDENTIFIER", "neo4j-mcp")


def test_a_tokens_audience_is_its_client_and_its_groups_are_its_scopes() -> None:
    answered = handle(event(), None)

    assert answered["response"] == {
        "claimsAndScopeOverrideDetails": {
            "accessTokenGeneration": {
                "claimsToAddOrOverride": {
                    "aud": "1example23456789",
                    "groups": ["reader", "writer"],
                }
            }
        }
    }


def test_the_rest_of_the_event_is_returned_unchanged() -> None:
    given_event = event()

    answered = handle(given_event, None)

    assert given_event == EVENT
    assert {**answered, "response": EVENT["response"]} == EVENT


def test_client_metadata_changes_nothing() -> None:
    boasting = event(
        clientMetadata={"groups": "admin", "aud": "other", "scopes": "neo4j-mcp/admin"},
        userAttributes={"groups": "admin"},
        groupConfiguration={"groupsToOverride": ["admin"]},
    )

    assert handle(boasting, None) == {**boasting, "response": handle(event(), None)["response"]}


@pytest.mark.parametrize(
    ("scopes", "groups"),
    [
        ([], []),
        (["neo4j-mcp/reader"], ["reader"]),
        (["neo4j-mcp/reader", "neo4j-mcp/reader"], ["reader"]),
        (["other/admin", "neo4j-mcp/reader"], ["reader"]),
        (["neo4j-mcp-2/admin"], []),
        (["neo4j-mcp/admin/reader"], []),
        (["neo4j-mcp/"], []),
        (["neo4j-mcp"], []),
        (["openid", "aws.cognito.signin.user.admin"], []),
    ],
)
def test_only_scopes_of_the_resource_server_become_groups(
    scopes: list[str], groups: list[str]
) -> None:
    assert group_names(scopes, "neo4j-mcp") == groups


def test_an_identifier_may_hold_slashes() -> None:
    assert group_names(["https://graph.example/reader"], "https://graph.example") == ["reader"]
    assert group_names(["https://graph.example/v2/reader"], "https://graph.example") == []


@given(
    scopes=st.lists(
        st.text(max_size=8).map(lambda name: f"neo4j-mcp/{name}") | st.text(max_size=12)
    )
)
def test_every_group_was_granted_as_a_scope(scopes: list[str]) -> None:
    groups = group_names(scopes, "neo4j-mcp")

    assert {f"neo4j-mcp/{group}" for group in groups} <= set(scopes)
    assert len(groups) == len(set(groups))


@pytest.mark.parametrize("scopes", [None, []])
def test_without_scopes_there_are_no_groups(scopes: list[str] | None) -> None:
    assert claims_to_add(event(scopes=scopes), "neo4j-mcp")["groups"] == []


@pytest.mark.parametrize(
    "trigger", ["TokenGeneration_HostedAuth", "TokenGeneration_RefreshTokens", None]
)
def test_other_grants_are_refused(trigger: str | None) -> None:
    with pytest.raises(ValueError, match="only client-credentials tokens"):
        handle({**event(), "triggerSource": trigger}, None)


def test_an_event_without_client_is_refused() -> None:
    with pytest.raises(ValueError, match="names no app client"):
        handle({**event(), "callerContext": {}}, None)


def test_a_function_without_its_setting_issues_no_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RESOURCE_SERVER_IDENTIFIER")

    with pytest.raises(KeyError, match="RESOURCE_SERVER_IDENTIFIER"):
        handle(event(), None)


def test_each_token_is_logged_with_its_client_and_groups(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handle(event(clientMetadata={"password": "hunter2"}), None)

    # A line of its own without a prefix: a metric filter reads JSON only where it is all of it.
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "message": "token",
        "aud": "1example23456789",
        "groups": ["reader", "writer"],
    }
