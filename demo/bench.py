"""`make bench-demo`: how long `make demo` takes cold, repeated while up, and warm.

It runs in a separate clone with empty caches and other ports, so that it doesn't disturb a running
demo. It uses what the operating system has installed (Docker, Java, Go).
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from rich.table import Table

from automation.interruption import graceful_shutdown
from localcloud.ports import PORT_VARIABLES
from localcloud.terminal import console

_REPOSITORY = Path(__file__).resolve().parent.parent

_TIMEOUT = 1800
_PORTS = {"aws": "14566", "services": "18443-18462", "bolt": "17687", "console": "17474"}


def main() -> None:
    """Measure, and print the seconds in a table."""
    with tempfile.TemporaryDirectory(prefix="bench-demo-") as directory:
        clone = Path(directory) / "clone"
        subprocess.run(
            ["git", "clone", "--quiet", str(_REPOSITORY), str(clone)],
            check=True,
            timeout=_TIMEOUT,
        )
        environment = _empty_caches(Path(directory))
        try:
            seconds = {
                "cold: a fresh clone, empty caches": _make("demo", clone, environment),
                "repeated: while it is up": _make("demo", clone, environment),
            }
            _make("down", clone, environment)
            seconds["warm: after `make down`"] = _make("demo", clone, environment)
        finally:
            _make("down", clone, environment)
    table = Table("make demo", "seconds", title=f"On {os.cpu_count()} cores")
    for situation, duration in seconds.items():
        table.add_row(situation, f"{duration:.1f}")
    console().print(table)


def _empty_caches(directory: Path) -> dict[str, str]:
    """Point every cache that a start fills to an empty folder."""
    cache = str(directory / "cache")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("LOCALCLOUD_")},
        **{variable: _PORTS[port] for port, variable in PORT_VARIABLES.items()},
        "XDG_CACHE_HOME": cache,
        "PIP_CACHE_DIR": f"{cache}/pip",
        "UV_CACHE_DIR": f"{cache}/uv",
        "GOCACHE": f"{cache}/go-build",
        "GOMODCACHE": f"{cache}/go-modules",
        "GOFLAGS": "-modcacherw",
        "MAVEN_OPTS": f"-Dmaven.repo.local={cache}/maven",
    }


def _make(target: str, clone: Path, environment: dict[str, str]) -> float:
    started = time.monotonic()
    subprocess.run(
        ["make", "--silent", target], cwd=clone, env=environment, check=True, timeout=_TIMEOUT
    )
    return time.monotonic() - started


if __name__ == "__main__":
    with graceful_shutdown():
        main()
