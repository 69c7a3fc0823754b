"""Explains failures to the person at the keyboard: the cause, and what fixes it."""

import errno
import os
import platform
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import botocore.exceptions as aws
import filelock
import httpx2
import yaml

from automation.blanking import Blanker
from automation.errors import AutomationError
from automation.regions import NOT_ENABLED, choose_region, is_about_region
from automation.terminal import accept_any_encoding, print_error

_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# Codes of AWS's common errors, and of STS.
_EXPIRED: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "SignatureDoesNotMatch"}
)
_UNKNOWN: Final = frozenset({"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"})
_THROTTLED: Final = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
)
_REFUSED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_SESSION_ERRORS: Final = (
    aws.SSOError,
    aws.TokenRetrievalError,
    aws.CredentialRetrievalError,
    aws.LoginError,
    aws.RefreshWithMFAUnsupportedError,
)
_SETTINGS_ERRORS: Final = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.ProfileNotFound,
    aws.ConfigParseError,
    aws.InvalidConfigError,
)


def _explain_os_error(error: OSError) -> str:
    if isinstance(error, filelock.Timeout):
        return f"Another process holds {error.lock_file}. Wait until it ends, then try again."
    place = f": {error.filename}" if error.filename else ""
    space = "\nFree some space (`df -h` shows where)." if error.errno in _DISK_FULL else ""
    return f"{error.strerror or error}{place}{space}"


def _explain_client_error(error: aws.ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    if is_about_region(str(error)):
        return f"The region is wrong: {error}\n{choose_region()}"
    if code in _EXPIRED | _UNKNOWN:
        elsewhere = f"\n{NOT_ENABLED}" if code in _UNKNOWN else ""
        return f"AWS doesn't accept the credentials: {error}\n{_log_in()}{elsewhere}"
    if code in _THROTTLED:
        return f"AWS throttles the calls: {error}\nRun this again in a minute."
    if code in _REFUSED:
        return f"{error}\nTo see whose credentials these are, run: aws sts get-caller-identity"
    return str(error)


def _explain_aws(error: aws.BotoCoreError) -> str:
    if isinstance(error, _SESSION_ERRORS):
        return f"The AWS session has expired and can't be renewed: {error}\n{_log_in()}"
    if isinstance(error, _SETTINGS_ERRORS):
        return f"There are no AWS credentials: {error}\n{_log_in()}"
    if isinstance(error, aws.NoRegionError | aws.InvalidRegionError):
        return f"The region is wrong or missing: {error}\n{choose_region()}"
    if isinstance(error, aws.HTTPClientError | aws.ConnectionError):
        # The address has the region in it.
        region = isinstance(error, aws.EndpointConnectionError)
        also = f" {choose_region()}" if region else ""
        return f"AWS can't be reached: {error}\nCheck that this machine is online.{also}"
    return str(error)


def _log_in() -> str:
    profile = os.environ.get("AWS_PROFILE")
    option = f" --profile {profile}" if profile else ""
    return (
        f"Run: aws sso login{option}, set AWS_PROFILE, or for the stand-in cloud run:"
        ' eval "$(make -s env)"'
    )


# The first type that matches is used: some of botocore's errors are OSErrors too.
_EXPLANATIONS: Final[tuple[tuple[type[BaseException], Callable[[Any], str]], ...]] = (
    (AutomationError, str),
    (aws.ClientError, _explain_client_error),
    (aws.BotoCoreError, _explain_aws),
    (httpx2.HTTPError, lambda error: f"An HTTP request failed: {error}"),
    (OSError, _explain_os_error),
    (yaml.YAMLError, lambda error: f"A YAML file can't be read: {error}"),
)


def explain(error: BaseException) -> str | None:
    """Return a failure's cause and what fixes it, or None if only a bug can cause it."""
    return next(
        (describe(error) for kind, describe in _EXPLANATIONS if isinstance(error, kind)), None
    )


@contextmanager
def reporting_errors(status: int) -> Iterator[None]:
    """Print one message for a failure, and exit with a status.

    A failure without an explanation is a bug: its traceback is printed, with what to report.

    Raises:
        SystemExit: the block failed.
    """
    accept_any_encoding()
    try:
        yield
    except Exception as error:  # any failure is reported once  # noqa: BLE001
        blank = Blanker().blank
        message = explain(error)
        if message is None:
            trace = "".join(traceback.format_exception(error))
            message = (
                f"{blank(trace)}\nThis is a bug in the program, not your mistake. Please report it"
                f" with the lines above, the command, and: Python {platform.python_version()},"
                f" {platform.platform()}"
            )
        print_error(blank(message))
        raise SystemExit(status) from None
