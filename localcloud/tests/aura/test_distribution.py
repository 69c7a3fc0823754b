from pathlib import Path
from typing import NoReturn

import certifi
import pytest

from localcloud.aura.distribution import (
    LOCK,
    DistributionError,
    checksums,
    differences,
    ensure_jars,
    read_lock,
)


def test_every_jar_is_pinned() -> None:
    pinned = read_lock(LOCK.read_text(encoding="ascii"))
    assert {
        "neo4j-5.26.18.jar",
        "neo4j-server-5.26.18.jar",
        "apoc-core-5.26.18.jar",
        "apoc-common-5.26.18.jar",
        "guava-33.4.8-jre.jar",
    } <= pinned.keys()
    assert all(len(digest) == 64 for digest in pinned.values())


def test_differences_are_described() -> None:
    pinned = {"a.jar": "1", "b.jar": "2", "c.jar": "3"}
    found = {"a.jar": "1", "b.jar": "x", "d.jar": "4"}
    assert differences(pinned, found) == [
        "c.jar is missing",
        "d.jar is not pinned",
        "b.jar has the wrong checksum",
    ]
    assert differences(pinned, pinned) == []


def test_checksums_are_computed_from_the_files(tmp_path: Path) -> None:
    (tmp_path / "x.jar").write_bytes(b"abc")
    assert checksums(tmp_path) == {
        "x.jar": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    }


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock file with one small jar."""
    path = tmp_path / "jars.sha256"
    path.write_text(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  apoc-core-1.jar\n",
        encoding="ascii",
    )
    return path


def _maven(tmp_path: Path, content: str) -> Path:
    """A Maven that fetches one jar."""
    script = tmp_path / "mvn"
    script.write_text(
        "#!/bin/sh\n"
        'for argument in "$@"; do case "$argument" in -DoutputDirectory=*)\n'
        'mkdir -p "${argument#*=}" && '
        f"printf '{content}' > \"${{argument#*=}}/apoc-core-1.jar\";;\n"
        "esac; done\n",
        encoding="ascii",
    )
    script.chmod(0o755)
    return script


def _not_called() -> NoReturn:
    pytest.fail("the jars are in the cache")


def test_jars_are_fetched_once_and_again_if_damaged(tmp_path: Path, lock: Path) -> None:
    cache, shown = tmp_path / "cache", list[str]()
    maven = _maven(tmp_path, "abc")
    java = Path("/usr/bin/java")
    first = ensure_jars(cache, java=java, maven=lambda: maven, progress=shown.append, lock=lock)
    assert first.plugin.read_bytes() == b"abc"
    assert (
        ensure_jars(cache, java=java, maven=_not_called, progress=shown.append, lock=lock) == first
    )
    first.plugin.write_bytes(b"damaged")
    again = ensure_jars(cache, java=java, maven=lambda: maven, progress=shown.append, lock=lock)
    assert again.plugin.read_bytes() == b"abc"
    assert sum("fetching 120 MB" in line for line in shown) == 2


def test_an_interrupted_fetch_is_repeated(tmp_path: Path, lock: Path) -> None:
    cache = tmp_path / "cache"
    maven = _maven(tmp_path, "abc")
    first = ensure_jars(
        cache, java=Path("/usr/bin/java"), maven=lambda: maven, progress=print, lock=lock
    )
    unfinished = first.directory.with_suffix(".unfinished")
    first.directory.rename(unfinished)
    (unfinished / "half.jar").write_bytes(b"x")
    assert (
        ensure_jars(
            cache, java=Path("/usr/bin/java"), maven=lambda: maven, progress=print, lock=lock
        )
        == first
    )
    assert not unfinished.exists()


def test_jars_that_are_not_pinned_are_rejected(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(DistributionError, match="wrong checksum"):
        ensure_jars(
            tmp_path / "cache",
            java=Path("/usr/bin/java"),
            maven=lambda: _maven(tmp_path, "abd"),
            progress=print,
            lock=lock,
        )


def test_missing_maven_is_reported_with_the_fix(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(DistributionError, match="apt-get install maven"):
        ensure_jars(
            tmp_path / "cache",
            java=Path("/usr/bin/java"),
            maven=lambda: None,
            progress=print,
            lock=lock,
        )


def test_maven_trusts_the_authorities_of_the_machine(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    monkeypatch.setenv("MAVEN_OPTS", "-Dgiven=1")
    maven = _maven(tmp_path, "abc")
    with maven.open("a", encoding="ascii") as script:
        script.write(f'echo "$MAVEN_OPTS" > {tmp_path}/options\n')
    ensure_jars(
        tmp_path / "cache",
        java=Path("/usr/bin/java"),
        maven=lambda: maven,
        progress=print,
        lock=lock,
    )
    given, store, kind, _ = (tmp_path / "options").read_text(encoding="ascii").split()
    assert given == "-Dgiven=1"
    assert store.startswith("-Djavax.net.ssl.trustStore=/")
    assert kind == "-Djavax.net.ssl.trustStoreType=PKCS12"


def test_a_bundle_without_certificates_is_reported_by_name(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mvn"))
    with pytest.raises(DistributionError, match=r"SSL_CERT_FILE=.*mvn"):
        ensure_jars(
            tmp_path / "cache",
            java=Path("/usr/bin/java"),
            maven=lambda: _maven(tmp_path, "abc"),
            progress=print,
            lock=lock,
        )
