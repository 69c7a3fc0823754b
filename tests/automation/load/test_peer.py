"""Calls of the Python peer, and its process."""

import json
import socket
from pathlib import Path

import psutil
import pytest

from automation.load.mix import DEFAULT, Entry, Mix, read_mix
from automation.load.peer import PeerError, peer_mix, running_peer
from neo4j_mcp_client import ForbiddenError
from neo4j_mcp_client.calls import Reply

SECRET = "a-secret-token"


def _reply(text: str, *, is_error: bool = False) -> Reply:
    result = {"content": [{"type": "text", "text": text}], "isError": is_error}
    event = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result})
    body = f": ping\r\n\r\nevent: message\r\ndata: {event}\r\n\r\n"
    return Reply(status=200, body=body.encode())


def test_the_same_calls_are_made_of_its_tools() -> None:
    mix = read_mix(DEFAULT)
    made = peer_mix(mix)
    assert [(each.name, each.weight) for each in made.entries] == [
        (each.name, each.weight) for each in mix.entries
    ]
    bodies = [json.loads(each.call("run-7").body)["params"] for each in made.entries]
    assert [each["name"] for each in bodies] == [
        "read_neo4j_cypher",
        "write_neo4j_cypher",
        "get_neo4j_schema",
    ]
    assert bodies[1]["arguments"]["params"] == {"id": "run-7"}


def test_a_result_is_read_from_its_event() -> None:
    call = peer_mix(read_mix(DEFAULT)).entries[0].call("run-7")
    assert call.read(_reply('[{"number": 1}]')) == [{"number": 1}]


def test_a_failed_tool_is_a_failure() -> None:
    call = peer_mix(read_mix(DEFAULT)).entries[0].call("run-7")
    with pytest.raises(ForbiddenError):
        call.read(
            _reply("failed: Neo4jError: Neo.ClientError.Security.Forbidden (no)", is_error=True)
        )


def test_a_tool_that_it_lacks_is_refused() -> None:
    with pytest.raises(PeerError, match="has no list-gds-procedures"):
        peer_mix(Mix(entries=(Entry(name="gds", tool="list-gds-procedures"),)))


@pytest.mark.program
@pytest.mark.slow
def test_it_serves_on_a_socket_that_only_this_user_reaches_until_the_end() -> None:
    """Installing it takes a while once, which is more than all these tests."""
    before = set(psutil.Process().children())
    with running_peer(
        uri="bolt://127.0.0.1:1", database="neo4j", schema_sample_size=10, token=SECRET
    ) as peer:
        (process,) = set(psutil.Process().children()) - before
        assert SECRET not in f"{process.cmdline()} {process.environ()} {peer}"
        assert peer.socket.parent.stat().st_mode & 0o077 == 0
        peer.use("another")
        assert b"read_neo4j_cypher" in _tools(peer.socket)
    assert not process.is_running()
    assert not peer.socket.exists()


def _tools(path: Path) -> bytes:
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
    head = (
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(path))
        connection.sendall(head.encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))
