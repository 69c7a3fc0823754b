"""Runs other programs to completion, each within a time limit."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from localcloud.errors import LocalCloudError
from localcloud.files import tail
from localcloud.paths import cache_directory

_PROBE_TIMEOUT = 30


class CommandError(LocalCloudError):
    """A program couldn't be started, failed or timed out; the message ends with its output."""


def run(
    command: Sequence[str],
    *,
    purpose: str,
    timeout: float,
    remedy: str,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program and require that it succeeds.

    Args:
        command: the program and its arguments, none of them secret: errors show them.
        purpose: what it does, as in "Building the Pulumi engine".
        timeout: in seconds.
        remedy: what to do if it fails, as a sentence.
        environment: added to this process's environment.

    Raises:
        CommandError: it can't be started, fails, or takes too long.
    """
    log = cache_directory() / "logs" / f"{'-'.join(purpose.lower().split())}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            status = _wait(command, output, timeout, environment)
        except OSError as error:
            raise CommandError(
                f"{purpose} failed: {command[0]} can't be run ({error.strerror}). {remedy}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise CommandError(
                _failure(f"{purpose} took longer than {timeout:g} s.", command, remedy, log)
            ) from error
    if status:
        raise CommandError(
            _failure(f"{purpose} failed with status {status}.", command, remedy, log)
        )


def probe(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Return what a program such as `go version` prints, or "" if it can't be run in time.

    Args:
        command: the program and its arguments.
        environment: added to this process's environment.
    """
    with tempfile.TemporaryFile() as output:
        try:
            _wait(command, output, _PROBE_TIMEOUT, environment)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        output.seek(0)
        return output.read().decode(errors="replace")


def _wait(
    command: Sequence[str],
    output: IO[bytes],
    timeout: float,
    environment: Mapping[str, str] | None,
) -> int:
    """Return a program's exit status; it doesn't outlive this call."""
    process = subprocess.Popen(
        command,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    try:
        return process.wait(timeout)
    finally:
        _kill_tree(process)


def _kill_tree(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for child in children:
            if child.is_running():
                child.kill()
    process.wait()


def _failure(what: str, command: Sequence[str], remedy: str, log: Path) -> str:
    last_lines = tail(log).splitlines() or ["(nothing)"]
    indented = "\n".join(f"  {line}" for line in last_lines)
    return f"{what} {remedy}\nThe command: {shlex.join(command)}\nThe end of {log}:\n{indented}"
