"""Runs other programs to their end, each within a time limit."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from automation.errors import AutomationError

_TAIL = 1000


class CommandError(AutomationError):
    """A program couldn't be run, failed or took too long; the message has its last words."""


def run(
    command: Sequence[str],
    *,
    timeout: float,
    given: str | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    may_fail: bool = False,
    own_session: bool = False,
) -> str:
    """Run a program to its end.

    Args:
        command: the program and its arguments, none of them a secret.
        timeout: how long it may take, in seconds.
        given: what it reads from its standard input.
        directory: the folder it runs in; this process's where None.
        environment: what is added to this process's environment.
        may_fail: whether any exit status will do.
        own_session: whether a terminal's Ctrl-C passes it by.

    Returns:
        What it wrote to its standard output.

    Raises:
        CommandError: it can't be run, fails, or takes too long.
    """
    line = shlex.join(command)
    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
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
            printed, complaint = process.communicate(given, timeout)
        except subprocess.TimeoutExpired as error:
            raise CommandError(f"`{line}` took longer than {timeout:g} s") from error
        finally:
            _end(process)
    if process.returncode and not may_fail:
        said = (complaint or printed).strip()[-_TAIL:] or "it printed nothing"
        raise CommandError(f"`{line}` failed with status {process.returncode}: {said}")
    return printed


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill a program that still runs, with what it has started."""
    if process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for child in children:
            if child.is_running():
                child.kill()
