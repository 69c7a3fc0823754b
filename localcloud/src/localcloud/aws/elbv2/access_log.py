"""An entry of a load balancer's access log. Pure.

Source: "Access logs for your Application Load Balancer" in the Elastic Load Balancing user guide,
for the fields; AWS doesn't document how JSON spells their values, so all are text.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NONE: Final = "-"


@dataclass(frozen=True, kw_only=True)
class AccessEntry:
    """One request.

    Attributes:
        load_balancer: its name in metrics and logs, `app/<name>/<id>`.
        target_group_arn: the target group.
        protocol: of the listener: HTTP or HTTPS.
        port: the listener's port, as callers on AWS see it.
        arrived, answered: when, in seconds since the epoch.
        caller: the caller's address and port.
        target: the target's address and port; None if none was chosen.
        status: of the response.
        is_own: whether the load balancer responded itself.
        received, sent: bytes of the request's and the response's body.
        method, host, path: of the request; the path includes the query.
        user_agent: of the request.
        trace: the X-Amzn-Trace-Id that the target got.
        tls: the cipher and the protocol; None without TLS.
    """

    load_balancer: str
    target_group_arn: str
    protocol: str
    port: int
    arrived: float
    answered: float
    caller: tuple[str, int]
    target: tuple[str, int] | None
    status: int
    is_own: bool
    received: int
    sent: int
    method: str
    host: str
    path: str
    user_agent: str
    trace: str
    tls: tuple[str, str] | None

    def fields(self) -> Mapping[str, str]:
        """Return the fields in the order of the documentation."""
        target = _address(self.target)
        target_status = NONE if self.is_own else str(self.status)
        cipher, protocol = self.tls or (NONE, NONE)
        url = f"{self.protocol.lower()}://{_without_port(self.host)}:{self.port}{self.path}"
        # A negative time means that no response came from the target.
        seconds = -1.0 if self.is_own else self.answered - self.arrived
        return {
            "type": self.protocol.lower(),
            "time": _time(self.answered),
            "elb": self.load_balancer,
            "client:port": _address(self.caller),
            "target:port": target,
            "request_processing_time": "-1" if self.is_own else "0.000",
            "target_processing_time": "-1" if self.is_own else f"{seconds:.3f}",
            "response_processing_time": "-1" if self.is_own else "0.000",
            "elb_status_code": str(self.status),
            "target_status_code": target_status,
            "received_bytes": str(self.received),
            "sent_bytes": str(self.sent),
            "request_line": f"{self.method} {url} HTTP/1.1",
            "user_agent": self.user_agent or NONE,
            "ssl_cipher": cipher,
            "ssl_protocol": protocol,
            "target_group_arn": self.target_group_arn,
            "trace_id": self.trace or NONE,
            "domain_name": _without_port(self.host) if self.tls else NONE,
            "chosen_cert_arn": NONE,
            "matched_rule_priority": "0",
            "request_creation_time": _time(self.arrived),
            "actions_executed": "forward",
            "redirect_url": NONE,
            "error_reason": NONE,
            "target:port_list": target,
            "target_status_code_list": target_status,
            "classification": NONE,
            "classification_reason": NONE,
            "conn_trace_id": NONE,
        }


def _address(address: tuple[str, int] | None) -> str:
    return NONE if address is None else f"{address[0]}:{address[1]}"


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host


def _time(at: float) -> str:
    moment = dt.datetime.fromtimestamp(at, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
