"""HTTP requests with a time limit for the whole answer; no redirects and no proxies."""

import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

_CHUNK: Final = 65_536
# A trivial query's answer and the list of tools have a few thousand bytes.
_LARGEST_ANSWER: Final = 1_000_000

# Without urllib's other handlers: a redirect would send the token or the client secret to another
# address, and an answer with an error's status is an answer like any other.
_OPENER: Final = urllib.request.OpenerDirector()
_OPENER.add_handler(urllib.request.HTTPHandler())
_OPENER.add_handler(urllib.request.HTTPSHandler())


class NoAnswerError(Exception):
    """There was no answer; the message says why.

    Attributes:
        timed_out: whether the time limit passed.
    """

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        """Describe what happened."""
        super().__init__(reason)
        self.timed_out = timed_out


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: the HTTP status.
        body: the body.
    """

    status: int
    body: bytes = field(repr=False)


def post(url: str, body: bytes, headers: Mapping[str, str], *, limit: float) -> Answer:
    """Send a POST request.

    Args:
        url: an HTTP or HTTPS address.
        limit: seconds until the end of the answer.

    Raises:
        NoAnswerError: there is no complete answer within the limit.
    """
    deadline = time.monotonic() + limit
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310  the opener knows HTTP and HTTPS only
    try:
        with _OPENER.open(request, timeout=limit) as response:
            body = _read(response.read1, deadline, limit)
            # What read1 doesn't check: how many bytes the header promised.
            if response.length:
                raise NoAnswerError("the connection ended within the answer")
            return Answer(response.status, body)
    except TimeoutError:
        raise _timeout(limit) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _timeout(limit) from None
        raise NoAnswerError(_reason(error.reason)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswerError(_reason(error)) from None


def _read(read: Callable[[int], bytes], deadline: float, limit: float) -> bytes:
    """Read an answer to its end.

    The socket's own limit starts again with each byte, so a slow answer would never reach it.
    """
    received = bytearray()
    while chunk := read(_CHUNK):
        received += chunk
        if time.monotonic() >= deadline:
            raise _timeout(limit)
        if len(received) > _LARGEST_ANSWER:
            raise NoAnswerError(f"the answer is larger than {_LARGEST_ANSWER} bytes")
    return bytes(received)


def _timeout(limit: float) -> NoAnswerError:
    return NoAnswerError(f"no answer within {limit:.3g} s", timed_out=True)


def _reason(error: BaseException | str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate isn't trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    if isinstance(error, socket.gaierror):
        return f"the name can't be resolved: {error.strerror}"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection ended without an answer"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    # An HTTP library's own message can quote what it sent or received.
    return "the answer isn't HTTP" if isinstance(error, http.client.HTTPException) else "no request"
