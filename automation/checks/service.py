"""P3: the running service."""

import datetime as dt
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx2

from automation.checks.lookups import (
    expect_configured_log,
    find_function_log_group,
    find_log_groups,
    find_service,
    host_operations,
    log_group_names,
    require_feature,
)
from automation.checks.mcp import post
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import (
    Failed,
    Skipped,
    Undecided,
    expect,
    expect_equal,
    expect_status,
)
from automation.hosting.host import Fact
from automation.policy.rules import names_credential
from components.hosting.definition import Feature
from components.hosting.environment import HEALTH_PATH, server_environment

_REDIRECTS: Final = frozenset({301, 302, 307, 308})
_UNKNOWN_PATHS: Final = ("/", "/no-such-path", "/mcp/no-such-path", "/.env", "/debug/pprof/")
_HEALTH_PATH: Final = "/healthz"
_TLS_TIMEOUT: Final = 10.0
_MINIMUM_CERTIFICATE_DAYS: Final = 7
_LOG_TIMEOUT: Final = 300.0
_POLL_INTERVAL: Final = 1.0


@check("P3-running")
def running(probe: Probe) -> None:
    """The service runs what was deployed, as configured, at the address in the outputs."""
    host, found = host_operations(probe), find_service(probe)
    expect(found.is_running, f"the service {found.name} is {found.status}")
    _expect_facts(host.configuration(probe.aws, found, probe.context.settings))
    outputs = probe.context.outputs
    expect_equal(f"the {host.artifact} of the service", found.runs, outputs[host.artifact_output])
    # Not every host knows the name that callers use.
    if found.address:
        expect_equal("the output serviceUrl", outputs["serviceUrl"], found.address)


@check("P3-environment")
def environment(probe: Probe) -> None:
    """The server's environment is exactly as configured, without credentials."""
    found = find_service(probe)
    credentials = sorted(name for name in found.environment if names_credential(name))
    expect(not credentials, f"the environment contains {', '.join(credentials)}")
    secrets = ", ".join(found.secrets)
    expect(not secrets, f"the environment contains the secrets {secrets}")
    differences = _describe_differences(
        found.environment, server_environment(probe.context.settings)
    )
    expect(not differences, "; ".join(differences))


@check("P3-health-check")
def health_check(probe: Probe) -> None:
    """The health check is as configured, and succeeds."""
    require_feature(probe, Feature.HEALTH_CHECK)
    facts = host_operations(probe).health_check
    if facts is None:
        raise Skipped("the host reports no health check")
    _expect_facts(facts(probe.aws, find_service(probe), probe.context.settings))
    url = probe.context.outputs["serviceUrl"] + _HEALTH_PATH
    expect_status(url, probe.http.get(url), HTTPStatus.OK)


@check("P3-scaling")
def scaling(probe: Probe) -> None:
    """The service scales between the configured numbers of instances."""
    found = find_service(probe)
    _expect_facts(host_operations(probe).scaling(probe.aws, found, probe.context.settings))


@check("P3-logs", limit=2 * _LOG_TIMEOUT + 60)
def logs(probe: Probe) -> None:
    """The logs receive events, and are kept and encrypted as configured."""
    context = probe.context
    # Cause log events: request a token, and send a request.
    client = context.first_client
    began = dt.datetime.now(dt.UTC)
    context.token(client, fresh=True)
    post(probe.http, context.outputs["mcpUrl"], "ping")
    names = log_group_names(probe)
    groups = find_log_groups(probe, names)
    service = find_service(probe)
    owned = set(names)
    if not host_operations(probe).owns_logs(context.settings):
        owned -= set(service.log_groups)
    for name in names:
        expect(name in groups, f"the log group {name} doesn't exist")
        if name in owned:
            expect_configured_log(groups[name], context.settings, key=context.settings.log_key_arn)
    _expect_event(probe, find_function_log_group(probe, context.names.claims_function), began)
    for group in service.log_groups:
        _expect_event(probe, group, service.changed)


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
    address = f"http://{url.netloc}{HEALTH_PATH}"
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


def _expect_facts(facts: Iterable[Fact]) -> None:
    for fact in facts:
        expect_equal(fact.what, fact.found, fact.wanted)


def _describe_differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
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
