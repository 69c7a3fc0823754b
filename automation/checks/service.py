"""P3: the running service."""

import datetime as dt
import socket
import ssl
import time
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx2

from automation.checks.inspection import Inspection
from automation.checks.lookups import claims_log_group, log_groups, service
from automation.checks.mcp import post
from automation.checks.registry import check
from automation.checks.verdicts import Failed, Undecided, expect, expect_equal
from components.hosting.environment import PORT, server_environment
from components.settings import StackSettings

_OK: Final = 200
_NOT_FOUND: Final = 404
_REDIRECTS: Final = frozenset({301, 302, 307, 308})
_UNKNOWN_PATHS: Final = ("/", "/no-such-path", "/mcp/no-such-path", "/.env", "/debug/pprof/")
# No name of the server's own, whatever its release, may carry these.
_CREDENTIAL_WORDS: Final = ("USERNAME", "PASSWORD", "SECRET", "TOKEN", "API_KEY")
_TLS_TIMEOUT: Final = 10.0
_DAYS_OF_CERTIFICATE: Final = 7
_LOG_SECONDS: Final = 300.0
_BETWEEN_LOOKS: Final = 1.0


@check("P3-running")
def running(inspection: Inspection) -> None:
    """The service runs, of the size that is configured, and nothing deploys behind Pulumi."""
    settings = inspection.context.settings
    found = service(inspection)
    expect_equal("the service's status", found["Status"], "RUNNING")
    instance = found["InstanceConfiguration"]
    expect_equal("the CPU units", _units(instance["Cpu"]), settings.cpu)
    expect_equal("the memory in MB", _units(instance["Memory"]), settings.memory)
    deploys_itself = found["SourceConfiguration"].get("AutoDeploymentsEnabled")
    expect_equal("AutoDeploymentsEnabled", deploys_itself, wanted=False)
    url = inspection.context.outputs["serviceUrl"]
    expect_equal("the output serviceUrl", url, f"https://{found['ServiceUrl']}")


@check("P3-environment")
def environment(inspection: Inspection) -> None:
    """The server's environment is exactly the configured one, without any credential."""
    image = service(inspection)["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"]
    found = image.get("RuntimeEnvironmentVariables", {})
    credentials = sorted(
        name for name in found if any(word in name.upper() for word in _CREDENTIAL_WORDS)
    )
    expect(not credentials, f"the environment holds {', '.join(credentials)}")
    secrets = sorted(image.get("RuntimeEnvironmentSecrets") or {})
    expect(not secrets, f"the environment is given the secrets {', '.join(secrets)}")
    differences = _differences(found, server_environment(inspection.context.settings))
    expect(not differences, "; ".join(differences))
    expect_equal("the port", image.get("Port"), str(PORT))


@check("P3-health-check")
def health_check(inspection: Inspection) -> None:
    """Instances are checked as configured, and the check succeeds."""
    settings = inspection.context.settings
    found = service(inspection)["HealthCheckConfiguration"]
    wanted = _health_check(settings)
    expect_equal("the health check", {key: found.get(key) for key in wanted}, wanted)
    if settings.health_check.protocol == "HTTP":
        url = inspection.context.outputs["serviceUrl"] + settings.health_check.path
        expect_equal(f"the status of {url}", inspection.http.get(url).status_code, _OK)


@check("P3-scaling")
def scaling(inspection: Inspection) -> None:
    """The service scales between the configured numbers of instances."""
    settings = inspection.context.settings
    summary = service(inspection)["AutoScalingConfigurationSummary"]
    arn = summary["AutoScalingConfigurationArn"]
    answer = inspection.aws(
        "apprunner", "describe_auto_scaling_configuration", AutoScalingConfigurationArn=arn
    )
    found = answer["AutoScalingConfiguration"]
    expect_equal("the fewest instances", found["MinSize"], settings.min_instances)
    expect_equal("the most instances", found["MaxSize"], settings.max_instances)
    expect_equal("the requests an instance", found["MaxConcurrency"], settings.max_concurrency)


@check("P3-logs", limit=2 * _LOG_SECONDS + 60)
def logs(inspection: Inspection) -> None:
    """Events arrive in the logs of the server, its host and the claims function."""
    context = inspection.context
    # Something to log: a token, and a request with it.
    name = next(iter(context.clients))
    began = dt.datetime.now(dt.UTC)
    context.token(name, fresh=True)
    post(inspection.http, context.outputs["mcpUrl"], "ping")
    groups = log_groups(inspection)
    claims = claims_log_group(inspection)
    expect(claims in groups, f"there is no log group {claims}")
    expect_equal(
        f"the days that {claims} is kept",
        groups[claims].get("retentionInDays"),
        context.settings.log_retention_days,
    )
    _expect_event(inspection, claims, began)
    for kind in ("application", "service"):
        group = next((each for each in groups if each.endswith(f"/{kind}")), None)
        expect(group is not None, f"the service has no log group for its {kind} log")
        _expect_event(inspection, str(group), _created(inspection))


