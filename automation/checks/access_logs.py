"""P3: the access logs of the load balancer and of the edge."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from automation.checks.lookups import expect_configured_log
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import Failed, Skipped, Undecided
from components.hosting.definition import Feature
from components.hosting.definitions import DEFINITIONS
from components.log_key import EDGE_LOG_REGION, key_in

# Entries usually arrive within minutes, but CloudFront's may take up to a day. Source: "Standard
# logging reference" in the Amazon CloudFront Developer Guide.
_TIMEOUT: Final = 300.0
_POLL_INTERVAL: Final = 1.0
_MILLISECONDS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class _AccessLog:
    """An access log.

    Attributes:
        what: what writes it.
        url: where a request causes an entry.
        stem: the log group's name without its random suffix.
        region: where it is; None for the stack's region.
    """

    what: str
    url: str
    stem: str
    region: str | None


@check("P3-access-logs", limit=2 * _TIMEOUT + 60)
def access_logs(probe: Probe) -> None:
    """The load balancer and the edge record each request, as long as configured."""
    if not probe.context.settings.access_logs:
        raise Skipped("accessLogs is false")
    configured = list(_configured(probe))
    if not configured:
        raise Skipped("this host writes no access log, and is checked without the edge")
    for log in configured:
        logs = probe.context.client("logs", region=log.region)
        group = _group(probe, logs, log)
        key = key_in(log.region, probe.context.settings.log_key_arn)
        expect_configured_log(group, probe.context.settings, key=key)
        # The only field of a request that is in every access log and that a caller may choose.
        marker = f"neo4j-mcp-check/{uuid.uuid4().hex}"
        began = int(time.time()) * _MILLISECONDS
        probe.http.get(log.url, headers={"User-Agent": marker})
        _await_entry(probe, logs, group["logGroupName"], marker, began)


def _configured(probe: Probe) -> Iterator[_AccessLog]:
    context = probe.context
    names, outputs = context.names, context.outputs
    if Feature.ACCESS_LOG not in DEFINITIONS[context.settings.hosting].missing:
        yield _AccessLog(
            what="the load balancer",
            url=outputs["mcpUrl"],
            stem=names.load_balancer_log_stem,
            region=None,
        )
    if edge_url := outputs.get("edgeUrl"):
        yield _AccessLog(
            what="the edge",
            url=edge_url,
            stem=names.edge_log_stem,
            region=EDGE_LOG_REGION,
        )


def _group(probe: Probe, logs: Any, log: _AccessLog) -> dict[str, Any]:  # noqa: ANN401 - boto3's own client
    found: list[dict[str, Any]] = logs.describe_log_groups(logGroupNamePrefix=log.stem)["logGroups"]
    probe.note(f"logs describe_log_groups {log.stem}", found)
    if not found:
        raise Failed(f"the access log of {log.what} has no log group {log.stem}…")
    return found[0]


def _await_entry(probe: Probe, logs: Any, group: str, marker: str, began: int) -> None:  # noqa: ANN401 - boto3's own client
    deadline = time.monotonic() + _TIMEOUT
    while True:
        response = logs.filter_log_events(
            logGroupName=group, startTime=began, filterPattern=f'"{marker}"'
        )
        if response["events"]:
            probe.note(f"logs filter_log_events {group}", response["events"][-1]["message"])
            return
        if time.monotonic() > deadline:
            raise Undecided(
                f"no entry of the request arrived in {group} within {_TIMEOUT:g} s; AWS delivers"
                " entries late, most within minutes and CloudFront's within a day"
            )
        probe.wait(_POLL_INTERVAL)
