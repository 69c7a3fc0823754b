"""`bridge`: the deployed server for desktop agents."""

import asyncio
import shutil
import signal
import sys
from typing import Annotated

import typer

from neo4j_mcp_client.cli import desktop
from neo4j_mcp_client.cli.connection import find_profile, token_provider
from neo4j_mcp_client.cli.console import messages, telling_failures
from neo4j_mcp_client.cli.desktop import Agent
from neo4j_mcp_client.cli.options import CaBundle, ProfileName
from neo4j_mcp_client.cli.profiles import DEFAULT, Profiles


def bridge(
    *,
    print_config: Annotated[
        Agent | None,
        typer.Option(
            "--print-config",
            help="Print the configuration of a desktop agent instead. Nothing in it is secret.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileName = None,
    ca_bundle: CaBundle = None,
) -> None:
    """Be an MCP server on stdin and stdout that forwards to the deployed one, with fresh tokens.

    neo4j-mcp bridge --print-config claude-desktop
    """
    with telling_failures(as_json=False):
        profiles = Profiles()
        if print_config is not None:
            # Read here, so that an agent isn't given a profile that isn't there.
            kept = profiles.load(profile or DEFAULT)
            _print_config(print_config, kept.name)
            return
        # Imported late: the MCP SDK takes more than a second, and is an extra.
        from neo4j_mcp_client.bridge import serve  # noqa: PLC0415

        found = find_profile(profile, profiles=profiles, ca_bundle=ca_bundle)
        source = found.source()
        url = source.current().mcp_url
        tokens = token_provider(found, source, profiles=profiles)
        # Ctrl-C ends the process itself: reading standard input blocks, and can't be cancelled.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        asyncio.run(serve(url, tokens, ca_bundle=found.ca_bundle))


def _print_config(agent: Agent, profile: str) -> None:
    name = "neo4j" if profile == DEFAULT else f"neo4j-{profile}"
    command = [*_this_command(), "bridge", "--profile", profile]
    # On standard error, so that standard output can go into a file as it is.
    messages().print(f"For {desktop.PLACES[agent]}:")
    typer.echo(desktop.configuration(agent, command, name=name))


def _this_command() -> list[str]:
    found = shutil.which(sys.argv[0])
    return [found] if found else [sys.executable, "-m", "neo4j_mcp_client"]
