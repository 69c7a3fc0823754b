"""A process that uses what a container has: it counts as the container's own.

It needs the kernel's control groups of this machine, as the Docker Engine does.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import docker

_GROUPS: Final = Path("/sys/fs/cgroup")
_USED: Final = 0.93
"""The part of its memory that a container then uses: more than the alarm's threshold."""
_STOP: Final = 30.0

# It joins the groups before it uses anything, and ends with the container, or these groups couldn't
# be removed.
_JOIN: Final = """
import os, sys, time
_, container, size, *groups = sys.argv
for each in groups:
    with open(each, "w") as file:
        file.write(str(os.getpid()))
"""
_BURN: Final = f"""{_JOIN}
while os.path.exists(f"/proc/{{container}}"):
    pass
"""
_FILL: Final = f"""{_JOIN}
kept = bytearray(int(size))
for at in range(0, len(kept), 4096):
    kept[at] = 1
while os.path.exists(f"/proc/{{container}}"):
    time.sleep(0.05)
"""


@contextmanager
def busy(image: str) -> Iterator[None]:
    """Use all processors that the containers of an image may use."""
    with _next_to(image, _BURN):
        yield


@contextmanager
def full(image: str) -> Iterator[None]:
    """Use most of the memory that the containers of an image may use."""
    with _next_to(image, _FILL):
        yield


@contextmanager
def _next_to(image: str, program: str) -> Iterator[None]:
    with ExitStack() as started:
        engine = docker.from_env()
        started.callback(engine.close)
        for container in engine.containers.list():
            if container.attrs["Config"]["Image"] != image:
                continue
            # Typed as a stream by the SDK's stubs, which this is not.
            stats: Any = container.stats(stream=False)
            limit = container.attrs["HostConfig"]["Memory"]
            size = int(limit * _USED) - stats["memory_stats"]["usage"]
            pid = container.attrs["State"]["Pid"]
            process = subprocess.Popen(
                [sys.executable, "-c", program, str(pid), str(size), *_groups(pid)]
            )
            started.callback(_stop, process)
        yield


def _groups(pid: int) -> Sequence[str]:
    """Return the files that a process's control groups list their processes in."""
    files = []
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        folder = _GROUPS / controllers / path.lstrip("/")
        if {"cpu", "cpuacct", "memory", ""} & set(controllers.split(",")) and folder.is_dir():
            files.append(str(folder / "cgroup.procs"))
    return files


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(timeout=_STOP)
