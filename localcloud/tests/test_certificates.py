import asyncio
import shutil
import ssl
import stat
import subprocess
from pathlib import Path

import certifi
import pytest

from localcloud.certificates import CertificateAuthority, java_trust_store


async def _handshake(authority: CertificateAuthority, names: list[str], ask_for: str) -> str:
    """Serve one connection with a certificate for some names, and connect by another name."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=authority.server_context(names))
    async with server:
        port = server.sockets[0].getsockname()[1]
        trusting = ssl.create_default_context(cafile=str(authority.certificate_path))
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting, server_hostname=ask_for
        )
        version = str(writer.get_extra_info("ssl_object").version())
        writer.write(b"x")
        writer.close()
        await writer.wait_closed()
        return version


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "host.docker.internal"])
async def test_a_client_that_trusts_the_authority_accepts_its_names(
    tmp_path: Path, name: str
) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path / "ca")
    names = ["localhost", "127.0.0.1", "host.docker.internal"]
    assert await _handshake(authority, names, name) == "TLSv1.3"


async def test_another_name_is_refused(tmp_path: Path) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path / "ca")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"(?i)hostname mismatch"):
        await _handshake(authority, ["localhost"], "example.org")


def test_the_authority_is_reused_and_private(tmp_path: Path) -> None:
    directory = tmp_path / "ca"
    first = CertificateAuthority.load_or_create(directory).certificate_pem
    assert CertificateAuthority.load_or_create(directory).certificate_pem == first
    assert stat.S_IMODE((directory / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_server_keys_are_not_kept_on_disk(tmp_path: Path) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path / "ca")
    authority.server_context(["localhost"])
    assert sorted(path.name for path in authority.directory.iterdir()) == ["ca.key", "ca.pem"]


def test_a_certificate_needs_a_name(tmp_path: Path) -> None:
    authority = CertificateAuthority.load_or_create(tmp_path / "ca")
    with pytest.raises(ValueError, match="at least one name"):
        authority.server_context([])


@pytest.mark.skipif(
    shutil.which("keytool") is None, reason="needs keytool, which comes with a whole JDK only"
)
@pytest.mark.program
def test_java_reads_the_trust_store(tmp_path: Path) -> None:
    authorities = Path(certifi.where()).read_bytes()
    store = tmp_path / "authorities.p12"
    store.write_bytes(java_trust_store(authorities, password="changeit"))
    listed = subprocess.run(
        ["keytool", "-list", "-keystore", store, "-storepass", "changeit"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert listed.count("trustedCertEntry") == authorities.count(b"BEGIN CERTIFICATE")
