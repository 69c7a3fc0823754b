"""The options that several commands share."""

import sys
from typing import Annotated

import typer

from neo4j_mcp_client.cli.profiles import Profiles
from neo4j_mcp_client.cli.rows import Format
from neo4j_mcp_client.errors import Neo4jMcpError


def _known_profiles(incomplete: str) -> list[str]:
    try:
        return [name for name in Profiles().names() if name.startswith(incomplete)]
    except Neo4jMcpError:
        # Completion can't show a message; the command itself will.
        return []


ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        envvar="NEO4J_MCP_PROFILE",
        help="The profile to use. Default: the environment's credentials, else `default`.",
        autocompletion=_known_profiles,
        show_default=False,
    ),
]
CaBundle = Annotated[
    str | None,
    typer.Option(
        "--ca-bundle",
        metavar="PATH",
        help="Certificate authorities to trust: a PEM file or a directory. Default: the profile's,"
        " else REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, including errors.")]
RowFormat = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        help="The format of rows. Default: a table on a terminal, JSON elsewhere.",
        show_default=False,
    ),
]


def row_format(form: Format | None, *, as_json: bool) -> Format:
    """Choose how rows are written.

    Args:
        form: what ``--format`` says.
        as_json: whether ``--json`` was given.

    Raises:
        typer.BadParameter: `--json` is combined with another format.
    """
    if as_json:
        if form not in {None, Format.JSON}:
            raise typer.BadParameter("--json can't be combined with another --format.")
        return Format.JSON
    return form or (Format.TABLE if sys.stdout.isatty() else Format.JSON)
