"""Whether serviceDomain's certificate and hosted zone fit its name, before a deployment."""

import datetime as dt
from typing import Any

import pytest
from botocore.stub import Stubber

from automation.preflight.findings import PreflightError
from automation.preflight.runner import run_preflights
from automation.preflight.service_domain import covers, find_expiry
from automation.sessions import Clients
from tests.automation.preflight.plans import plan, stubbed

ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/0f"
DOMAIN = {"name": "mcp.example.com", "certificateArn": ARN}
ZONE = "Z0ABC"
FARGATE = {"hosting": "fargate", "serviceDomain": DOMAIN}
WITH_ZONE = {"hosting": "fargate", "serviceDomain": DOMAIN | {"hostedZoneId": ZONE}}
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
NOT_ALLOWED = ("AccessDeniedException", "not authorized")


def _certificate(name: str = "mcp.example.com", **values: object) -> dict[str, Any]:
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=200)
    return {"DomainName": name, "Status": "ISSUED", "NotAfter": expires, **values}


def _with_zone(name: str, **config: object) -> tuple[Clients, Stubber]:
    """Return clients with a certificate that fits, and a zone with a name."""
    acm, certificates = stubbed("acm")
    certificates.add_response("describe_certificate", {"Certificate": _certificate()})
    route53, zones = stubbed("route53")
    zone = {"Id": f"/hostedzone/{ZONE}", "Name": name, "CallerReference": "x", **config}
    zones.add_response("get_hosted_zone", {"HostedZone": zone}, {"Id": ZONE})
    return lambda service: (acm if service == "acm" else route53)(service), zones


@pytest.mark.parametrize(
    "certificate",
    [
        _certificate(),
        _certificate("*.example.com"),
        _certificate("example.com", SubjectAlternativeNames=["example.com", "MCP.example.com"]),
    ],
)
def test_a_certificate_that_covers_the_name_is_right(certificate: dict[str, Any]) -> None:
    clients, stub = stubbed("acm")
    stub.add_response("describe_certificate", {"Certificate": certificate}, {"CertificateArn": ARN})

    assert list(run_preflights(plan(FARGATE), clients)) == []
    stub.assert_no_pending_responses()


def test_without_a_domain_nothing_is_looked_up() -> None:
    clients, _ = stubbed("acm")

    assert list(run_preflights(plan({"hosting": "fargate", "edge": "true"}), clients)) == []


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        (_certificate(Status="PENDING_VALIDATION"), "is PENDING_VALIDATION"),
        (_certificate(Status="EXPIRED"), "is EXPIRED"),
        (_certificate("other.example.com"), "is for other.example.com"),
        (_certificate("*.com"), r"is for \*\.com"),
    ],
)
def test_another_certificate_is_an_error_with_the_key(
    certificate: dict[str, Any], message: str
) -> None:
    clients, stub = stubbed("acm")
    stub.add_response("describe_certificate", {"Certificate": certificate})

    with pytest.raises(PreflightError, match=message) as raised:
        list(run_preflights(plan(FARGATE), clients))

    assert "--stack dev 'neo4j-mcp:serviceDomain.certificateArn'" in str(raised.value)


def test_a_missing_certificate_is_an_error_with_the_key() -> None:
    clients, stub = stubbed("acm")
    stub.add_client_error("describe_certificate", "ResourceNotFoundException", "no such thing")

    with pytest.raises(PreflightError, match="no such thing") as raised:
        list(run_preflights(plan(FARGATE), clients))

    assert "serviceDomain.certificateArn" in str(raised.value)


def test_a_missing_permission_is_a_notice() -> None:
    clients, stub = stubbed("acm")
    stub.add_client_error("describe_certificate", *NOT_ALLOWED)

    (notice,) = run_preflights(plan(FARGATE), clients)

    assert "isn't known" in notice


def test_a_certificate_that_expires_soon_is_a_notice() -> None:
    clients, stub = stubbed("acm")
    soon = _certificate(NotAfter=dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    stub.add_response("describe_certificate", {"Certificate": soon})

    (notice,) = run_preflights(plan(FARGATE), clients)

    assert "expires on" in notice


@pytest.mark.parametrize(
    ("days", "kind", "notice"),
    [
        (31, "IMPORTED", None),
        (30, "IMPORTED", "doesn't renew imported"),
        (30, "AMAZON_ISSUED", "records of its validation"),
    ],
)
def test_the_notice_says_how_a_certificate_is_renewed(
    days: int, kind: str, notice: str | None
) -> None:
    certificate = _certificate(NotAfter=NOW + dt.timedelta(days=days), Type=kind)

    found = find_expiry(certificate, NOW)

    assert (found is None) is (notice is None)
    assert (notice or "") in (found or "")


@pytest.mark.parametrize(
    ("name", "host", "covered"),
    [
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("localhost", "localhost", True),
        ("example.com", "a.example.com", False),
    ],
)
def test_a_wildcard_is_one_label(name: str, host: str, covered: bool) -> None:
    assert covers([name], host) is covered


@pytest.mark.parametrize("name", ["example.com.", "mcp.example.com.", "Example.com."])
def test_a_zone_that_contains_the_name_is_right(name: str) -> None:
    clients, stub = _with_zone(name)

    assert list(run_preflights(plan(WITH_ZONE), clients)) == []
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("name", ["other.com.", "a.mcp.example.com.", "cp.example.com."])
def test_another_zone_is_an_error_with_the_key(name: str) -> None:
    clients, _ = _with_zone(name)

    with pytest.raises(PreflightError, match=r"can't have a record of mcp\.example\.com") as raised:
        list(run_preflights(plan(WITH_ZONE), clients))

    assert "--stack dev 'neo4j-mcp:serviceDomain.hostedZoneId'" in str(raised.value)


def test_a_private_zone_is_a_notice() -> None:
    clients, _ = _with_zone("example.com.", Config={"PrivateZone": True})

    (notice,) = run_preflights(plan(WITH_ZONE), clients)

    assert "example.com is private" in notice


@pytest.mark.parametrize("code", ["NoSuchHostedZone", "AccessDenied"])
def test_a_zone_that_cannot_be_read_is_an_error_only_if_it_is_missing(code: str) -> None:
    acm, certificates = stubbed("acm")
    certificates.add_response("describe_certificate", {"Certificate": _certificate()})
    route53, zones = stubbed("route53")
    zones.add_client_error("get_hosted_zone", code, "because")

    def clients(service: str) -> object:
        return (acm if service == "acm" else route53)(service)

    if code == "AccessDenied":
        (notice,) = run_preflights(plan(WITH_ZONE), clients)
        assert "isn't known" in notice
    else:
        with pytest.raises(PreflightError, match="doesn't exist"):
            list(run_preflights(plan(WITH_ZONE), clients))
