"""P3: the running service."""

import datetime as dt
import socket
import ssl
import time
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx2

from automation.checks.hosts import find_log_groups, host_lookups
from automation.checks.lookups import (
    app_runner_settings,
    find_function_log_group,
    find_service,
)
from automation.checks.mcp import post
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import Failed, Undecided, expect, expect_equal, expect_status
from automation.policy import names_credential
from components.hosting.apprunner.settings import HealthCheck
from components.hosting.environment import PORT, server_environment

_REDIRECTS: Final = frozenset({301, 302, 307, 308})
_UNKNOWN_PATHS: Final = ("/", "/no-such-path", "/mcp/no-such-path", "/.env", "/debug/pprof/")
_TLS_TIMEOUT: Final = 10.0
_MINIMUM_CERTIFICATE_DAYS: Final = 7
_LOG_TIMEOUT: Final = 300.0
_POLL_INTERVAL: Final = 1.0


@check("P3-running")
def running(probe: Probe) -> None:
    """The service runs in the configured size, and only Pulumi deploys it."""
    settings = app_runner_settings(probe)
    found = find_service(probe)
    expect_equal("the service's status", found["Status"], "RUNNING")
    instance = found["InstanceConfiguration"]
    expect_equal("the CPU units", _parse_size(instance["Cpu"]), settings.cpu)
    expect_equal("the memory in MB", _parse_size(instance["Memory"]), settings.memory)
    deploys_itself = found["SourceConfiguration"].get("AutoDeploymentsEnabled")
    expect_equal("AutoDeploymentsEnabled", deploys_itself, wanted=False)
    url = probe.context.outputs["serviceUrl"]
    expect_equal("the output serviceUrl", url, f"https://{found['ServiceUrl']}")


@check("P3-environment")
def environment(probe: Probe) -> None:
    """The server's environment is exactly as configured, without credentials."""
    image = find_service(probe)["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"]
    found = image.get("RuntimeEnvironmentVariables", {})
    credentials = sorted(name for name in found if names_credential(name))
    expect(not credentials, f"the environment contains {', '.join(credentials)}")
    secrets = sorted(image.get("RuntimeEnvironmentSecrets") or {})
    expect(not secrets, f"the environment contains the secrets {', '.join(secrets)}")
    differences = _describe_differences(found, server_environment(probe.context.settings))
    expect(not differences, "; ".join(differences))
    expect_equal("the port", image.get("Port"), str(PORT))


@check("P3-health-check")
def health_check(probe: Probe) -> None:
    """The health check is as configured, and succeeds."""
    configured = app_runner_settings(probe).health_check
    found = find_service(probe)["HealthCheckConfiguration"]
    wanted = _expected_health_check(configured)
    expect_equal("the health check", {key: found.get(key) for key in wanted}, wanted)
    if configured.protocol == "HTTP":
        url = probe.context.outputs["serviceUrl"] + configured.path
        expect_status(url, probe.http.get(url), HTTPStatus.OK)


@check("P3-scaling")
def scaling(probe: Probe) -> None:
    """The service scales between the configured numbers of instances."""
    settings = app_runner_settings(probe)
    summary = find_service(probe)["AutoScalingConfigurationSummary"]
    arn = summary["AutoScalingConfigurationArn"]
    response = probe.aws(
        "apprunner", "describe_auto_scaling_configuration", AutoScalingConfigurationArn=arn
    )
    found = response["AutoScalingConfiguration"]
    expect_equal("the minimum number of instances", found["MinSize"], settings.min_instances)
    expect_equal("the maximum number of instances", found["MaxSize"], settings.max_instances)
    expect_equal(
        "the concurrent requests per instance", found["MaxConcurrency"], settings.max_concurrency
    )


@check("P3-logs", limit=2 * _LOG_TIMEOUT + 60)
def logs(probe: Probe) -> None:
    """The server, its host and the claims function write to their logs."""
    context = probe.context
    # Cause log events: request a token, and send a request.
    name = context.first_client
    began = dt.datetime.now(dt.UTC)
    context.token(name, fresh=True)
    post(probe.http, context.outputs["mcpUrl"], "ping")
    groups = find_log_groups(probe)
    claims = find_function_log_group(probe, context.names.claims_function)
    expect(claims in groups, f"the log group {claims} doesn't exist")
    expect_equal(
        f"the retention of {claims} in days",
        groups[claims].get("retentionInDays"),
        context.settings.log_retention_days,
    )
    _expect_event(probe, claims, began)
    for group in host_lookups(probe).log_groups(probe):
        expect(group in groups, f"the service has no log group {group}")
        _expect_event(probe, group, host_lookups(probe).changed(probe))


