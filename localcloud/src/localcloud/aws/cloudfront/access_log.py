"""An entry of a distribution's access log. Pure.

Source: "Standard logging reference" in the Amazon CloudFront Developer Guide.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NONE: Final = "-"
_FROM: Final = " from cloudfront"
_LOCATION: Final = "STD50-P1"


@dataclass(frozen=True, kw_only=True)
class AccessEntry:
    """One request.

    Attributes:
        answered: when, in seconds since the epoch.
        seconds: how long it took.
        caller: the viewer's address and port.
        method, host, path: of the request; the path includes the query.
        secure: whether it came over HTTPS.
        headers: the request's headers, by their names in lower case.
        received, sent: bytes of the request and the response, with headers.
        status: of the response.
        cache: the response's X-Cache.
        content_type, content_length: of the response; None where it has none.
        request_id: CloudFront's.
        tls: the cipher and the protocol; None without TLS.
    """

    answered: float
    seconds: float
    caller: tuple[str, int]
    method: str
    host: str
    path: str
    secure: bool
    headers: Mapping[str, str]
    received: int
    sent: int
    status: int
    cache: str
    content_type: str | None
    content_length: int | None
    request_id: str
    tls: tuple[str, str] | None

    def fields(self) -> Mapping[str, str]:
        """Return the fields in the order of the documentation."""
        moment = dt.datetime.fromtimestamp(self.answered, dt.UTC)
        path, _, query = self.path.partition("?")
        result = self.cache.removesuffix(_FROM) or "Error"
        cipher, protocol = self.tls or (NONE, NONE)
        return {
            "date": f"{moment:%Y-%m-%d}",
            "time": f"{moment:%H:%M:%S}",
            "x-edge-location": _LOCATION,
            "sc-bytes": str(self.sent),
            "c-ip": self.caller[0],
            "cs-method": self.method,
            "cs(Host)": self.host,
            "cs-uri-stem": path,
            "sc-status": str(self.status),
            "cs(Referer)": self._header("referer"),
            "cs(User-Agent)": self._header("user-agent"),
            "cs-uri-query": query or NONE,
            "cs(Cookie)": NONE,
            "x-edge-result-type": result,
            "x-edge-request-id": self.request_id,
            "x-host-header": self.host,
            "cs-protocol": "https" if self.secure else "http",
            "cs-bytes": str(self.received),
            "time-taken": f"{self.seconds:.3f}",
            "x-forwarded-for": self._header("x-forwarded-for"),
            "ssl-protocol": protocol,
            "ssl-cipher": cipher,
            "x-edge-response-result-type": result,
            "cs-protocol-version": "HTTP/1.1",
            "fle-status": NONE,
            "fle-encrypted-fields": NONE,
            "c-port": str(self.caller[1]),
            "time-to-first-byte": f"{self.seconds:.3f}",
            "x-edge-detailed-result-type": result,
            "sc-content-type": self.content_type or NONE,
            "sc-content-len": NONE if self.content_length is None else str(self.content_length),
            "sc-range-start": NONE,
            "sc-range-end": NONE,
        }

    def _header(self, name: str) -> str:
        return self.headers.get(name) or NONE
