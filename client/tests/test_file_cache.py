import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from client.tests.site import Site, issuer
from neo4j_mcp_client import (
    AccessToken,
    BackOff,
    ClientCredentials,
    ConfigurationError,
    TokenProvider,
)
from neo4j_mcp_client.file_cache import FileTokenCache
from neo4j_mcp_client.tokens import cache_key

PROCESSES = 8

TAKE = """
import sys
from neo4j_mcp_client import ClientCredentials, TokenProvider
from neo4j_mcp_client.file_cache import FileTokenCache

credentials = ClientCredentials.from_json(sys.argv[2])
print(TokenProvider(credentials, cache=FileTokenCache(sys.argv[1])).token().value)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own" / "tokens.json"


@pytest.fixture
def cache(path: Path) -> FileTokenCache:
    return FileTokenCache(path)


def token(value: str = "t0p", *, left: float = 600) -> AccessToken:
    return AccessToken(value=value, expires_at=time.time() + left, lifetime=3600)


def provider(credentials: ClientCredentials, path: Path) -> TokenProvider:
    return TokenProvider(credentials, cache=FileTokenCache(path))


def test_a_token_is_kept_as_it_was(cache: FileTokenCache) -> None:
    kept = token()
    cache.put("key", kept)
    assert cache.get("key") == kept
    assert cache.get("other") is None


def test_expired_tokens_are_forgotten(cache: FileTokenCache, path: Path) -> None:
    cache.put("old", token(left=-1))
    cache.put("new", token())
    assert set(json.loads(path.read_text(encoding="utf-8"))) == {"new"}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"key": 1}', '{"key": {"value": "x"}}', "\udcff", '{"key": null}']
)
def test_a_damaged_file_is_a_missing_one(cache: FileTokenCache, path: Path, text: str) -> None:
    cache.put("key", token())
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert cache.get("key") is None
    cache.put("key", token())
    assert cache.get("key") is not None


@pytest.mark.program
def test_processes_take_one_token(
    endpoint: Site, credentials: ClientCredentials, path: Path
) -> None:
    endpoint.answer = issuer(delay=0.5)
    secret = json.dumps(
        {
            "clientId": credentials.client_id,
            "clientSecret": credentials.client_secret,
            "tokenUrl": credentials.token_url,
            "scopes": credentials.scopes,
            "mcpUrl": credentials.mcp_url,
        }
    )
    sources = Path(__file__).resolve().parents[1] / "src"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(path), secret],
            env=os.environ | {"PYTHONPATH": str(sources)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    values = {process.communicate(timeout=60)[0] for process in started}
    assert [process.returncode for process in started] == [0] * PROCESSES
    assert len(values) == 1
    assert len(endpoint.requests) == 1


@pytest.mark.program
def test_a_process_uses_the_token_that_another_requested(
    endpoint: Site, credentials: ClientCredentials, path: Path
) -> None:
    mine, others = provider(credentials, path), provider(credentials, path)
    first = mine.token()
    assert others.token() == first
    others.invalidate(first, expired=True)
    second = others.token()
    assert second != first
    # What this process was refused, another has replaced already.
    mine.invalidate(first, expired=True)
    assert mine.token() == second
    assert len(endpoint.requests) == 2


@pytest.mark.usefixtures("endpoint")
def test_clients_have_tokens_of_their_own(credentials: ClientCredentials, path: Path) -> None:
    other = replace(credentials, client_id="client-2")
    fewer = replace(credentials, scopes=())
    elsewhere = replace(credentials, mcp_url="https://elsewhere.example/mcp")
    clients = (credentials, other, fewer, elsewhere)
    assert len({provider(each, path).token().value for each in clients}) == len(clients)
    # A new secret is still the same client.
    assert cache_key(replace(credentials, client_secret="new")) == cache_key(credentials)
    assert "client-1" not in path.read_text(encoding="utf-8")


@pytest.fixture
def held(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700)
    with FileLock(f"{path}.lock", mode=0o600):
        yield


@pytest.mark.usefixtures("held")
def test_a_lock_that_is_never_released_is_reported(
    endpoint: Site, credentials: ClientCredentials, path: Path
) -> None:
    tokens = TokenProvider(
        credentials,
        cache=FileTokenCache(path),
        back_off=BackOff(limit=0.1),
        wait_limit=0.3,
    )
    with pytest.raises(ConfigurationError, match=r"has held .*tokens\.json\.lock"):
        tokens.token()
    assert endpoint.requests == []


def test_a_cache_that_others_can_read_is_refused_and_nothing_is_taken(
    endpoint: Site, credentials: ClientCredentials, path: Path
) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    with pytest.raises(ConfigurationError, match="Others can read"):
        provider(credentials, path).token()
    assert endpoint.requests == []
