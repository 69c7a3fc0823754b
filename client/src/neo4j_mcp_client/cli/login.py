"""`login`, `profiles` and `logout`: the commands that manage profiles."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from neo4j_mcp_client.cli.arguments import json_object, read_text
from neo4j_mcp_client.cli.connection import token_provider
from neo4j_mcp_client.cli.console import output, print_json, reporting_errors, waiting
from neo4j_mcp_client.cli.options import Json
from neo4j_mcp_client.cli.profiles import DEFAULT, Profile, Profiles
from neo4j_mcp_client.cli.rows import as_table, printable
from neo4j_mcp_client.credentials import ClientCredentials
from neo4j_mcp_client.errors import ConfigurationError
from neo4j_mcp_client.trust import find_ca_bundle

_KEPT_OUTPUTS = ("mcpUrl", "serviceUrl", "issuer", "discoveryUrl", "jwksUrl", "scopes", "auraSso")

Outputs = Annotated[
    str | None,
    typer.Option(
        "--outputs",
        metavar="FILE",
        help="The stack's outputs, from `pulumi stack output --json`; - for standard input.",
        show_default=False,
    ),
]
ClientName = Annotated[
    str | None,
    typer.Option(
        "--client",
        help="The client's name in the stack. Required if the stack has several.",
        show_default=False,
    ),
]
SecretArn = Annotated[
    str | None,
    typer.Option(
        "--secret-arn",
        help="The ARN of the client's secret in Secrets Manager. Default: from the outputs.",
        show_default=False,
    ),
]
Credentials = Annotated[
    str | None,
    typer.Option(
        "--credentials",
        metavar="FILE",
        help="The secret itself, as JSON; - for standard input. It is saved in the profile's file,"
        " which only you can read.",
        show_default=False,
    ),
]
NewProfile = Annotated[
    str,
    typer.Option("--profile", "-p", envvar="NEO4J_MCP_PROFILE", help="The profile's name."),
]
AwsProfile = Annotated[
    str | None,
    typer.Option(
        "--aws-profile",
        envvar="AWS_PROFILE",
        help="The AWS profile that may read the secret. Saved.",
        show_default=False,
    ),
]
AwsEndpoint = Annotated[
    str | None,
    typer.Option(
        "--aws-endpoint-url",
        envvar="AWS_ENDPOINT_URL",
        help="Another endpoint of AWS. Saved.",
        show_default=False,
    ),
]
KeptCaBundle = Annotated[
    str | None,
    typer.Option(
        "--ca-bundle",
        metavar="PATH",
        help="Certificate authorities to trust: a PEM file or a directory. Saved. Default:"
        " REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE.",
        show_default=False,
    ),
]
DatabaseUri = Annotated[
    str | None,
    typer.Option(
        "--neo4j-uri",
        envvar="NEO4J_URI",
        help="The database's address, for the doctor. Saved.",
        show_default=False,
    ),
]
Check = Annotated[
    bool, typer.Option("--check/--no-check", help="Request a token before the profile is saved.")
]


def login(  # noqa: PLR0913 - options of a command
    *,
    outputs: Outputs = None,
    client: ClientName = None,
    secret_arn: SecretArn = None,
    credentials: Credentials = None,
    profile: NewProfile = DEFAULT,
    aws_profile: AwsProfile = None,
    aws_endpoint_url: AwsEndpoint = None,
    ca_bundle: KeptCaBundle = None,
    neo4j_uri: DatabaseUri = None,
    check: Check = True,
    as_json: Json = False,
) -> None:
    """Save a stack's addresses and a client's credentials as a profile.

    pulumi stack output --json | neo4j-mcp login --outputs - --client reader
    """
    if outputs is None and secret_arn is None and credentials is None:
        raise typer.BadParameter("Pass --outputs, --secret-arn or --credentials.")
    if secret_arn is not None and credentials is not None:
        raise typer.BadParameter("--secret-arn can't be combined with --credentials.")
    if outputs == credentials == "-":
        raise typer.BadParameter("Only one of --outputs and --credentials can be -.")
    with reporting_errors(as_json=as_json):
        stack = {} if outputs is None else json_object(read_text(outputs), "--outputs")
        handed_over = None
        if credentials is not None:
            handed_over = ClientCredentials.from_json(read_text(credentials))
        elif secret_arn is None:
            secret_arn = secret_of(stack, client)
        bundle = find_ca_bundle(ca_bundle)
        new = Profile(
            name=profile,
            secret_arn=secret_arn,
            credentials=handed_over,
            aws_profile=aws_profile,
            aws_endpoint_url=aws_endpoint_url,
            # Desktop agents start the bridge in another folder, without this shell's environment.
            ca_bundle=bundle and str(Path(bundle).absolute()),
            neo4j_uri=neo4j_uri,
            outputs={name: stack[name] for name in _KEPT_OUTPUTS if name in stack},
        )
        profiles = Profiles()
        profiles.forget_tokens(profile)
        known = _check(new, profiles) if check else {}
        path = profiles.save(new)
    document = {"profile": profile, "file": str(path), **known}
    if as_json:
        print_json(document)
    else:
        _print_pairs(document)


def list_profiles(*, as_json: Json = False) -> None:
    """List the saved profiles."""
    with reporting_errors(as_json=as_json):
        profiles = Profiles()
        rows = [_described(profiles.load(name)) for name in profiles.names()]
    if as_json:
        print_json(rows)
    elif rows:
        output().print(as_table(rows))
    else:
        output().print("There are no profiles. Create one with `neo4j-mcp login`.")


def logout(
    *,
    profile: Annotated[
        str,
        typer.Option("--profile", "-p", envvar="NEO4J_MCP_PROFILE", help="The profile's name."),
    ] = DEFAULT,
    as_json: Json = False,
) -> None:
    """Delete a profile and its cached tokens. Tokens stay valid until they expire."""
    with reporting_errors(as_json=as_json):
        Profiles().remove(profile)
    if as_json:
        print_json({"profile": profile, "removed": True})
    else:
        output().print(f"Deleted the profile {profile}.")


def secret_of(outputs: Mapping[str, Any], client: str | None) -> str:
    """Find a client's secret in a stack's outputs.

    Raises:
        ConfigurationError: there is no such client, or `client` is None and there are several.
    """
    clients = outputs.get("clients")
    if not isinstance(clients, dict) or not clients:
        raise ConfigurationError(
            "The outputs aren't the stack's: they have no `clients`.",
            remedy="Pass the output of `pulumi stack output --json`.",
        )
    names = ", ".join(sorted(clients))
    if client is None and len(clients) > 1:
        raise ConfigurationError(
            f"The stack has several clients: {names}.", remedy="Choose one with --client."
        )
    found = clients.get(client) if client else next(iter(clients.values()))
    if not isinstance(found, dict) or not isinstance(found.get("secretArn"), str):
        raise ConfigurationError(
            f"The stack has no client {client} with a secret. Its clients: {names}.",
            remedy="Choose one of them with --client.",
        )
    arn: str = found["secretArn"]
    return arn


def _check(profile: Profile, profiles: Profiles) -> dict[str, Any]:
    """Request a token, so that an error is reported at the login."""
    with waiting("Requesting a token"):
        source = profile.source()
        token = token_provider(profile, source, profiles=profiles).token()
    credentials = source.current()
    return {
        "mcpUrl": credentials.mcp_url,
        "clientId": credentials.client_id,
        "scopes": list(credentials.scopes),
        "tokenExpiresAt": datetime.fromtimestamp(token.expires_at, UTC).isoformat("T", "seconds"),
    }


def _described(profile: Profile) -> dict[str, Any]:
    kept = profile.credentials
    return {
        "profile": profile.name,
        "mcpUrl": kept.mcp_url if kept else profile.outputs.get("mcpUrl", ""),
        "secret": "in the profile" if kept else profile.secret_arn,
    }


def _print_pairs(document: Mapping[str, Any]) -> None:
    console = output()
    for name, value in document.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        console.print(printable(f"{name:15} {shown}"), soft_wrap=True)
