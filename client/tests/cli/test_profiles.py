import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from neo4j_mcp_client import ClientCredentials, ConfigurationError
from neo4j_mcp_client.cli.connection import find_profile
from neo4j_mcp_client.cli.login import secret_of
from neo4j_mcp_client.cli.profiles import Profile, Profiles

ARN = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x"
CREDENTIALS = ClientCredentials(
    client_id="client-1",
    client_secret="hush-hush",
    token_url="https://issuer.example/token",
    scopes=("a/b",),
    mcp_url="https://server.example/mcp",
)


@pytest.fixture
def profiles(tmp_path: Path) -> Profiles:
    return Profiles(tmp_path / "profiles", tmp_path / "tokens")


def test_a_profile_comes_back_as_it_was_kept(profiles: Profiles) -> None:
    for kept in (
        Profile(
            name="a",
            secret_arn=ARN,
            aws_profile="dev",
            aws_endpoint_url="http://localhost:4566",
            ca_bundle="/ca.pem",
            neo4j_uri="neo4j+s://x",
            outputs={"issuer": "https://issuer.example"},
        ),
        Profile(name="b", credentials=CREDENTIALS),
    ):
        profiles.save(kept)
        assert profiles.load(kept.name) == kept
    assert profiles.names() == ["a", "b"]


def test_only_the_owner_can_read_a_profile(profiles: Profiles) -> None:
    path = profiles.save(Profile(name="a", credentials=CREDENTIALS))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="Others can read"):
        profiles.load("a")


def test_a_secret_is_in_no_repr() -> None:
    assert "hush-hush" not in repr(Profile(name="a", credentials=CREDENTIALS))


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".a", "a" * 65])
def test_a_name_that_would_leave_the_folder_is_refused(profiles: Profiles, name: str) -> None:
    with pytest.raises(ConfigurationError, match="a valid profile name"):
        profiles.load(name)


@pytest.mark.parametrize("text", ["", "[]", "{", "3"])
def test_a_damaged_profile_is_reported_with_its_remedy(profiles: Profiles, text: str) -> None:
    profiles.save(Profile(name="a", secret_arn=ARN)).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="damaged") as raised:
        profiles.load("a")
    assert "logout --profile a" in raised.value.remedy


def test_a_removed_profile_takes_its_tokens_along(profiles: Profiles) -> None:
    profiles.save(Profile(name="a", secret_arn=ARN))
    tokens = profiles.token_cache("a")
    tokens.parent.mkdir()
    tokens.touch()
    profiles.remove("a")
    assert not tokens.exists()
    with pytest.raises(ConfigurationError, match="no profile a"):
        profiles.remove("a")


def test_a_missing_profile_names_those_that_are_there(profiles: Profiles) -> None:
    profiles.save(Profile(name="other", secret_arn=ARN))
    with pytest.raises(ConfigurationError, match="Existing profiles: other"):
        profiles.load("default")


def test_which_credentials_a_command_uses(profiles: Profiles) -> None:
    profiles.save(Profile(name="default", secret_arn=ARN, ca_bundle="/kept.pem"))
    profiles.save(Profile(name="named", secret_arn="arn:named"))
    from_arn = {"NEO4J_MCP_SECRET_ARN": "arn:environment"}
    from_variables = {
        "NEO4J_MCP_CLIENT_ID": "client-2",
        "NEO4J_MCP_CLIENT_SECRET": "s",
        "NEO4J_MCP_TOKEN_URL": "https://issuer.example/token",
        "NEO4J_MCP_URL": "https://server.example/mcp",
    }
    named = find_profile("named", profiles=profiles, environment=from_arn)
    assert named.secret_arn == "arn:named"
    assert find_profile(None, profiles=profiles, environment=from_arn).secret_arn == (
        "arn:environment"
    )
    variables = find_profile(None, profiles=profiles, environment=from_variables)
    assert variables.credentials is not None
    assert variables.credentials.client_id == "client-2"
    assert find_profile(None, profiles=profiles, environment={}).secret_arn == ARN
    given = find_profile(None, profiles=profiles, environment={}, ca_bundle="/given.pem")
    assert given.ca_bundle == "/given.pem"


def test_the_secret_of_a_client() -> None:
    one = {"clients": {"agent": {"secretArn": ARN}}}
    two = {"clients": {"agent": {"secretArn": ARN}, "other": {"secretArn": "arn:other"}}}
    assert secret_of(one, None) == ARN
    assert secret_of(two, "other") == "arn:other"
    with pytest.raises(ConfigurationError, match="several clients: agent, other"):
        secret_of(two, None)
    with pytest.raises(ConfigurationError, match="no client nobody"):
        secret_of(two, "nobody")
    wrong_ones: list[dict[str, Any]] = [{}, {"clients": {}}, {"clients": "x"}]
    for wrong in (*wrong_ones, {"clients": {"agent": {}}}):
        with pytest.raises(ConfigurationError):
            secret_of(wrong, "agent")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_saved_secret_is_only_in_the_profiles_file(profiles: Profiles, tmp_path: Path) -> None:
    path = profiles.save(Profile(name="a", credentials=CREDENTIALS))
    holding = [
        file
        for file in tmp_path.rglob("*")
        if file.is_file() and "hush-hush" in file.read_text(encoding="utf-8")
    ]
    assert holding == [path]
    assert json.loads(path.read_text(encoding="utf-8"))["credentials"]["clientId"] == "client-1"
