"""Reports failures to the person at the keyboard: what they can cause as a message."""

import errno
import platform
import subprocess
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import docker.errors
import filelock
import requests
import yaml

from localcloud.errors import LocalCloudError
from localcloud.terminal import accept_any_encoding, print_error

_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NOT_ALLOWED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_REPORT: Final = (
    "This is a fault of the program, not of yours. Please report it with the lines above, the"
    f" command, and: Python {platform.python_version()}, {platform.platform()}"
)

Explain = Callable[[BaseException], str | None]


def _explain_docker_error(error: Exception) -> str:
    return f"The Docker Engine failed: {error}\nSee whether it works: docker info"


def _explain_os_error(error: OSError) -> str:
    place = f": {error.filename}" if error.filename else ""
    cause = f"{error.strerror or error}{place}."
    if error.errno in _DISK_FULL:
        return f"{cause} Free some space (`df -h` shows where), and run this again."
    if error.errno in _NOT_ALLOWED and error.filename:
        return (
            f"{cause} Make it writable, or use other folders: LOCALCLOUD_HOME and LOCALCLOUD_CACHE"
            " name the stand-in's."
        )
    return cause


_EXPLANATIONS: Final[tuple[tuple[type[BaseException], Callable[[Any], str]], ...]] = (
    (LocalCloudError, str),
    (filelock.Timeout, lambda error: f"Another process holds {error.lock_file}. Wait for its end."),
    (subprocess.SubprocessError, str),
    (docker.errors.DockerException, _explain_docker_error),
    (requests.RequestException, _explain_docker_error),
    (OSError, _explain_os_error),
    (yaml.YAMLError, lambda error: f"A YAML file can't be read: {error}"),
)


def explain(error: BaseException) -> str | None:
    """Say what a failure means to the person at the keyboard.

    Args:
        error: the failure.

    Returns:
        The cause and what fixes it; None where only a fault of this program causes it.
    """
    return next((say(error) for kind, say in _EXPLANATIONS if isinstance(error, kind)), None)


@contextmanager
def reporting_errors(status: int, *explanations: Explain) -> Iterator[None]:
    """End the process with one message where a failure can be explained.

    A failure that nobody can explain is a fault of the program: its traceback is printed, with
    what to do about it.

    Args:
        status: the exit status after a failure.
        *explanations: explain failures, the first one that can.

    Yields:
        Nothing.

    Raises:
        SystemExit: the block failed.
    """
    accept_any_encoding()
    try:
        yield
    except Exception as error:  # whatever it is, it is reported once  # noqa: BLE001
        messages = [_first(explanations, each) for each in _leaves(error)]
        if None in messages:
            messages = [
                "".join(traceback.format_exception(error)),
                _REPORT,
            ]
        print_error("\n".join(dict.fromkeys(filter(None, messages))))
        raise SystemExit(status) from None


def _first(explanations: Iterable[Explain], error: BaseException) -> str | None:
    return next(filter(None, (each(error) for each in explanations)), None)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
