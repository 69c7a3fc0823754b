"""Runs other programs with a time limit."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from automation.errors import AutomationError

_TAIL = 1000


class CommandError(AutomationError):
    """A program couldn't be run, failed or took too long; the message has the end of its output."""


def run(
    command: Sequence[str],
    *,
    timeout: float,
    stdin: str | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    may_fail: bool = False,
    own_session: bool = False,
) -> str:
    """Run a program, and return its standard output.

    Args:
        command: the program and its arguments. None may be a secret: other users can see them.
        timeout: in seconds.
        environment: variables that are added to this process's environment.
        may_fail: whether to accept any exit status.
        own_session: whether to keep a terminal's Ctrl-C from the program.

    Raises:
        CommandError: it can't be run, fails, or takes too long.
    """
    line = shlex.join(command)
    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=own_session,
        )
    except (OSError, IndexError) as error:
        raise CommandError(f"`{line}` can't be run: {error}") from error
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired as error:
            raise CommandError(f"`{line}` took longer than {timeout:g} s") from error
        finally:
            _kill(process)
    if process.returncode and not may_fail:
        output = (stderr or stdout).strip()[-_TAIL:] or "it printed nothing"
        raise CommandError(f"`{line}` failed with status {process.returncode}: {output}")
    return stdout


def _kill(process: "subprocess.Popen[str]") -> None:
    """Kill a program that is still running, with its children."""
    if process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for child in children:
            if child.is_running():
                child.kill()
