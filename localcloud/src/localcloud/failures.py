"""Reports errors as one message: the cause and what fixes it; bugs with a traceback."""

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
    "This is a bug in this program. Please report it with the lines above, the"
    f" command, and: Python {platform.python_version()}, {platform.platform()}"
)

Explain = Callable[[BaseException], str | None]


def _explain_docker_error(error: Exception) -> str:
    return f"The Docker Engine failed: {error}\nCheck that it works: docker info"


def _explain_os_error(error: OSError) -> str:
    place = f": {error.filename}" if error.filename else ""
    cause = f"{error.strerror or error}{place}"
    if error.errno in _DISK_FULL:
        return f"{cause}\nFree some space (`df -h` shows where), and run this again."
    if error.errno in _NOT_ALLOWED and error.filename:
        return (
            f"{cause}\nMake it writable, or set LOCALCLOUD_HOME and LOCALCLOUD_CACHE to other"
            " folders."
        )
    return cause


_EXPLANATIONS: Final[tuple[tuple[type[BaseException], Callable[[Any], str]], ...]] = (
    (LocalCloudError, str),
    (
        filelock.Timeout,
        lambda error: f"Another process holds {error.lock_file}. Wait for it to end.",
    ),
    (subprocess.SubprocessError, str),
    (docker.errors.DockerException, _explain_docker_error),
    (requests.RequestException, _explain_docker_error),
    (OSError, _explain_os_error),
    (yaml.YAMLError, lambda error: f"A YAML file can't be read: {error}"),
)


def explain(error: BaseException) -> str | None:
    """Return the message for an error that a person can cause, or None for a bug."""
    return next(
        (describe(error) for kind, describe in _EXPLANATIONS if isinstance(error, kind)), None
    )


@contextmanager
def reporting_errors(status: int, *explanations: Explain) -> Iterator[None]:
    """End the process with one message if the block raises.

    An error without an explanation is a bug: its traceback is printed, and how to report it.

    Args:
        status: the exit status after an error.
        *explanations: tried in order; the first message counts.

    Raises:
        SystemExit: the block raised.
    """
    accept_any_encoding()
    try:
        yield
    except Exception as error:  # noqa: BLE001 - every error is reported once
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
