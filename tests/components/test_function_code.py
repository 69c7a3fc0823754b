import base64
import hashlib
import io
import os
import re
import zipfile
from pathlib import Path

from components.function_code import code_sha256, package, write_claims_package

SOURCE = b"def handle(event, context):\n    return event\n"


def test_a_package_contains_only_the_handler_readable_by_lambda() -> None:
    with zipfile.ZipFile(io.BytesIO(package(SOURCE))) as archive:
        (entry,) = archive.infolist()
        assert entry.filename == "handler.py"
        assert entry.external_attr >> 16 == 0o100644
        assert archive.read(entry) == SOURCE


def test_line_endings_of_the_checkout_do_not_change_a_package() -> None:
    assert package(SOURCE.replace(b"\n", b"\r\n")) == package(SOURCE)


def test_a_package_is_the_same_on_every_machine_and_in_every_release() -> None:
    # Another hash would replace the code of every existing stack.
    assert code_sha256(package(SOURCE)) == "7d3GnyH+jfD0RGp48okVVNwPV3SvCohAuOT1TxUK2LE="


def test_the_hash_has_lambdas_encoding() -> None:
    packed = package(SOURCE)
    assert base64.b64decode(code_sha256(packed)) == hashlib.sha256(packed).digest()


def test_the_claims_package_is_one_file_whatever_the_umask(tmp_path: Path) -> None:
    first = write_claims_package(tmp_path)
    before = os.umask(0o077)
    try:
        again = write_claims_package(tmp_path)
    finally:
        os.umask(before)
    assert first == again
    assert list(tmp_path.iterdir()) == [first]
    assert re.fullmatch(r"claims-[0-9a-f]{12}\.zip", first.name)
    assert code_sha256(first.read_bytes())
