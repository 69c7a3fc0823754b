"""Runs other programs to their end, each within a time limit, and keeps what they print."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from localcloud.errors import LocalCloudError
from localcloud.paths import cache_directory

_PROBE_TIMEOUT = 30
_TAIL_LINES = 15


class CommandError(LocalCloudError):
    """A program couldn't be run, failed or took too long; the message has its last lines."""


def run(
    command: Sequence[str],
    *,
    purpose: str,
    timeout: float,
    remedy: str,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program to its end.

    Args:
        command: the program and its arguments, none of them a secret.
        purpose: what it does, as in "Building the Pulumi engine".
        timeout: how long it may take, in seconds.
        remedy: what to do if it fails, as a sentence.
        environment: what is added to this process's environment.

    Raises:
        CommandError: it can't be run, fails, or takes too long.
    """
    log = cache_directory() / "logs" / f"{'-'.join(purpose.lower().split())}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                env=os.environ | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        except OSError as error:
            raise CommandError(
                f"{purpose} failed: {command[0]} can't be run ({error.strerror}). {remedy}"
            ) from error
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise CommandError(
                _failure(f"{purpose} took longer than {timeout:g} s.", command, remedy, log)
            ) from error
        finally:
            _end(process)
    if status:
        raise CommandError(
            _failure(f"{purpose} failed with status {status}.", command, remedy, log)
        )


def probe(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Ask a program about itself, as `go version` does.

    Args:
        command: the program and its arguments.
        environment: what is added to this process's environment.

    Returns:
        What it prints; empty where it can't be run, or doesn't answer.
    """
    try:
        return subprocess.run(
            command,
            check=False,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _failure(what: str, command: Sequence[str], remedy: str, log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    tail = "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:]) or "  (nothing)"
    return f"{what} {remedy}\nThe command: {shlex.join(command)}\nThe end of {log}:\n{tail}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a program that still runs, with what it has started."""
    if process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for child in children:
            if child.is_running():
                child.kill()
    process.wait()
