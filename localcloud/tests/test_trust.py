"""The certificates that a shell trusts before and after `make -s env`."""

import ssl
from pathlib import Path

import certifi
import pytest

from localcloud import trust
from localcloud.certificates import CertificateAuthority
from localcloud.errors import LocalCloudError
from localcloud.paths import Home

ALL = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")


def authority(folder: Path) -> Path:
    return CertificateAuthority.load_or_create(folder).certificate_path


def certificates(path: str | Path) -> set[bytes]:
    """Read the authorities of a file with OpenSSL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=path)
    return set(context.get_ca_certs(binary_form=True))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The folder of a stand-in that was started from a shell without certificate variables."""
    found = Home(tmp_path / "home")
    trust.write_bundle({}, found)
    return found


@pytest.fixture
def corporate(tmp_path: Path) -> Path:
    return authority(tmp_path / "corporate")


def test_the_stand_in_is_added_to_the_default_certificates(home: Home) -> None:
    set_up = trust.prepare_shell({}, home)
    assert {set_up[name] for name in ALL} == {str(home.certificate_bundle)}
    trusted = certificates(home.certificate_bundle)
    assert trusted >= certificates(certifi.where())
    assert trusted >= certificates(authority(home.authority))


@pytest.mark.parametrize("variable", ALL)
def test_certificates_that_a_variable_names_stay_trusted(
    home: Home, corporate: Path, variable: str
) -> None:
    set_up = trust.prepare_shell({variable: str(corporate)}, home)
    for name in ALL:
        trusted = certificates(set_up[name])
        assert trusted >= certificates(corporate)
        assert trusted >= certificates(authority(home.authority))
        # The other tools still trust their own defaults.
        assert trusted >= certificates(certifi.where())


def test_a_shell_with_only_its_own_authority_gets_no_public_ones(
    home: Home, corporate: Path
) -> None:
    set_up = trust.prepare_shell(dict.fromkeys(ALL, str(corporate)), home)
    assert certificates(set_up["SSL_CERT_FILE"]) == (
        certificates(corporate) | certificates(authority(home.authority))
    )


def test_a_folder_of_certificates_is_added(home: Home, corporate: Path) -> None:
    directory = corporate.parent.parent / "certs"
    directory.mkdir()
    (directory / "corporate.pem").write_bytes(corporate.read_bytes())
    (directory / "dangling.pem").symlink_to("nowhere")
    (directory / "README").write_text("no certificate", encoding="ascii")
    set_up = trust.prepare_shell(dict.fromkeys(ALL, str(directory)), home)
    assert certificates(set_up["SSL_CERT_FILE"]) >= certificates(corporate)


def test_preparing_a_shell_twice_changes_nothing(home: Home, corporate: Path) -> None:
    shell = {"SSL_CERT_FILE": str(corporate)}
    once = shell | trust.prepare_shell(shell, home)
    assert once | trust.prepare_shell(once, home) == once


def test_a_shell_keeps_its_certificates_when_the_stand_in_is_recreated(
    home: Home, corporate: Path, tmp_path: Path
) -> None:
    shell = {"SSL_CERT_FILE": str(corporate)}
    shell |= trust.prepare_shell(shell, home)
    # `make down` removes this shell's bundle.
    again = Home(tmp_path / "again")
    trust.write_bundle(shell, again)
    Path(shell["SSL_CERT_FILE"]).unlink()
    set_up = trust.prepare_shell(shell, again)
    trusted = certificates(set_up["SSL_CERT_FILE"])
    assert trusted >= certificates(corporate)
    assert trusted >= certificates(authority(again.authority))
    assert not trusted & certificates(authority(home.authority))


def test_two_shells_do_not_share_their_certificates(
    home: Home, corporate: Path, tmp_path: Path
) -> None:
    other = authority(tmp_path / "other")
    one = trust.prepare_shell(dict.fromkeys(ALL, str(corporate)), home)
    two = trust.prepare_shell(dict.fromkeys(ALL, str(other)), home)
    assert not certificates(one["SSL_CERT_FILE"]) & certificates(other)
    assert not certificates(two["SSL_CERT_FILE"]) & certificates(corporate)


def test_certificates_that_are_set_later_are_added(
    home: Home, corporate: Path, tmp_path: Path
) -> None:
    other = authority(tmp_path / "other")
    shell = {"SSL_CERT_FILE": str(corporate)}
    shell |= trust.prepare_shell(shell, home) | {"SSL_CERT_FILE": str(other)}
    trusted = certificates(trust.prepare_shell(shell, home)["SSL_CERT_FILE"])
    assert trusted >= certificates(corporate) | certificates(other)


@pytest.mark.parametrize(
    ("content", "says"), [(None, "No such file"), ("", "no certificate in PEM format")]
)
def test_invalid_certificate_files_are_reported(
    home: Home, tmp_path: Path, content: str | None, says: str
) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content, encoding="ascii")
    with pytest.raises(LocalCloudError, match=says) as raised:
        trust.prepare_shell({"CURL_CA_BUNDLE": str(path)}, home)
    assert str(raised.value).startswith(f"CURL_CA_BUNDLE names {path}")
    assert str(raised.value).endswith("unset CURL_CA_BUNDLE.")


def test_deleted_certificate_files_are_reported(home: Home, corporate: Path) -> None:
    shell = dict.fromkeys(ALL, str(corporate))
    shell |= trust.prepare_shell(shell, home)
    corporate.unlink()
    with pytest.raises(LocalCloudError, match=r"LOCALCLOUD_TRUSTED_BEFORE.*\nOpen a new shell"):
        trust.prepare_shell(shell, home)
