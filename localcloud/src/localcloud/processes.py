"""Starts, finds and stops the stand-in's processes, each detached from the command that did it."""

import contextlib
import enum
import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from localcloud.errors import LocalCloudError
from localcloud.files import tail, write_atomically

_STOP_TIMEOUT = 15.0
_KILL_TIMEOUT = 5.0
_POLL = 0.02

_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this process itself started, so that it takes the exit status of what ends."""


@dataclass(frozen=True, kw_only=True)
class RunningProcess:
    """A process that this machine runs now, told apart from a later one with the same id.

    Attributes:
        pid: its process id.
        started: when it started, in seconds since 1970.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Describe a process that runs.

        Args:
            pid: its process id.

        Returns:
            The description.

        Raises:
            LocalCloudError: no such process runs.
        """
        try:
            return cls(pid=pid, started=psutil.Process(pid).create_time())
        except psutil.NoSuchProcess as error:
            raise LocalCloudError(f"Process {pid} has ended.") from error

    def process(self) -> psutil.Process | None:
        """Find the process.

        Returns:
            The process; None where it has ended, even if its id is in use again.
        """
        try:
            process = psutil.Process(self.pid)
            if process.create_time() != self.started:
                return None
        except psutil.NoSuchProcess:
            return None
        return process if _runs(process) else None

    def stop(self) -> None:
        """End the process, and its children where it doesn't end them itself.

        It gets 15 seconds to end by itself.
        """
        process = self.process()
        if process is not None:
            self._end(process)
        if self.pid in _children:
            _children.pop(self.pid).wait(_KILL_TIMEOUT)

    @staticmethod
    def _end(process: psutil.Process) -> None:
        children = process.children(recursive=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
        _wait_for_end([process], _STOP_TIMEOUT)
        survivors = [each for each in (process, *children) if _runs(each)]
        for survivor in survivors:
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()
        _wait_for_end(survivors, _KILL_TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Service:
    """A process of the stand-in that announces what it serves.

    Attributes:
        name: names its log and its record.
        command: the program and its arguments, without `--ready-fd`.
        directory: the folder it runs in.
        environment: what is added to this process's environment.
        timeout: how long it may take to serve, in seconds.
    """

    name: str
    command: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    timeout: float


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> RunningProcess:
    """Start a process of a session of its own, which outlives this one.

    Args:
        command: the program and its arguments.
        log: the file that its output is added to.
        directory: the folder it runs in; this process's where none is given.
        environment: what is added to this process's environment.
        pass_fds: the file descriptors that it inherits.

    Returns:
        The process.

    Raises:
        OSError: the program can't be run.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    _children[process.pid] = process
    return RunningProcess.of(process.pid)


class State(enum.StrEnum):
    """What became of a service."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPED = "stopped"
    DIED = "died"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is known of a service.

    Attributes:
        state: what became of it.
        addresses: what it serves, or served before it died, by name.
        pid: its process; None where it was stopped or never started.
    """

    state: State
    addresses: Mapping[str, str]
    pid: int | None


def start(service: Service, *, records: Path, logs: Path) -> dict[str, str]:
    """Start a service, or find it running, and wait until it serves.

    One that is starting was left behind by a command that ended before it served: only one
    command at a time may start services.

    Args:
        service: what to start.
        records: the folder that keeps which process a service is.
        logs: the folder of the logs.

    Returns:
        What the service serves, by name.

    Raises:
        LocalCloudError: it ended, or didn't serve in time; with the end of its log.
    """
    found = find(service.name, records=records)
    if found.state is State.RUNNING:
        return dict(found.addresses)
    stop(service.name, records=records)
    records.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{service.name}.log"
    read_end, write_end = os.pipe()
    try:
        running = spawn(
            [*service.command, "--ready-fd", str(write_end)],
            log=log,
            directory=service.directory,
            environment=service.environment,
            pass_fds=[write_end],
        )
    finally:
        os.close(write_end)
    # Known before it serves, so that an interrupted start leaves nothing that nobody can find.
    remember(service.name, running, records=records)
    try:
        addresses = _wait_for_line(read_end, service.timeout)
    except BaseException:
        stop(service.name, records=records)
        raise
    if addresses is None:
        stop(service.name, records=records)
        raise LocalCloudError(
            f"The stand-in's {service.name} didn't start. The end of {log}:\n{tail(log)}"
        )
    remember(service.name, running, records=records, addresses=addresses)
    return addresses


def remember(
    name: str,
    running: RunningProcess,
    *,
    records: Path,
    addresses: Mapping[str, str] | None = None,
) -> None:
    """Keep which process a service is.

    Args:
        name: the service's name.
        running: its process.
        records: the folder that keeps it.
        addresses: what it serves, by name; none as long as it doesn't.
    """
    content = {"pid": running.pid, "started": running.started, "addresses": dict(addresses or {})}
    write_atomically(_record(name, records), json.dumps(content))


def find(name: str, *, records: Path) -> Found:
    """Look what became of a service; nothing is signalled or written.

    Args:
        name: the service's name.
        records: the folder that keeps which process a service is.

    Returns:
        What is known of it.
    """
    known = _read(name, records)
    if known is None:
        return Found(state=State.STOPPED, addresses={}, pid=None)
    running, addresses = known
    if running.process() is None:
        state = State.DIED
    else:
        state = State.RUNNING if addresses else State.STARTING
    return Found(state=state, addresses=addresses, pid=running.pid)


def stop(name: str, *, records: Path) -> None:
    """End a service.

    Args:
        name: the service's name.
        records: the folder that keeps which process a service is.
    """
    known = _read(name, records)
    if known is None:
        return
    running, _ = known
    running.stop()
    _record(name, records).unlink(missing_ok=True)
    _take_ended_children()


def _record(name: str, records: Path) -> Path:
    return records / f"{name}.json"


def _read(name: str, records: Path) -> tuple[RunningProcess, dict[str, str]] | None:
    try:
        content = json.loads(_record(name, records).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return RunningProcess(pid=content["pid"], started=content["started"]), content["addresses"]


def _runs(process: psutil.Process) -> bool:
    """Tell whether a process runs; one that has ended is listed until its parent takes notice."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait_for_end(processes: Sequence[psutil.Process], timeout: float) -> None:
    wait = Retrying(
        stop=stop_after_delay(timeout),
        wait=wait_fixed(_POLL),
        retry=retry_if_result(lambda some_run: some_run),
        retry_error_callback=lambda _: None,
    )
    wait(lambda: any(_runs(each) for each in processes))


def _take_ended_children() -> None:
    """Take the exit status of what this process started and another one has ended."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            # Another thread may have taken it meanwhile.
            _children.pop(pid, None)


def _wait_for_line(read_end: int, timeout: float) -> dict[str, str] | None:
    """Wait for a service's announcement; None where it ended or time ran out."""
    deadline = time.monotonic() + timeout
    line = b""
    with os.fdopen(read_end, "rb", buffering=0) as pipe:
        while not line.endswith(b"\n"):
            remaining = deadline - time.monotonic()
            ready, _, _ = select.select([pipe], [], [], max(remaining, 0))
            chunk = pipe.read(65536) if ready else b""
            if not chunk:
                return None
            line += chunk
    addresses: dict[str, str] = json.loads(line)
    return addresses
