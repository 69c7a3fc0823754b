import base64
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from components.function_code import (
    CANARY_HANDLER,
    LOG_HANDLER,
    ROTATION_HANDLER,
    PackedFile,
    canary_package,
    claims_package,
    code_sha256,
    log_package,
    package,
    rotation_package,
    write_canary_package,
    write_claims_package,
    write_log_package,
    write_rotation_package,
)

SOURCE = b"def handle(event, context):\n    return event\n"
SOURCES = {"handler.py": SOURCE}


def test_a_package_contains_only_the_handler_readable_by_lambda() -> None:
    with zipfile.ZipFile(io.BytesIO(package(SOURCES))) as archive:
        (entry,) = archive.infolist()
        assert entry.filename == "handler.py"
        assert entry.external_attr >> 16 == 0o100644
        assert archive.read(entry) == SOURCE


def test_line_endings_of_the_checkout_do_not_change_a_package() -> None:
    assert package({"handler.py": SOURCE.replace(b"\n", b"\r\n")}) == package(SOURCES)


def test_a_package_is_the_same_on_every_machine_and_in_every_release() -> None:
    # Another hash would replace the code of every existing stack.
    assert code_sha256(package(SOURCES)) == "7d3GnyH+jfD0RGp48okVVNwPV3SvCohAuOT1TxUK2LE="


def test_the_hash_has_lambdas_encoding() -> None:
    packed = package(SOURCES)
    assert base64.b64decode(code_sha256(packed)) == hashlib.sha256(packed).digest()


def test_the_claims_package_is_the_one_of_the_stacks_that_exist() -> None:
    # A new hash is a deployment of the claims function in every stack: change it knowingly. Last
    # time, the log line lost its prefix, so that CloudWatch can count tokens by client.
    assert code_sha256(claims_package()) == "jaWfnZ9ITOEFTIgZKgq0OEn2uf8JjDldJWGah1ubLOA="


def test_the_order_of_the_sources_does_not_change_a_package() -> None:
    files = {"b.py": b"2", "a.py": b"1"}
    assert package(files) == package(dict(reversed(files.items())))


def test_other_files_are_packed_as_they_are_with_their_modes() -> None:
    program = PackedFile(path="bin/program", content=b"\x7fELF\r\n", mode=0o755)

    with zipfile.ZipFile(io.BytesIO(package(SOURCES, [program]))) as archive:
        entries = [(each.filename, each.external_attr >> 16) for each in archive.infolist()]
        assert archive.read("bin/program") == b"\x7fELF\r\n"
    assert entries == [("bin/program", 0o100755), ("handler.py", 0o100644)]


@pytest.mark.parametrize(
    ("write", "content", "handler"),
    [
        (write_canary_package, canary_package, CANARY_HANDLER),
        (write_log_package, log_package, LOG_HANDLER),
        (write_rotation_package, rotation_package, ROTATION_HANDLER),
    ],
)
def test_a_functions_handler_is_imported_from_its_package_alone(
    write: Callable[[Path], Path], content: Callable[[], bytes], handler: str, tmp_path: Path
) -> None:
    packed = write(tmp_path)
    assert packed.read_bytes() == content()
    module, _, function = handler.rpartition(".")
    source = f"import importlib; print(importlib.import_module({module!r}).{function}.__name__)"

    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=tmp_path,
        env={"PYTHONPATH": str(packed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout == f"{function}\n"


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (write_canary_package, "canary"),
        (write_claims_package, "claims"),
        (write_log_package, "logs"),
        (write_rotation_package, "rotation"),
    ],
)
def test_a_written_package_is_one_file_whatever_the_umask(
    write: Callable[[Path], Path], name: str, tmp_path: Path
) -> None:
    first = write(tmp_path)
    before = os.umask(0o077)
    try:
        again = write(tmp_path)
    finally:
        os.umask(before)
    assert first == again
    assert list(tmp_path.iterdir()) == [first]
    assert re.fullmatch(rf"{name}-[0-9a-f]{{12}}\.zip", first.name)


def test_the_folder_for_packages_is_created(tmp_path: Path) -> None:
    build = tmp_path / "functions" / "build"

    assert write_claims_package(build).parent == build
