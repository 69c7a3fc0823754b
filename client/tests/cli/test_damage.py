"""Files and folders that aren't as the commands left them: a message, and never a traceback."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from client.tests.cli.conftest import Run, document
from client.tests.command import PROGRAM, command_of
from client.tests.site import Site
from neo4j_mcp_client import ClientCredentials
from neo4j_mcp_client.cli.profiles import Profile, Profiles

Damage = Callable[[Path], None]
DEEP = "[" * 100_000


def directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def file(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.touch(mode=0o600)


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def holding(text: str) -> Damage:
    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return write


PROFILE, FOLDER = "config/neo4j-mcp/profiles/default.json", "config/neo4j-mcp/profiles"
TOKENS, CACHE = "cache/neo4j-mcp/tokens/default.json", "cache/neo4j-mcp/tokens"


@pytest.mark.parametrize(
    ("place", "damage", "command", "says"),
    [
        (PROFILE, directory, ("read", "RETURN 1"), "Move the directory away"),
        (PROFILE, directory, ("profiles",), "Move the directory away"),
        (PROFILE, directory, ("logout",), "Move the directory away"),
        (PROFILE, loop, ("read", "RETURN 1"), "Replace the link"),
        (PROFILE, holding(DEEP), ("read", "RETURN 1"), "is damaged"),
        (PROFILE, holding('{"secretArn": 5}'), ("read", "RETURN 1"), "is damaged"),
        (PROFILE, holding('{"caBundle": []}'), ("doctor",), "is damaged"),
        (PROFILE, holding('{"outputs": []}'), ("doctor",), "is damaged"),
        (PROFILE, holding('{"credentials": [1]}'), ("token",), "is damaged"),
        (PROFILE, holding('{"credentials": {"clientId": 5}}'), ("token",), "In the credentials,"),
        (PROFILE, holding('{"caBundle": "/nowhere"}'), ("token",), "has no client's secret"),
        (FOLDER, file, ("profiles",), "Move the file away"),
        (FOLDER, file, ("read", "RETURN 1"), "Move the file away"),
        (TOKENS, directory, ("read", "RETURN 1"), "Move the directory away"),
        (TOKENS, directory, ("logout",), "Move the directory away"),
        (f"{TOKENS}.lock", directory, ("read", "RETURN 1"), "Move the directory away"),
        (CACHE, file, ("read", "RETURN 1"), "Move the file away"),
    ],
)
def test_an_unusable_path_is_reported_with_its_fix(
    logged_in: Run, tmp_path: Path, place: str, damage: Damage, command: tuple[str, ...], says: str
) -> None:
    if place == f"{TOKENS}.lock":
        (tmp_path / TOKENS).unlink()
    damage(tmp_path / place)
    ended = logged_in(*command)
    assert isinstance(ended.exception, SystemExit), ended.exception
    assert ended.exit_code == 3
    assert says in ended.stderr


@pytest.mark.parametrize("text", ["", "{", DEEP, "[]", '{"x": 1}', "\x00"])
def test_a_damaged_token_cache_is_an_empty_one(
    logged_in: Run, tmp_path: Path, endpoint: Site, text: str
) -> None:
    (tmp_path / TOKENS).write_text(text, encoding="utf-8")
    assert document(logged_in("read", "RETURN 1")) == [{"answer": 42}]
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("login", "--credentials", "-"), DEEP),
        (("login", "--credentials", "-"), "\ufeff[]"),
        (("login", "--outputs", "-"), DEEP),
        (("login", "--outputs", "-"), '{"clients": []}'),
        (("login", "--outputs", "-"), '{"clients": {"a": null}}'),
        (("login", "--outputs", "/"), None),
        (("read", "RETURN 1", "--params", DEEP), None),
        (("read", "RETURN 1", "--params", "@/"), None),
        (("read", "--file", "/"), None),
        (("call", "x", "--arguments", "[" * 100_000), None),
    ],
)
def test_invalid_input_is_rejected_with_a_message(
    logged_in: Run, arguments: tuple[str, ...], text: str | None
) -> None:
    ended = logged_in(*arguments, text=text)
    assert isinstance(ended.exception, SystemExit), ended.exception
    assert ended.exit_code in {2, 3}


def test_a_byte_order_mark_is_no_part_of_the_text(
    run: Run, credentials: ClientCredentials, profiles: Profiles
) -> None:
    ended = run("login", "--credentials", "-", text="\ufeff" + credentials.to_json())
    assert ended.exit_code == 0, ended.stderr
    assert profiles.load("default").credentials == credentials


@pytest.mark.program
@pytest.mark.parametrize("kept", [False, True], ids=["the profile", "the token"])
def test_a_disk_that_takes_nothing_more_is_a_message(
    tmp_path: Path, credentials: ClientCredentials, *, kept: bool
) -> None:
    if kept:
        profiles = Profiles(tmp_path / "config" / "neo4j-mcp" / "profiles")
        profiles.save(Profile(name="default", credentials=credentials))
    command = "read 'RETURN 1'" if kept else "login --no-check --credentials -"
    ended = subprocess.run(
        # No file may grow, which Python sees like a full disk.
        ["sh", "-c", f'ulimit -f 0; exec "$@" {command}', "sh", *PROGRAM],
        env=dict(command_of(tmp_path).environment),
        input=credentials.to_json(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "can't be used: File too large" in ended.stderr
    assert json.loads(credentials.to_json())["clientSecret"] not in ended.stderr
