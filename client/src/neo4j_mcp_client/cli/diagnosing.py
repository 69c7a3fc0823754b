"""`doctor`: finds the first fault between here and the database."""

from collections.abc import Collection
from functools import partial
from typing import Annotated, Any

import typer
from rich.text import Text

from neo4j_mcp_client.cli.connection import find_profile
from neo4j_mcp_client.cli.console import output, print_json, reporting_errors, waiting
from neo4j_mcp_client.cli.exit_codes import ExitCode
from neo4j_mcp_client.cli.options import CaBundle, Json, ProfileName
from neo4j_mcp_client.cli.profiles import Profile, Profiles
from neo4j_mcp_client.cli.rows import printable
from neo4j_mcp_client.doctor.evidence import Service, StackOutputs
from neo4j_mcp_client.doctor.examination import DoctorOptions, Examination, Finding, Hop, Status
from neo4j_mcp_client.doctor.faults import Fault
from neo4j_mcp_client.doctor.server import SCHEME

# The mark, its ASCII replacement, and the style.
_MARKS = {
    Status.PASSED: ("✓", "+", "green"),
    Status.FAILED: ("✗", "x", "bold red"),
    Status.SKIPPED: ("-", "-", "yellow"),
    Status.NOT_REACHED: ("·", ".", "dim"),
}
_WIDTH = max(len(hop) for hop in Hop)


def doctor(
    *,
    neo4j_uri: Annotated[
        str | None,
        typer.Option(
            "--neo4j-uri",
            envvar="NEO4J_URI",
            help="The database's address. Default: the profile's.",
            show_default=False,
        ),
    ] = None,
    database: Annotated[
        bool,
        typer.Option("--database/--no-database", help="Connect to the database directly, by Bolt."),
    ] = True,
    scheme: Annotated[
        str,
        typer.Option(
            "--authorization-scheme",
            help="The scheme that your client writes in its Authorization header.",
        ),
    ] = SCHEME,
    profile: ProfileName = None,
    ca_bundle: CaBundle = None,
    as_json: Json = False,
) -> None:
    """Check each hop to the database, and explain how to fix the first fault.

    Exits with status 0 if nothing is wrong, and 1 if something is.
    """
    with reporting_errors(as_json=as_json):
        found = find_profile(profile, profiles=Profiles(), ca_bundle=ca_bundle)
    examination = Examination(
        DoctorOptions(
            source=found.source,
            outputs=StackOutputs.parse(found.outputs),
            ca_bundle=found.ca_bundle,
            neo4j_uri=neo4j_uri or found.neo4j_uri,
            ask_database=database,
            scheme=scheme,
            find_service=partial(_find_service, found),
        )
    )
    findings = _examine(examination, as_json=as_json)
    fault = next((finding.fault for finding in findings if finding.fault), None)
    if as_json:
        print_json(
            {
                "fault": fault and _described(fault),
                "hops": [_finding_document(finding) for finding in findings],
            }
        )
    elif fault is not None:
        _print_fault(fault)
    if fault is not None:
        raise typer.Exit(ExitCode.FAULT_FOUND)


def _find_service(profile: Profile, hosts: Collection[str]) -> Service | None:
    # A profile without an ARN may belong to somebody without access to this AWS account.
    if profile.secret_arn is None:
        return None
    # Imported late: boto3 takes most of a second. It is there, since it has read the secret.
    from neo4j_mcp_client.doctor.hosts import service_at  # noqa: PLC0415

    return service_at(
        hosts,
        secret_arn=profile.secret_arn,
        profile=profile.aws_profile,
        endpoint_url=profile.aws_endpoint_url,
    )


def _examine(examination: Examination, *, as_json: bool) -> list[Finding]:
    findings = []
    for hop in Hop:
        with waiting(f"Checking {hop}"):
            finding = examination.examine(hop)
        if not as_json:
            _print_finding(finding)
        findings.append(finding)
    return findings


def _print_finding(finding: Finding) -> None:
    console = output()
    mark, plain, style = _MARKS[finding.status]
    if console.options.ascii_only:
        mark = plain
    # One line per hop, even if a server's answer has several.
    seen = " ".join((finding.seen or finding.status).split())
    console.print(
        Text.assemble((mark, style), f" {finding.hop:{_WIDTH}}  ", printable(seen)),
        soft_wrap=True,
    )


def _print_fault(fault: Fault) -> None:
    console = output()
    console.print()
    for label, text in (
        (fault.name, fault.what),
        ("Where it is set", fault.where),
        ("How to fix it", fault.remedy),
    ):
        console.print(Text.assemble((f"{label}: ", "bold"), text), soft_wrap=True)


def _described(fault: Fault) -> dict[str, str]:
    return {
        "name": fault.name,
        "what": fault.what,
        "where": fault.where,
        "remedy": fault.remedy,
    }


def _finding_document(finding: Finding) -> dict[str, Any]:
    return {
        "hop": str(finding.hop),
        "status": str(finding.status),
        "seen": finding.seen,
        "fault": finding.fault.name if finding.fault else None,
    }
