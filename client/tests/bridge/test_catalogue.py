"""The catalogues of known servers, and damaged ones."""

import json
from pathlib import Path

import pytest

from neo4j_mcp_client.bridge.catalogue import Catalogue, KnownServers, release_catalogue
from server.releases import RELEASES

TOOL = {"name": "read-cypher", "inputSchema": {"type": "object"}}
CATALOGUE = Catalogue(instructions="Hello.", tools=(TOOL,))


def test_a_server_is_known_by_each_of_its_names(tmp_path: Path) -> None:
    known = KnownServers(tmp_path / "servers")
    assert known.recall(["https://a/mcp"]) is None
    known.remember(["https://a/mcp", "arn:b"], CATALOGUE)
    assert known.recall(["arn:b"]) == CATALOGUE
    assert known.recall(["unknown", "https://a/mcp"]) == CATALOGUE
    assert known.recall(["https://c/mcp"]) is None
    assert known.recall([]) is None
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "servers").iterdir()} == {0o600}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"instructions": ""}',
        '{"instructions": "", "tools": {}, "x": 1',
        '{"instructions": "", "tools": [1]}',
        '{"instructions": "", "tools": [{"name": 1}]}',
        '{"instructions": "", "tools": [{"name": "no schema"}]}',
    ],
)
def test_a_damaged_file_is_passed_over(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    known = KnownServers(tmp_path / "servers")
    known.remember(["https://a/mcp"], CATALOGUE)
    (path,) = (tmp_path / "servers").iterdir()
    path.write_text(text, encoding="utf-8")
    assert known.recall(["https://a/mcp"]) is None
    assert str(path) in caplog.text


def test_a_folder_that_others_can_enter_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "servers"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    KnownServers(folder).remember(["https://a/mcp"], CATALOGUE)
    assert list(folder.iterdir()) == []
    assert "chmod 700" in caplog.text


def test_the_recorded_release_is_one_that_is_deployed() -> None:
    path = Path("client/src/neo4j_mcp_client/bridge/release.json")
    assert json.loads(path.read_text(encoding="utf-8"))["version"] in RELEASES
    assert {"get-schema", "read-cypher", "write-cypher"} == {
        tool["name"] for tool in release_catalogue().tools
    }
