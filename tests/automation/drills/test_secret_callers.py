import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import httpx2
import pytest

from automation.blanking import Blanker
from automation.drills.secret_callers import (
    RENEWAL_SECONDS,
    Issued,
    LibraryCaller,
    Numbers,
    SecretKeeper,
    TokenLog,
    TokenRefusedError,
    count,
    summarize,
)
from automation.proxy import Proxy, Request, Response
from neo4j_mcp_client import ClientCredentials, InvalidClientError, Neo4jMcp, TokenProvider

_ROWS = b"""{"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text",
    "text": "[{\\"one\\": 1}]"}]}}"""


@dataclass
class Site:
    """A token endpoint and a server; the endpoint accepts some secrets."""

    accepted: set[str] = field(default_factory=lambda: {"first-secret"})
    requested: list[str] = field(default_factory=list)
    now: float = 0.0

    def clock(self) -> float:
        return self.now

    def respond(self, request: Request) -> Response:
        if request.path == "/mcp":
            return Response(status=200, body=_ROWS)
        credentials = base64.b64decode(request.headers["authorization"].partition(" ")[2])
        secret = credentials.decode().partition(":")[2]
        self.requested.append(secret)
        if secret not in self.accepted:
            return Response(status=400, body=b'{"error": "invalid_client"}')
        token = {"access_token": f"token-{len(self.requested)}", "expires_in": 3600}
        return Response(status=200, body=json.dumps(token).encode())


@pytest.fixture
def site() -> Site:
    return Site()


class Source:
    """A secret that is read once, and again when the library asks for it."""

    def __init__(self, credentials: ClientCredentials) -> None:
        self.stored = credentials
        self._read = credentials

    def current(self) -> ClientCredentials:
        return self._read

    def refresh(self) -> bool:
        before, self._read = self._read, self.stored
        return self._read != before

    def rotate(self, secret: str) -> None:
        self.stored = replace(self.stored, client_secret=secret)


@pytest.fixture
def source(site: Site) -> Iterator[Source]:
    with Proxy(site.respond) as proxy:
        yield Source(
            ClientCredentials(
                client_id="client",
                client_secret="first-secret",
                token_url=f"{proxy.url}/token",
                mcp_url=f"{proxy.url}/mcp",
            )
        )


@pytest.fixture
def tokens(site: Site) -> TokenLog:
    return TokenLog(Numbers(Blanker()), site.clock)


@pytest.fixture
def keeper(site: Site, source: Source, tokens: TokenLog) -> Iterator[SecretKeeper]:
    with httpx2.Client() as http:
        yield SecretKeeper(lambda: source.stored, http, tokens, site.clock)


@pytest.fixture
def library_caller(site: Site, source: Source, tokens: TokenLog) -> Iterator[LibraryCaller]:
    provider = TokenProvider(source)
    with Neo4jMcp(source.current().mcp_url, provider) as client:
        yield LibraryCaller(client, provider, source, tokens, site.clock)


def test_a_keeper_takes_a_new_token_when_it_has_used_one_for_a_while(
    keeper: SecretKeeper, site: Site, tokens: TokenLog
) -> None:
    keeper.call()
    keeper.call()
    assert len(site.requested) == 1
    site.now = RENEWAL_SECONDS
    keeper.call()
    assert tokens.issued == (Issued(at=0.0, secret=1), Issued(at=RENEWAL_SECONDS, secret=1))


def test_a_keeper_keeps_its_secret_until_it_is_restarted(
    keeper: SecretKeeper, site: Site, source: Source, tokens: TokenLog
) -> None:
    source.rotate("second-secret")
    site.accepted = {"first-secret", "second-secret"}
    keeper.call()
    keeper.restart()
    keeper.call()
    assert site.requested == ["first-secret", "second-secret"]
    assert [each.secret for each in tokens.issued] == [1, 2]


def test_a_keeper_fails_once_its_secret_is_deleted(
    keeper: SecretKeeper, site: Site, source: Source
) -> None:
    source.rotate("second-secret")
    site.accepted = {"second-secret"}
    with pytest.raises(TokenRefusedError, match=r"HTTP 400: .*invalid_client"):
        keeper.call()
    keeper.restart()
    keeper.call()


def test_a_caller_of_the_library_rereads_a_deleted_secret(
    library_caller: LibraryCaller, site: Site, source: Source, tokens: TokenLog
) -> None:
    library_caller.call()
    source.rotate("second-secret")
    site.now = RENEWAL_SECONDS
    site.accepted.add("second-secret")
    library_caller.call()
    site.now = 2 * RENEWAL_SECONDS
    site.accepted.remove("first-secret")
    library_caller.call()
    library_caller.call()
    assert [each.secret for each in tokens.issued] == [1, 1, 2]


def test_a_caller_of_the_library_fails_without_a_valid_secret(
    library_caller: LibraryCaller, site: Site
) -> None:
    site.accepted.clear()
    with pytest.raises(InvalidClientError):
        library_caller.call()


def test_secrets_have_numbers_and_are_blanked(source: Source) -> None:
    blanker = Blanker()
    numbers = Numbers(blanker)
    first = source.stored
    source.rotate("second-secret")
    assert [numbers.number(each) for each in (first, source.stored, first)] == [1, 2, 1]
    assert blanker.blank("first-secret second-secret") == "••• •••"


def test_tokens_are_counted_by_secret_and_time() -> None:
    issued = [Issued(at=1.0, secret=1), Issued(at=2.0, secret=1), Issued(at=2.0, secret=2)]
    assert count(issued, secret=1) == 2
    assert count(issued, secret=1, since=2.0) == 1
    assert count(issued, secret=2, since=2.5) == 0


def test_tokens_are_summarized_by_secret() -> None:
    issued = [Issued(at=1.0, secret=1), Issued(at=2.26, secret=1), Issued(at=3.0, secret=2)]
    assert summarize(issued) == {
        "client secret 1": {"tokens": 2, "first": 1.0, "last": 2.3},
        "client secret 2": {"tokens": 1, "first": 3.0, "last": 3.0},
    }
    assert summarize([]) == {}
