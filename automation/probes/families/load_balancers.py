"""Probes of the load balancer of a stack on Fargate, which they only read and call."""

from collections.abc import Mapping
from typing import Any, Final

from automation.probes.connections import watch
from automation.probes.families.exchanges import unfinished
from automation.probes.families.sources import DOC_ELB, doc
from automation.probes.needs import ON_FARGATE, ON_FARGATE_WITH_A_DOMAIN
from automation.probes.observations import UNDOCUMENTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

LOAD_BALANCERS: Final = Family("elbv2")
_IDLE_TIMEOUT: Final = "idle_timeout.timeout_seconds"
_LONGER: Final = 15.0
"""Seconds for which a connection is watched after its limit."""
_NOT_SET: Final = (
    "client_keep_alive.seconds",
    "load_balancing.cross_zone.enabled",
    "routing.http.desync_mitigation_mode",
    "routing.http.preserve_host_header.enabled",
    "routing.http.xff_client_port.enabled",
    "routing.http.xff_header_processing.mode",
    "routing.http2.enabled",
    "waf.fail_open.enabled",
)
"""Attributes that the program leaves at their defaults."""


def _attributes(box: Sandbox) -> Mapping[str, str]:
    described = box.client("elbv2").describe_load_balancer_attributes(
        LoadBalancerArn=box.stack.load_balancer_arn
    )
    return {each["Key"]: each["Value"] for each in described["Attributes"]}


def _described(box: Sandbox) -> Mapping[str, Any]:
    found = box.client("elbv2").describe_load_balancers(
        LoadBalancerArns=[box.stack.load_balancer_arn]
    )
    described: Mapping[str, Any] = found["LoadBalancers"][0]
    return described


@LOAD_BALANCERS.probe(
    "elb-idle-limits",
    rows=[
        "Idle connection to a load balancer",
        "Body of a request to a load balancer that doesn't end",
        "Header of a request to a load balancer that doesn't end",
    ],
    documented={
        "after an answer": "closed after the idle timeout",
        "header without an end": "408 after the idle timeout",
        # The server may end it sooner, if the load balancer has sent it the header.
        "body without an end": UNDOCUMENTED,
        "slow body": UNDOCUMENTED,
    },
    source=doc(f"{DOC_ELB}/load-balancer-troubleshooting.html"),
    differs=["header without an end"],
    seconds=90,
    needs=ON_FARGATE_WITH_A_DOMAIN,
)
def _idle_limits(box: Sandbox) -> Observation:
    """After how long does a load balancer end idle connections and slow requests?"""
    limit = float(_attributes(box)[_IDLE_TIMEOUT])
    url = box.stack.outputs["serviceUrl"]
    endings = watch(
        url,
        unfinished(url, healthy="/healthz", called="/mcp"),
        longest=limit + _LONGER,
        tls=box.around.tls,
    )
    known = {"the idle timeout": limit}
    return {name: ending.text(known) for name, ending in endings.items()}


@LOAD_BALANCERS.probe(
    "elb-defaults",
    rows=["Attributes of a load balancer that aren't set"],
    documented={
        "state": "active",
        "client_keep_alive.seconds": "3600",
        "load_balancing.cross_zone.enabled": "true",
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.preserve_host_header.enabled": "false",
        "routing.http.xff_client_port.enabled": "false",
        "routing.http.xff_header_processing.mode": "append",
        "routing.http2.enabled": "true",
        "waf.fail_open.enabled": "false",
    },
    source=doc(f"{DOC_ELB}/application-load-balancers.html#load-balancer-attributes"),
    needs=ON_FARGATE,
)
def _defaults(box: Sandbox) -> Observation:
    """Which attributes does a load balancer have that the program doesn't set?"""
    attributes = _attributes(box)
    return {
        "state": _described(box)["State"]["Code"],
        **{each: attributes.get(each) for each in _NOT_SET},
    }
