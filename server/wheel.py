"""Fetches the official binary from its PyPI wheel with pip, and verifies both."""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from server.errors import ServerImageError
from server.provenance import verify_release
from server.releases import PACKAGE, Release

_DOWNLOAD_TIMEOUT_SECONDS = 300
_BINARY_IN_WHEEL = "neo4j_mcp_server/bin/neo4j-mcp-server"


def fetch_binary(release: Release, cache: Path) -> bytes:
    """Return the server's binary, from the cache if it is there.

    Args:
        release: what to fetch.
        cache: folder that keeps wheels between runs; created if missing. Concurrent runs can share
            it.

    Raises:
        ServerImageError: the download failed, a checksum isn't the pinned one, or the binary was
            built from another version or for another platform than the pinned one.
    """
    wheel = cache / release.wheel_name
    if not wheel.is_file() or _sha256(wheel.read_bytes()) != release.wheel_sha256:
        _download(release, wheel)
    try:
        with zipfile.ZipFile(wheel) as archive:
            binary = archive.read(_BINARY_IN_WHEEL)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ServerImageError(
            f"{wheel} contains no {_BINARY_IN_WHEEL} ({error}): has {PACKAGE} changed its layout?"
        ) from error
    _require(_sha256(binary), release.binary_sha256, f"the binary in {release.wheel_name}")
    verify_release(binary, release)
    return binary


def _download(release: Release, wheel: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise ServerImageError(
            f"{sys.executable} has no pip to fetch {PACKAGE} with: run "
            f"`{sys.executable} -m ensurepip --upgrade`"
        )
    wheel.parent.mkdir(parents=True, exist_ok=True)
    # Inside the cache, so that the last step is an atomic rename.
    with tempfile.TemporaryDirectory(dir=wheel.parent, prefix="download-") as directory:
        _run_pip(release, Path(directory))
        downloaded = Path(directory) / release.wheel_name
        if not downloaded.is_file():
            raise ServerImageError(
                f"pip fetched {sorted(path.name for path in Path(directory).iterdir())} instead of "
                f"{release.wheel_name}"
            )
        _require(_sha256(downloaded.read_bytes()), release.wheel_sha256, release.wheel_name)
        downloaded.replace(wheel)


def _run_pip(release: Release, directory: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--platform",
        release.platform_tag,
        "--dest",
        str(directory),
        f"{PACKAGE}=={release.version}",
    ]
    try:
        result = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ServerImageError(
            f"pip did not fetch {PACKAGE} {release.version} within {_DOWNLOAD_TIMEOUT_SECONDS} s: "
            f"check the network and `pip config list`, then try again"
        ) from error
    if result.returncode != 0:
        raise ServerImageError(
            f"pip could not fetch {PACKAGE} {release.version} (check the network and "
            f"`pip config list`):\n{result.stderr.strip()}"
        )


def _require(found: str, pinned: str, what: str) -> None:
    if found != pinned:
        raise ServerImageError(
            f"{what} has SHA-256 {found}, but server/releases.py pins {pinned}: it is not the "
            f"file that was reviewed, so nothing is built from it. `pip config list` shows where "
            f"it came from"
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
