"""What a shell trusts before and after `make -s env`."""

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
    """Read the authorities that OpenSSL finds in a file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=path)
    return set(context.get_ca_certs(binary_form=True))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The folder of a stand-in that was started from a shell that names nothing."""
    found = Home(tmp_path / "home")
    trust.write_bundle({}, found)
    return found


@pytest.fixture
def corporate(tmp_path: Path) -> Path:
    return authority(tmp_path / "corporate")


def test_a_shell_that_names_nothing_trusts_what_it_did_and_the_stand_in(home: Home) -> None:
    set_up = trust.prepare_shell({}, home)
    assert {set_up[name] for name in ALL} == {str(home.certificate_bundle)}
    trusted = certificates(home.certificate_bundle)
    assert trusted >= certificates(certifi.where())
    assert trusted >= certificates(authority(home.authority))


@pytest.mark.parametrize("variable", ALL)
def test_what_a_variable_names_stays_trusted(home: Home, corporate: Path, variable: str) -> None:
    set_up = trust.prepare_shell({variable: str(corporate)}, home)
    for name in ALL:
        trusted = certificates(set_up[name])
        assert trusted >= certificates(corporate)
        assert trusted >= certificates(authority(home.authority))
        # The other tools go on trusting what they did by themselves.
        assert trusted >= certificates(certifi.where())


def test_a_shell_that_trusts_one_authority_alone_gets_no_public_ones(
    home: Home, corporate: Path
) -> None:
    set_up = trust.prepare_shell(dict.fromkeys(ALL, str(corporate)), home)
    assert certificates(set_up["SSL_CERT_FILE"]) == (
        certificates(corporate) | certificates(authority(home.authority))
    )


def test_a_directory_is_added_like_a_file(home: Home, corporate: Path) -> None:
    directory = corporate.parent.parent / "certs"
    directory.mkdir()
    (directory / "corporate.pem").write_bytes(corporate.read_bytes())
    (directory / "dangling.pem").symlink_to("nowhere")
    (directory / "README").write_text("no certificate", encoding="ascii")
    set_up = trust.prepare_shell(dict.fromkeys(ALL, str(directory)), home)
    assert certificates(set_up["SSL_CERT_FILE"]) >= certificates(corporate)


def test_a_second_time_changes_nothing(home: Home, corporate: Path) -> None:
    shell = {"SSL_CERT_FILE": str(corporate)}
    once = shell | trust.prepare_shell(shell, home)
    assert once | trust.prepare_shell(once, home) == once


def test_a_stand_in_that_was_made_again_still_adds_to_what_the_shell_trusted(
    home: Home, corporate: Path, tmp_path: Path
) -> None:
    shell = {"SSL_CERT_FILE": str(corporate)}
    shell |= trust.prepare_shell(shell, home)
    # `make down` takes the bundle of this shell with it.
    again = Home(tmp_path / "again")
    trust.write_bundle(shell, again)
    Path(shell["SSL_CERT_FILE"]).unlink()
    set_up = trust.prepare_shell(shell, again)
    trusted = certificates(set_up["SSL_CERT_FILE"])
    assert trusted >= certificates(corporate)
    assert trusted >= certificates(authority(again.authority))
    assert not trusted & certificates(authority(home.authority))


def test_two_shells_keep_what_is_theirs(home: Home, corporate: Path, tmp_path: Path) -> None:
    other = authority(tmp_path / "other")
    one = trust.prepare_shell(dict.fromkeys(ALL, str(corporate)), home)
    two = trust.prepare_shell(dict.fromkeys(ALL, str(other)), home)
    assert not certificates(one["SSL_CERT_FILE"]) & certificates(other)
    assert not certificates(two["SSL_CERT_FILE"]) & certificates(corporate)


def test_what_a_person_names_afterwards_is_added_too(
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
def test_what_cant_be_used_is_named(
    home: Home, tmp_path: Path, content: str | None, says: str
) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content, encoding="ascii")
    with pytest.raises(LocalCloudError, match=says) as raised:
        trust.prepare_shell({"CURL_CA_BUNDLE": str(path)}, home)
    assert str(raised.value).startswith(f"CURL_CA_BUNDLE names {path}")
    assert str(raised.value).endswith("unset CURL_CA_BUNDLE.")


def test_what_was_trusted_before_is_named_where_it_is_gone(home: Home, corporate: Path) -> None:
    shell = dict.fromkeys(ALL, str(corporate))
    shell |= trust.prepare_shell(shell, home)
    corporate.unlink()
    with pytest.raises(LocalCloudError, match=r"LOCALCLOUD_TRUSTED_BEFORE.*Open a new shell"):
        trust.prepare_shell(shell, home)
