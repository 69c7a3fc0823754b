"""Whether the certificate and the hosted zone of serviceDomain fit its name."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.preflight.findings import Plan, PreflightError
from automation.sessions import Clients
from components.hosting.fargate.settings import FargateSettings, ServiceDomain

_ISSUED: Final = "ISSUED"
_IMPORTED: Final = "IMPORTED"
_SOON: Final = dt.timedelta(days=30)
_MISSING: Final = frozenset({"ResourceNotFoundException", "NoSuchHostedZone"})


def check_certificate(plan: Plan, clients: Clients) -> Iterator[str]:
    """Look up the certificate of serviceDomain, if it is set.

    Returns:
        Lines for the user.

    Raises:
        PreflightError: a load balancer can't use it, or callers wouldn't accept it.
    """
    domain = plan.settings.host_as(FargateSettings).service_domain
    if domain is None:
        return
    try:
        response = clients("acm").describe_certificate(CertificateArn=domain.certificate_arn)
    except ClientError as error:
        if _is_missing(error):
            raise PreflightError(
                f"The certificate of serviceDomain doesn't exist: {error}\n"
                + _another_certificate(plan.stack)
            ) from error
        yield f"Whether serviceDomain's certificate is valid isn't known: {error}"
        return
    certificate = response["Certificate"]
    if (problem := find_problem(certificate, domain)) is not None:
        raise PreflightError(f"{problem}\n{_another_certificate(plan.stack)}")
    if (notice := find_expiry(certificate, dt.datetime.now(dt.UTC))) is not None:
        yield notice


def check_zone(plan: Plan, clients: Clients) -> Iterator[str]:
    """Look up the hosted zone of serviceDomain, if it is set.

    Returns:
        Lines for the user.

    Raises:
        PreflightError: it doesn't exist, or can't have the domain's record.
    """
    domain = plan.settings.host_as(FargateSettings).service_domain
    if domain is None or domain.hosted_zone_id is None:
        return
    try:
        zone = clients("route53").get_hosted_zone(Id=domain.hosted_zone_id)["HostedZone"]
    except ClientError as error:
        if _is_missing(error):
            raise PreflightError(
                f"serviceDomain.hostedZoneId names a zone that doesn't exist: {error}\n"
                + _another_zone(plan.stack)
            ) from error
        yield f"Whether serviceDomain's hosted zone has the domain isn't known: {error}"
        return
    name = zone["Name"].rstrip(".").lower()
    if not f".{domain.name}".endswith(f".{name}"):
        raise PreflightError(
            f"The zone {domain.hosted_zone_id} is {name}, which can't have a record of"
            f" {domain.name}.\n{_another_zone(plan.stack)}"
        )
    if zone.get("Config", {}).get("PrivateZone"):
        yield (
            f"The zone {name} is private: {domain.name} resolves only in the VPCs that it belongs"
            " to."
        )


def find_problem(certificate: Mapping[str, Any], domain: ServiceDomain) -> str | None:
    """Describe why a certificate doesn't fit a domain; None if it does.

    Args:
        certificate: the certificate as ACM describes it.
    """
    if (status := certificate["Status"]) != _ISSUED:
        return (
            f"The certificate of serviceDomain is {status}, and a load balancer needs one that is"
            f" {_ISSUED}. Its validation: aws acm describe-certificate --certificate-arn"
            f" {domain.certificate_arn}"
        )
    names = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", ())}
    if not covers(names, domain.name):
        return (
            f"The certificate of serviceDomain is for {', '.join(sorted(names))}, so callers of"
            f" {domain.name} wouldn't accept it."
        )
    return None


def find_expiry(certificate: Mapping[str, Any], now: dt.datetime) -> str | None:
    """Describe a certificate that expires soon; None if it doesn't."""
    expires = certificate.get("NotAfter")
    if expires is None or expires - now > _SOON:
        return None
    reason = (
        "ACM doesn't renew imported certificates. Import another one under the same ARN."
        if certificate.get("Type") == _IMPORTED
        else "ACM renews it only if it is in use and the records of its validation still exist."
    )
    return f"The certificate of serviceDomain expires on {expires:%Y-%m-%d}. {reason}"


def covers(names: Iterable[str], host: str) -> bool:
    """Return whether one of a certificate's names is a host's.

    A wildcard is one label. Source: RFC 9525, section 6.3.
    """
    parent = host.partition(".")[2]
    return bool({host, f"*.{parent}"} & {name.lower() for name in names})


def _is_missing(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _MISSING


def _another_certificate(stack: str) -> str:
    return (
        "Choose another one of the stack's region (aws acm list-certificates): pulumi config set"
        f" --path --stack {stack} 'neo4j-mcp:serviceDomain.certificateArn' <arn>"
    )


def _another_zone(stack: str) -> str:
    return (
        "Choose another one (aws route53 list-hosted-zones): pulumi config set --path --stack"
        f" {stack} 'neo4j-mcp:serviceDomain.hostedZoneId' <id>"
    )
