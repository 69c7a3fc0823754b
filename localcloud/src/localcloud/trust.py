"""Adds the stand-in's certificate authority to those that a person's shell trusts."""

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import certifi

from localcloud.certificates import CertificateAuthority
from localcloud.errors import LocalCloudError
from localcloud.files import write_atomically
from localcloud.paths import Home

VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
"""The variables of OpenSSL and Go, of requests, of curl, and of AWS's tools."""

_BUNDLE = "LOCALCLOUD_CA_BUNDLE"
_BEFORE = "LOCALCLOUD_TRUSTED_BEFORE"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def write_bundle(shell: Mapping[str, str], home: Home) -> None:
    """Write the certificates that the stand-in's own commands trust.

    Args:
        shell: the environment of the shell that starts the stand-in.
        home: the stand-in's folder; its authority is created if it's missing.

    Raises:
        LocalCloudError: certificates that the shell trusts can't be read.
    """
    authority = CertificateAuthority.load_or_create(home.authority)
    write_atomically(home.certificate_bundle, _bundle(_sources(shell), authority))


def write_public_bundle(path: Path, authority: CertificateAuthority) -> None:
    """Write what a machine in the cloud trusts: the public authorities and the stand-in's.

    Raises:
        LocalCloudError: the system's certificates can't be read.
    """
    write_atomically(path, _bundle(_sources({}), authority))


def prepare_shell(shell: Mapping[str, str], home: Home) -> dict[str, str]:
    """Write a bundle of a shell's certificates and the stand-in's, and return its variables.

    Args:
        shell: the shell's environment, which may hold an earlier result of this function.
        home: the stand-in's folder, with its authority.

    Returns:
        The variables that name the bundle, and those that record what it was made from.

    Raises:
        LocalCloudError: certificates that the shell trusts can't be read.
    """
    sources = _sources(shell)
    content = _bundle(sources, CertificateAuthority(directory=home.authority))
    path = home.certificate_bundle
    if content != path.read_text(encoding="ascii"):
        # A separate file, since other shells still use theirs.
        path = path.with_stem(f"{path.stem}-{sha256(content.encode()).hexdigest()[:12]}")
        if not path.exists():
            write_atomically(path, content)
    before = os.pathsep.join(str(source.absolute()) for source in sources.values())
    return {name: str(path) for name in (*VARIABLES, _BUNDLE)} | {_BEFORE: before}


def _sources(shell: Mapping[str, str]) -> dict[str, Path]:
    """List the files and folders that a shell trusts, by the variable that names each."""
    own = shell.get(_BUNDLE)
    found = {
        name: Path(shell[name]) for name in VARIABLES if shell.get(name) and shell[name] != own
    }
    if own is not None:
        earlier = filter(None, shell.get(_BEFORE, "").split(os.pathsep))
        found |= {f"{_BEFORE} ({path})": Path(path) for path in earlier}
    if not all(shell.get(name) for name in VARIABLES):
        # Programs whose variable isn't set trust the system's certificates, or certifi's.
        system = ssl.get_default_verify_paths()
        places = (system.openssl_cafile, system.openssl_capath, certifi.where())
        found |= {path: Path(path) for path in places if Path(path).exists()}
    return found


def _bundle(sources: Mapping[str, Path], authority: CertificateAuthority) -> str:
    certificates = {
        ssl.PEM_cert_to_DER_cert(certificate): certificate
        for name, path in sources.items()
        for certificate in _certificates(name, path)
    }
    return "\n".join([*certificates.values(), authority.certificate_pem])


def _certificates(name: str, path: Path) -> Iterator[str]:
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        # Folders of certificates contain links, some of them broken.
        files = [file for file in files if file == path or file.is_file()]
        texts = [file.read_text(encoding="latin-1") for file in files]
    except OSError as error:
        raise _unusable(name, path, error.strerror or str(error)) from None
    found = [each for text in texts for each in _CERTIFICATE.findall(text)]
    # A system may have none, but a variable that is set must name some.
    if not found and name != str(path):
        raise _unusable(name, path, "it contains no certificate in PEM format")
    yield from found


def _unusable(name: str, path: Path, reason: str) -> LocalCloudError:
    remedy = "Open a new shell" if name.startswith(_BEFORE) else f"Correct it, or: unset {name}"
    return LocalCloudError(f"{name} names {path}, which can't be used: {reason}\n{remedy}.")