@check("P3-tls")
def tls(probe: Probe) -> None:
    """The service uses TLS 1.2 or newer, with a valid certificate for its host name."""
    context = probe.context
    url = urlsplit(context.outputs["serviceUrl"])
    expect_equal("the scheme of the output serviceUrl", url.scheme, "https")
    version, certificate = _handshake(url, context.tls)
    probe.note(f"TLS handshake with {url.netloc}", {"version": version, **certificate})
    expect(version in {"TLSv1.2", "TLSv1.3"}, f"the service uses {version}")
    days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86400
    expect(days > _MINIMUM_CERTIFICATE_DAYS, f"the certificate expires in {days:.0f} days")


@check("P3-plain-http")
def plain_http(probe: Probe) -> None:
    """Plain HTTP is redirected or refused."""
    url = urlsplit(probe.context.outputs["serviceUrl"])
    address = f"http://{url.netloc}/healthz"
    try:
        response = probe.http.get(address)
    except httpx2.TransportError as error:
        probe.note(f"GET {address}", f"no response: {type(error).__name__}")
        return
    if response.status_code in _REDIRECTS:
        target = response.headers.get("location", "")
        expect(target.startswith("https://"), f"plain HTTP is redirected to {target!r}")
        return
    # nginx and Envoy report plain HTTP on a TLS port this way.
    expect(response.is_client_error, f"plain HTTP returns {response.status_code}")


@check("P3-unknown-paths")
def unknown_paths(probe: Probe) -> None:
    """Unknown paths return 404, with and without a token."""
    context = probe.context
    bearer = {"Authorization": f"Bearer {context.token(context.first_client)}"}
    for path in _UNKNOWN_PATHS:
        for headers in ({}, bearer):
            url = context.outputs["serviceUrl"] + path
            expect_status(path, probe.http.get(url, headers=headers), HTTPStatus.NOT_FOUND)


def _parse_size(text: str) -> int:
    """Parse a size, which App Runner returns as "1024" and "2048", or as "1 vCPU" and "2 GB"."""
    number, _, unit = text.partition(" ")
    return int(float(number) * 1024) if unit else int(number)


def _describe_differences(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """Describe the differences of an environment without its unexpected values."""
    return [
        *(f"{name} is not set" for name in sorted(wanted.keys() - found.keys())),
        *(f"{name} is set, but must not be" for name in sorted(found.keys() - wanted.keys())),
        *(
            f"{name} is not {wanted[name]!r}"
            for name in sorted(wanted.keys() & found.keys())
            if found[name] != wanted[name]
        ),
    ]


def _expected_health_check(configured: HealthCheck) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "Protocol": configured.protocol,
        "Interval": configured.interval,
        "Timeout": configured.timeout,
        "HealthyThreshold": configured.healthy_threshold,
        "UnhealthyThreshold": configured.unhealthy_threshold,
    }
    return wanted | ({"Path": configured.path} if configured.protocol == "HTTP" else {})


def _expect_event(probe: Probe, group: str, since: dt.datetime) -> None:
    """Wait for an event in a log group, because logs arrive late."""
    deadline = time.monotonic() + _LOG_TIMEOUT
    # A second earlier, because the clock of the events may differ from this machine's.
    start = int(since.timestamp() * 1000) - 1000
    while True:
        response = probe.context.client("logs").filter_log_events(
            logGroupName=group, startTime=start
        )
        if response["events"]:
            probe.note(f"logs filter_log_events {group}", response["events"][-1]["message"])
            return
        if time.monotonic() > deadline:
            raise Undecided(
                f"no event arrived in {group} within {_LOG_TIMEOUT:g} s; events may be late"
            )
        probe.wait(_POLL_INTERVAL)


def _handshake(url: SplitResult, context: ssl.SSLContext) -> tuple[str, dict[str, Any]]:
    address = (str(url.hostname), url.port or 443)
    try:
        with (
            socket.create_connection(address, timeout=_TLS_TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=url.hostname) as secured,
        ):
            return str(secured.version()), dict(secured.getpeercert() or {})
    except ssl.SSLError as error:
        raise Failed(f"the TLS handshake fails: {error.reason}: {error}") from error
