"""Packs the time-zone database into the uncompressed zip archive that Go's library reads."""

import io
import zipfile
from importlib import resources

_UNIX = 3
_MODE = 0o644
_REGULAR_FILE = 0o100000
# 1980-01-01, the earliest time that a zip archive can express.
_DATE = (1980, 1, 1, 0, 0, 0)


def time_zones() -> bytes:
    """Return every zone of the pinned ``tzdata`` package, such as ``Europe/Berlin``.

    The same version of the package makes the same bytes on every machine.
    """
    package = resources.files("tzdata")
    names = sorted(package.joinpath("zones").read_text(encoding="utf-8").split())
    archive = io.BytesIO()
    # Go reads no compressed entry. Source: loadTzinfoFromZip in its time/zoneinfo_read.go.
    with zipfile.ZipFile(archive, "w", compression=zipfile.ZIP_STORED) as packed:
        for name in names:
            entry = zipfile.ZipInfo(name, date_time=_DATE)
            # The default is the system Python runs on.
            entry.create_system = _UNIX
            entry.external_attr = (_REGULAR_FILE | _MODE) << 16
            packed.writestr(entry, package.joinpath("zoneinfo", *name.split("/")).read_bytes())
    return archive.getvalue()
