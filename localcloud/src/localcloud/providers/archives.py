"""Zip files of assets and archives; equal content gives equal bytes."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from localcloud.providers.schema import ProviderError
from localcloud.providers.values import Archive, Asset

# The earliest date in a zip file: a file's date is not part of the content.
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_FILE_MODE: Final = 0o100644 << 16


def zip_archive(archive: Archive, project_directory: Path) -> bytes:
    """Pack an archive as a zip file; one that is a zip file is returned unchanged.

    Args:
        archive: a folder, a zip file or a map of assets.
        project_directory: the base of relative paths.

    Raises:
        ProviderError: a file is missing, or the kind of archive isn't supported.
    """
    path = _local(archive, project_directory)
    try:
        if path is not None and path.is_file():
            if not zipfile.is_zipfile(path):
                raise ProviderError(f"Unsupported: {path} is neither a folder nor a zip file")
            return path.read_bytes()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in sorted(_members(archive, project_directory, "")):
                entry = zipfile.ZipInfo(name, _DATE)
                entry.external_attr = _FILE_MODE
                entry.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(entry, content)
        return packed.getvalue()
    except OSError as error:
        raise ProviderError(f"an archive's file can't be read: {error}") from error


def _members(archive: Archive, project_directory: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    if (path := _local(archive, project_directory)) is not None:
        if not path.is_dir():
            raise ProviderError(f"there is no folder {path} to archive")
        for file in path.rglob("*"):
            if file.is_file():
                yield f"{prefix}{file.relative_to(path).as_posix()}", file.read_bytes()
    elif archive.assets is not None:
        for name, member in archive.assets.items():
            if isinstance(member, Archive):
                yield from _members(member, project_directory, f"{prefix}{name}/")
            else:
                yield f"{prefix}{name}", _content(member, project_directory)
    else:
        raise ProviderError("Unsupported: the stand-in doesn't fetch archives from addresses")


def _local(archive: Archive, project_directory: Path) -> Path | None:
    return None if archive.path is None else project_directory / archive.path


def _content(asset: Asset, project_directory: Path) -> bytes:
    if asset.path is not None:
        return (project_directory / asset.path).read_bytes()
    if asset.text is not None:
        return asset.text.encode()
    raise ProviderError("Unsupported: the stand-in doesn't fetch assets from addresses")