@check("P3-tls")
def tls(inspection: Inspection) -> None:
    """The service speaks TLS 1.2 or newer, with a valid certificate of its own name."""
    context = inspection.context
    url = urlsplit(context.outputs["serviceUrl"])
    expect_equal("the scheme of the output serviceUrl", url.scheme, "https")
    version, certificate = _handshake(url, context.tls)
    inspection.note(f"TLS handshake with {url.netloc}", {"version": version, **certificate})
    expect(version in {"TLSv1.2", "TLSv1.3"}, f"the service speaks {version}")
    days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86400
    expect(days > _DAYS_OF_CERTIFICATE, f"the certificate expires in {days:.0f} days")


@check("P3-plain-http")
def plain_http(inspection: Inspection) -> None:
    """Without TLS the service is not to be had: redirected, or refused."""
    url = urlsplit(inspection.context.outputs["serviceUrl"])
    address = f"http://{url.netloc}/healthz"
    try:
        response = inspection.http.get(address)
    except httpx2.TransportError as error:
        inspection.note(f"GET {address}", f"no answer: {type(error).__name__}")
        return
    if response.status_code in _REDIRECTS:
        target = response.headers.get("location", "")
        expect(target.startswith("https://"), f"plain HTTP is redirected to {target!r}")
        return
    # A TLS port that says so, as nginx and Envoy do.
    expect(400 <= response.status_code < 500, f"plain HTTP answers {response.status_code}")  # noqa: PLR2004 - HTTP's 4xx


@check("P3-unknown-paths")
def unknown_paths(inspection: Inspection) -> None:
    """Paths that are not the server's answer 404, with a token and without."""
    context = inspection.context
    bearer = {"Authorization": f"Bearer {context.token(next(iter(context.clients)))}"}
    for path in _UNKNOWN_PATHS:
        for headers in ({}, bearer):
            url = context.outputs["serviceUrl"] + path
            status = inspection.http.get(url, headers=headers).status_code
            expect_equal(f"the status of {path}", status, _NOT_FOUND)


def _units(text: str) -> int:
    """Read a size, which App Runner answers in its own units or as "1 vCPU" and "2 GB"."""
    number, _, unit = text.partition(" ")
    return int(float(number) * 1024) if unit else int(number)


def _differences(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """Tell how an environment differs; values that are not wanted stay unsaid."""
    return [
        *(f"{name} is not set" for name in sorted(wanted.keys() - found.keys())),
        *(f"{name} is set, and must not be" for name in sorted(found.keys() - wanted.keys())),
        *(
            f"{name} is not {wanted[name]!r}"
            for name in sorted(wanted.keys() & found.keys())
            if found[name] != wanted[name]
        ),
    ]


def _health_check(settings: StackSettings) -> dict[str, Any]:
    configured = settings.health_check
    wanted: dict[str, Any] = {
        "Protocol": configured.protocol,
        "Interval": configured.interval,
        "Timeout": configured.timeout,
        "HealthyThreshold": configured.healthy_threshold,
        "UnhealthyThreshold": configured.unhealthy_threshold,
    }
    return wanted | ({"Path": configured.path} if configured.protocol == "HTTP" else {})


def _created(inspection: Inspection) -> dt.datetime:
    created: dt.datetime = service(inspection)["CreatedAt"]
    return created


def _expect_event(inspection: Inspection, group: str, since: dt.datetime) -> None:
    """Wait until a log group holds an event; logs take a while to arrive."""
    deadline = time.monotonic() + _LOG_SECONDS
    # A second earlier, because the events' clock is not this one.
    start = int(since.timestamp() * 1000) - 1000
    while True:
        answer = inspection.context.client("logs").filter_log_events(
            logGroupName=group, startTime=start
        )
        if answer["events"]:
            inspection.note(f"logs filter_log_events {group}", answer["events"][-1]["message"])
            return
        if time.monotonic() > deadline:
            raise Undecided(
                f"no event has arrived in {group} within {_LOG_SECONDS:g} s, and one may be late"
            )
        inspection.wait(_BETWEEN_LOOKS)


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
