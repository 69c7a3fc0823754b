import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from localcloud import processes
from localcloud.errors import LocalCloudError
from localcloud.processes import Found, RunningProcess, Service, State

pytestmark = pytest.mark.program

_SERVE = """
import os, signal, sys
fd = int(sys.argv[sys.argv.index("--ready-fd") + 1])
os.write(fd, b'{"pid": "%d"}\\n' % os.getpid())
os.close(fd)
signal.pause()
"""
_FAIL = "import sys; print('no such thing as a port', file=sys.stderr); sys.exit(3)"
# The shell prints its id before Python would have started.
_HANG = ["sh", "-c", "echo $$; exec sleep 60"]
_STUBBORN = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
fd = int(sys.argv[sys.argv.index("--ready-fd") + 1])
os.write(fd, b'{"child": "%d"}\\n' % child.pid)
os.close(fd)
signal.pause()
"""


def _service(program: str | list[str], *, timeout: float = 20) -> Service:
    return Service(
        name="example",
        command=[sys.executable, "-c", program] if isinstance(program, str) else program,
        directory=Path.cwd(),
        environment={},
        timeout=timeout,
    )


def _start(tmp_path: Path, service: Service) -> dict[str, str]:
    return processes.start(service, records=tmp_path / "services", logs=tmp_path / "logs")


def _find(tmp_path: Path) -> Found:
    return processes.find("example", records=tmp_path / "services")


def _record(tmp_path: Path) -> str:
    return (tmp_path / "services" / "example.json").read_text(encoding="utf-8")


def test_a_service_is_started_once_found_and_stopped(tmp_path: Path) -> None:
    addresses = _start(tmp_path, _service(_SERVE))
    try:
        assert psutil.pid_exists(int(addresses["pid"]))
        found = _find(tmp_path)
        assert (found.state, found.addresses) == (State.RUNNING, addresses)
        assert found.pid == int(addresses["pid"])
        # A second start would fail: it finds the first.
        assert _start(tmp_path, _service(_FAIL)) == addresses
    finally:
        processes.stop("example", records=tmp_path / "services")
    assert _find(tmp_path).state is State.STOPPED
    assert list((tmp_path / "services").iterdir()) == []


def test_the_log_of_a_service_that_fails_to_start_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="no such thing as a port"):
        _start(tmp_path, _service(_FAIL))
    assert _find(tmp_path).state is State.STOPPED


def test_a_service_that_never_serves_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="didn't start"):
        _start(tmp_path, _service(_HANG, timeout=1))
    assert list((tmp_path / "services").iterdir()) == []
    pid = int((tmp_path / "logs" / "example.log").read_text(encoding="utf-8"))
    assert not psutil.pid_exists(pid)


def test_a_lookup_changes_nothing_and_the_next_start_replaces_a_half_started_service(
    tmp_path: Path,
) -> None:
    records = tmp_path / "services"
    first = int(_start(tmp_path, _service(_SERVE))["pid"])
    # The record of a service that is starting, or whose starter was killed.
    processes.record("example", RunningProcess.of(first), records=records)
    before = _record(tmp_path)
    assert _find(tmp_path) == Found(state=State.STARTING, addresses={}, pid=first)
    assert psutil.pid_exists(first)
    assert _record(tmp_path) == before
    try:
        second = int(_start(tmp_path, _service(_SERVE))["pid"])
        assert second != first
        assert not psutil.pid_exists(first)
    finally:
        processes.stop("example", records=records)


def test_the_addresses_of_a_dead_service_are_known(tmp_path: Path) -> None:
    addresses = _start(tmp_path, _service(_SERVE))
    process = psutil.Process(int(addresses["pid"]))
    process.kill()
    process.wait(10)
    assert _find(tmp_path) == Found(state=State.DIED, addresses=addresses, pid=process.pid)


def test_another_process_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    records = tmp_path / "services"
    records.mkdir()
    earlier = RunningProcess(pid=os.getpid(), started=1.0)
    processes.record("example", earlier, records=records, addresses={"url": "x"})
    assert _find(tmp_path).state is State.DIED
    processes.stop("example", records=records)
    assert psutil.Process().is_running()


def test_a_service_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    child = int(_start(tmp_path, _service(_STUBBORN))["child"])
    processes.stop("example", records=tmp_path / "services", grace=0.2)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and time.monotonic() < deadline:
        os.sched_yield()
    assert not psutil.pid_exists(child)


def test_ctrl_c_in_the_terminal_does_not_reach_a_service(tmp_path: Path) -> None:
    pid = int(_start(tmp_path, _service(_SERVE))["pid"])
    try:
        assert os.getpgid(pid) != os.getpgrp()
    finally:
        processes.stop("example", records=tmp_path / "services")


def test_a_service_that_another_process_stopped_leaves_no_zombie(tmp_path: Path) -> None:
    records = tmp_path / "services"
    first = _start(tmp_path, _service(_SERVE))
    code = (
        "from pathlib import Path; from localcloud import processes;"
        f" processes.stop('example', records=Path({str(records)!r}))"
    )
    # Well within the grace period, after which it would be killed with its children.
    subprocess.run([sys.executable, "-c", code], check=True, timeout=10)
    # A zombie, until its starter waits for it.
    assert psutil.pid_exists(int(first["pid"]))
    second = _start(tmp_path, _service(_SERVE))
    processes.stop("example", records=records)
    assert not psutil.pid_exists(int(first["pid"]))
    assert not psutil.pid_exists(int(second["pid"]))
