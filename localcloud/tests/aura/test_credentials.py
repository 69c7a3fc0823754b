import stat
from pathlib import Path

from localcloud.aura.configuration import apoc_conf, neo4j_conf
from localcloud.aura.credentials import Credentials, initial_user, load_or_create


def test_the_password_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "credentials.json"
    first = load_or_create(path)
    assert first == load_or_create(path)
    assert len(first.password) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first.password not in repr(first)
    assert load_or_create(tmp_path / "other.json").password != first.password


def test_the_initial_user_has_the_format_of_neo4j() -> None:
    line = initial_user(Credentials("neo4j", "secret"), salt=b"salt")
    name, credential, flags = line.removesuffix("\n").split(":")
    algorithm, digest, salt, iterations = credential.split(",")
    assert (name, flags, algorithm, iterations) == ("neo4j", "", "SHA-256", "1024")
    assert bytes.fromhex(salt) == b"salt"
    assert len(bytes.fromhex(digest)) == 32
    assert "secret" not in line


def test_the_database_is_locked_down() -> None:
    settings = dict(line.split("=", 1) for line in neo4j_conf(bolt_port=7).splitlines())
    assert settings["server.bolt.listen_address"] == "127.0.0.1:7"
    assert settings["dbms.security.auth_enabled"] == "true"
    assert settings["server.http.enabled"] == settings["server.https.enabled"] == "false"
    allowed = settings["dbms.security.procedures.allowlist"].split(",")
    for namespace in ("load", "import", "export", "log", "trigger", "config", "warmup"):
        assert not any(entry.startswith(f"apoc.{namespace}") for entry in allowed)
    assert "apoc.*" not in allowed
    assert "apoc.import.file.enabled=false" in apoc_conf()
    assert "apoc.export.file.enabled=false" in apoc_conf()
