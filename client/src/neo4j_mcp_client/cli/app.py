"""The command line application and its commands."""

import logging
from typing import Annotated

import typer

from neo4j_mcp_client.cli import bridging, calling, diagnosing, login, streams
from neo4j_mcp_client.version import __version__

app = typer.Typer(
    help="Call Neo4j's MCP server with OAuth 2.0 tokens. Start with `neo4j-mcp login`.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command(name="login")(login.login)
app.command(name="profiles")(login.list_profiles)
app.command(name="logout")(login.logout)
app.command(name="token")(calling.token)
app.command(name="tools")(calling.tools)
app.command(name="schema")(calling.schema)
app.command(name="read")(calling.read)
app.command(name="write")(calling.write)
app.command(name="call")(calling.call)
app.command(name="bridge")(bridging.bridge)
app.command(name="doctor")(diagnosing.doctor)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's own
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Accept the options in front of the command."""


def run() -> None:
    """Run the command line; its exit statuses are in `neo4j_mcp_client.cli.exit_codes`."""
    # botocore logs a traceback for an expired session; its exception is enough.
    logging.getLogger("botocore").setLevel(logging.CRITICAL)
    streams.prepare()
    with streams.flushing_output():
        app(prog_name="neo4j-mcp")
