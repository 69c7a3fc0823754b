"""Neo4j Community and APOC: fetched once from Maven Central, verified at every start.

pom.xml pins the versions; jars.sha256 pins every jar. `python -m localcloud.aura.distribution`
writes jars.sha256 again after a change of pom.xml.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localcloud import commands
from localcloud.certificates import java_trust_store
from localcloud.errors import LocalCloudError
from localcloud.files import folder_when_complete, write_atomically
from localcloud.locks import locked

_POM: Final = Path(__file__).with_name("pom.xml")
LOCK: Final = Path(__file__).with_name("jars.sha256")
_GOAL: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_FETCH_SECONDS: Final = 600
_APOC: Final = "apoc-core-"
# Java requires one; the authorities are not secret.
_STORE_PASSWORD: Final = "changeit"  # noqa: S105 - the usual one

Progress = Callable[[str], None]
"""Shows one line about the work in progress."""


class DistributionError(LocalCloudError):
    """The jars can't be fetched, or differ from the pinned ones."""


@dataclass(frozen=True)
class Distribution:
    """The jars of the database.

    Attributes:
        directory: the folder that contains all of them and nothing else.
    """

    directory: Path

    @property
    def classpath(self) -> str:
        """Java's class path of all jars."""
        return str(self.directory / "*")

    @property
    def plugin(self) -> Path:
        """APOC's jar, which is also copied to the database's plug-in folder."""
        return next(self.directory.glob(f"{_APOC}*.jar"))


def ensure_jars(
    cache: Path,
    *,
    java: Path,
    maven: Callable[[], Path | None],
    progress: Progress,
    lock: Path = LOCK,
) -> Distribution:
    """Fetch the jars to the cache unless they are there, and verify every checksum.

    Args:
        cache: the cache folder; created if it is missing.
        java: the Java that runs Maven.
        maven: finds Maven; called only if jars are missing.
        progress: shows slow steps.
        lock: the file of pinned checksums.

    Raises:
        LocalCloudError: the jars can't be fetched, or differ from the pinned ones.
    """
    pinned = read_lock(lock.read_text(encoding="ascii"))
    directory = folder(cache, lock)
    name = directory.name
    with locked(cache / f"{name}.lock", timeout=2 * _FETCH_SECONDS, work="fetching Neo4j's jars"):
        if directory.is_dir():
            if not differences(pinned, checksums(directory)):
                return Distribution(directory)
            progress("Neo4j: the cached jars are damaged; fetching them again")
            shutil.rmtree(directory)
        with folder_when_complete(directory) as unfinished:
            _fetch(unfinished, java=java, maven=maven(), progress=progress)
            if wrong := differences(pinned, checksums(unfinished)):
                raise DistributionError(
                    "Maven delivered jars that differ from jars.sha256: " + "; ".join(wrong)
                )
    return Distribution(directory)


def folder(cache: Path, lock: Path = LOCK) -> Path:
    """Return the path of the jars' folder, which exists once they are fetched."""
    # Each version of the lock has its own folder, so that two versions never mix.
    return cache / f"neo4j-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


def read_lock(text: str) -> dict[str, str]:
    """Parse pinned checksums by file name.

    Args:
        text: lines of a SHA-256 in hexadecimal, two spaces and a file name.
    """
    return {name: digest for digest, name in (line.split("  ", 1) for line in text.splitlines())}


def checksums(directory: Path) -> dict[str, str]:
    """Compute the SHA-256 in hexadecimal of each file in a folder."""
    result = {}
    for path in sorted(directory.iterdir()):
        with path.open("rb") as file:
            result[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return result


def differences(pinned: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Compare checksums by file name, and describe each difference in one line."""
    return [
        *(f"{name} is missing" for name in sorted(pinned.keys() - found.keys())),
        *(f"{name} is not pinned" for name in sorted(found.keys() - pinned.keys())),
        *(
            f"{name} has the wrong checksum"
            for name in sorted(pinned.keys() & found.keys())
            if pinned[name] != found[name]
        ),
    ]


def _fetch(directory: Path, *, java: Path, maven: Path | None, progress: Progress) -> None:
    if maven is None:
        raise DistributionError(
            "Neo4j's jars are not in the cache, and Maven is missing: "
            "install it (Debian: apt-get install maven), or pass its path with --maven"
        )
    progress("Neo4j: fetching 120 MB of jars from Maven Central (about a minute)")
    began = time.monotonic()
    command = [
        str(maven),
        "--batch-mode",
        "--quiet",
        "--no-transfer-progress",
        f"--file={_POM}",
        _GOAL,
        f"-DoutputDirectory={directory}",
        "-DincludeScope=runtime",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        options = [os.environ.get("MAVEN_OPTS", ""), *_trusted_authorities(Path(scratch))]
        environment = {
            "JAVA_HOME": str(java.resolve().parent.parent),
            "MAVEN_OPTS": " ".join(options),
        }
        commands.run(
            command,
            purpose="Fetching Neo4j's jars",
            timeout=_FETCH_SECONDS,
            remedy=(
                "See whether this machine reaches Maven Central or its mirror"
                " (~/.m2/settings.xml), and run this again: it continues with what it has."
            ),
            environment=environment,
        )
    progress(f"Neo4j: fetched in {time.monotonic() - began:.0f} s")


def _trusted_authorities(directory: Path) -> list[str]:
    """Make Maven trust the certificates in SSL_CERT_FILE, which Java itself ignores.

    Args:
        directory: a folder for Java's trust store.

    Returns:
        Options for Java; none if SSL_CERT_FILE isn't set, so that Java uses its own store.

    Raises:
        DistributionError: SSL_CERT_FILE contains no certificates.
    """
    bundle = os.environ.get("SSL_CERT_FILE")
    if not bundle:
        return []
    store = directory / "authorities.p12"
    try:
        store.write_bytes(java_trust_store(Path(bundle).read_bytes(), password=_STORE_PASSWORD))
    except (OSError, ValueError) as error:
        raise DistributionError(f"SSL_CERT_FILE={bundle} can't be used: {error}") from None
    return [
        f"-Djavax.net.ssl.trustStore={store}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
        f"-Djavax.net.ssl.trustStorePassword={_STORE_PASSWORD}",
    ]


def _relock() -> None:
    java, maven = shutil.which("java"), shutil.which("mvn")
    if java is None or maven is None:
        raise DistributionError("java and mvn are needed on PATH")
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "jars"
        _fetch(
            directory,
            java=Path(java),
            maven=Path(maven),
            progress=lambda line: print(line, file=sys.stderr),  # noqa: T201 - a command
        )
        lines = [f"{digest}  {name}\n" for name, digest in checksums(directory).items()]
    write_atomically(LOCK, "".join(lines))


if __name__ == "__main__":
    _relock()
