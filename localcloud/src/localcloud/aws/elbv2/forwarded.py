"""The headers that a load balancer adds to a request. Pure.

Source: user guide, "HTTP headers and Application Load Balancers" and "Request tracing for your
Application Load Balancer".
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs
from multidict import CIMultiDict

_PORT: Final = "X-Forwarded-Port"
TRACE: Final = "X-Amzn-Trace-Id"
_VALID_NAME: Final = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """How a request arrived.

    Attributes:
        caller: the caller's address.
        caller_port: the caller's port.
        protocol, port: those of the listener.
        at: the time, in seconds since the epoch.
    """

    caller: str
    caller_port: int
    protocol: str
    port: int
    at: float


def add(headers: CIMultiDict[str], arrival: Arrival, attributes: Mapping[str, str]) -> None:
    """Change a request's headers as a load balancer with these attributes does."""
    if attributes["routing.http.drop_invalid_header_fields.enabled"] == "true":
        for name in [name for name in headers if not _VALID_NAME.fullmatch(name)]:
            headers.popall(name, None)
    mode = attributes["routing.http.xff_header_processing.mode"]
    if mode == "remove":
        headers.popall(hdrs.X_FORWARDED_FOR, None)
    elif mode == "append":
        caller = arrival.caller
        if attributes["routing.http.xff_client_port.enabled"] == "true":
            caller = f"{caller}:{arrival.caller_port}"
        before = ", ".join(headers.getall(hdrs.X_FORWARDED_FOR, ()))
        headers[hdrs.X_FORWARDED_FOR] = f"{before}, {caller}" if before else caller
    headers[hdrs.X_FORWARDED_PROTO] = arrival.protocol.lower()
    headers[_PORT] = str(arrival.port)
    own = f"1-{int(arrival.at):08x}-{secrets.token_hex(12)}"
    trace = headers.get(TRACE)
    headers[TRACE] = f"Root={own}" if trace is None else _traced(trace, own)


def _traced(trace: str, own: str) -> str:
    fields = [field for field in trace.split(";") if not field.startswith("Self=")]
    if not any(field.startswith("Root=") for field in fields):
        return ";".join([f"Root={own}", *fields])
    return ";".join([f"Self={own}", *fields])
