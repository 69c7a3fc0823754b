"""Background processes that outlive the command that started them: start, find and stop."""

import contextlib
import enum
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from localcloud.errors import LocalCloudError
from localcloud.files import tail, write_atomically
from localcloud.readiness import read_announcement

STOP_GRACE = 15.0
"""How long a service may take to end by itself, in seconds."""

_KILL_TIMEOUT = 5.0
_POLL = 0.02

_children: dict[int, subprocess.Popen[bytes]] = {}
"""The processes that this one started, and has to wait for when they end."""


@dataclass(frozen=True, kw_only=True)
class RunningProcess:
    """A process, distinguished by its start time from a later one with the same id.

    Attributes:
        pid: its process id.
        started: when it started, in seconds since 1970.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Describe a running process.

        Raises:
            LocalCloudError: no such process runs.
        """
        try:
            return cls(pid=pid, started=psutil.Process(pid).create_time())
        except psutil.NoSuchProcess as error:
            raise LocalCloudError(f"Process {pid} has ended.") from error

    def process(self) -> psutil.Process | None:
        """Return the process, or None if it has ended, even if its id is in use again."""
        try:
            process = psutil.Process(self.pid)
            if process.create_time() != self.started:
                return None
        except psutil.NoSuchProcess:
            return None
        return process if _runs(process) else None

    def stop(self, grace: float = STOP_GRACE) -> None:
        """Terminate the process; after the grace period, kill it and its children.

        Args:
            grace: in seconds.
        """
        process = self.process()
        if process is not None:
            self._end(process, grace)
        if self.pid in _children:
            _children.pop(self.pid).wait(_KILL_TIMEOUT)

    @staticmethod
    def _end(process: psutil.Process, grace: float) -> None:
        children = process.children(recursive=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
        _wait_for_end([process], grace)
        survivors = [each for each in (process, *children) if _runs(each)]
        for survivor in survivors:
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()
        _wait_for_end(survivors, _KILL_TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Service:
    """A background process that reports the addresses it serves.

    Attributes:
        name: names its log and its record.
        command: the program and its arguments, without `--ready-fd`.
        directory: the folder it runs in.
        environment: added to this process's environment.
        timeout: how long it may take until it serves, in seconds.
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
    """Start a process in a new session, so that it outlives this one.

    Args:
        command: the program and its arguments.
        log: the file that its output is appended to.
        directory: the folder it runs in; by default this process's.
        environment: added to this process's environment.
        pass_fds: file descriptors that it inherits.

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
    """Whether a service runs."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPED = "stopped"
    DIED = "died"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is known of a service.

    Attributes:
        state: whether it runs.
        addresses: what it serves, or served before it died, by name.
        pid: its process; None if it was stopped or never started.
    """

    state: State
    addresses: Mapping[str, str]
    pid: int | None


def start(service: Service, *, records: Path, logs: Path) -> dict[str, str]:
    """Return the addresses of a service by name, starting it unless it runs.

    A service that is still starting was left by a command that was killed, since only one command
    at a time may start services; it is stopped first.

    Args:
        service: the service.
        records: the folder with the record of each service's process.
        logs: the folder of the logs.

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
    # Recorded before it serves, so that `stop` finds it even if this start is interrupted.
    record(service.name, running, records=records)
    try:
        addresses = read_announcement(read_end, service.timeout)
    except BaseException:
        stop(service.name, records=records)
        raise
    if addresses is None:
        stop(service.name, records=records)
        raise LocalCloudError(
            f"The stand-in's {service.name} didn't start. The end of {log}:\n{tail(log)}"
        )
    record(service.name, running, records=records, addresses=addresses)
    return addresses


def record(
    name: str,
    running: RunningProcess,
    *,
    records: Path,
    addresses: Mapping[str, str] | None = None,
) -> None:
    """Record the process of a service.

    Args:
        name: the service's name.
        running: its process.
        records: the folder of the records.
        addresses: what it serves, by name; None while it is starting.
    """
    content = {"pid": running.pid, "started": running.started, "addresses": dict(addresses or {})}
    write_atomically(_record_file(name, records), json.dumps(content))


def find(name: str, *, records: Path) -> Found:
    """Look up a service by name in the folder of the records; nothing is signalled or written."""
    known = _read(name, records)
    if known is None:
        return Found(state=State.STOPPED, addresses={}, pid=None)
    running, addresses = known
    if running.process() is None:
        state = State.DIED
    else:
        state = State.RUNNING if addresses else State.STARTING
    return Found(state=state, addresses=addresses, pid=running.pid)


def stop(name: str, *, records: Path, grace: float = STOP_GRACE) -> None:
    """Stop a service, if it runs.

    Args:
        name: the service's name.
        records: the folder of the records.
        grace: how long it may take to end before it is killed, in seconds.
    """
    known = _read(name, records)
    if known is None:
        return
    running, _ = known
    running.stop(grace)
    _record_file(name, records).unlink(missing_ok=True)
    _reap_children()


def _record_file(name: str, records: Path) -> Path:
    return records / f"{name}.json"


def _read(name: str, records: Path) -> tuple[RunningProcess, dict[str, str]] | None:
    try:
        content = json.loads(_record_file(name, records).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return RunningProcess(pid=content["pid"], started=content["started"]), content["addresses"]


def _runs(process: psutil.Process) -> bool:
    """Report whether a process runs; a zombie, which its parent hasn't waited for, doesn't."""
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


def _reap_children() -> None:
    """Wait for children of this process that another process has ended."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            # Another thread may have removed it meanwhile.
            _children.pop(pid, None)
