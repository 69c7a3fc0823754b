"""`bridge`: an MCP server for desktop agents that forwards to the deployed server."""

import asyncio
import logging
import os
import shlex
import shutil
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from neo4j_mcp_client.cli import desktop
from neo4j_mcp_client.cli.connection import find_profile, token_provider
from neo4j_mcp_client.cli.console import messages, reporting_errors
from neo4j_mcp_client.cli.desktop import Agent
from neo4j_mcp_client.cli.exit_codes import ExitCode
from neo4j_mcp_client.cli.options import CaBundle, ProfileName
from neo4j_mcp_client.cli.profiles import DEFAULT, Profile, Profiles

if TYPE_CHECKING:
    from neo4j_mcp_client.async_client import AsyncNeo4jMcp
    from neo4j_mcp_client.bridge.upstream import Target

# Some 10,000 tokens.
_MAX_CHARACTERS = 40_000


def bridge(
    *,
    print_config: Annotated[
        Agent | None,
        typer.Option(
            "--print-config",
            help="Print the configuration for a desktop agent and exit. It contains no secret.",
            show_default=False,
        ),
    ] = None,
    max_characters: Annotated[
        int,
        typer.Option(
            "--max-characters",
            min=0,
            envvar="NEO4J_MCP_MAX_CHARACTERS",
            help="Maximum characters per result. A longer result is cut after a row, with a note"
            " on how much is missing. 0 means no limit.",
        ),
    ] = _MAX_CHARACTERS,
    profile: ProfileName = None,
    ca_bundle: CaBundle = None,
) -> None:
    """Serve MCP on stdin and stdout, and forward to the deployed server with valid tokens.

    The bridge starts even if the server can't be reached; each call then explains why.

    neo4j-mcp bridge --print-config claude-desktop
    """
    with reporting_errors(as_json=False):
        profiles = Profiles()
        if print_config is not None:
            # Read here, so that the configuration never names a profile that doesn't exist.
            kept = profiles.load(profile or DEFAULT)
            _print_config(print_config, kept.name, ca_bundle, max_characters)
            return
        # Imported late: the MCP SDK takes more than a second to import, and is an extra.
        from neo4j_mcp_client.bridge.catalogue import KnownServers  # noqa: PLC0415
        from neo4j_mcp_client.bridge.server import serve  # noqa: PLC0415

        # Agents show standard error to people, and may start a program with signals ignored.
        logging.basicConfig(format="neo4j-mcp bridge: %(message)s", stream=sys.stderr)
        for number in (signal.SIGINT, signal.SIGTERM):
            # Reading standard input can't be cancelled, so the signal has to end the process.
            signal.signal(number, signal.SIG_DFL)

        async def run() -> None:
            await serve(
                _target(profile, ca_bundle, profiles),
                KnownServers(profiles.known_servers),
                max_characters=max_characters,
            )
            # Python would wait for a thread that still waits for AWS or a token.
            sys.stderr.flush()
            os._exit(ExitCode.OK)

        asyncio.run(run())


def _target(profile: str | None, ca_bundle: str | None, profiles: Profiles) -> "Target":
    from neo4j_mcp_client.bridge.upstream import Target  # noqa: PLC0415 - an extra

    def connect() -> "AsyncNeo4jMcp":
        from neo4j_mcp_client.async_client import AsyncNeo4jMcp  # noqa: PLC0415 - an extra

        found = find_profile(profile, profiles=profiles, ca_bundle=ca_bundle)
        source = found.source()
        return AsyncNeo4jMcp(
            source.current().mcp_url,
            token_provider(found, source, profiles=profiles),
            ca_bundle=found.ca_bundle,
        )

    try:
        names = _names(find_profile(profile, profiles=profiles))
    except Exception:  # noqa: BLE001 - each call reports it
        names = ()
    doctor_command = ["neo4j-mcp", "doctor", *(["--profile", profile] if profile else [])]
    return Target(names=names, connect=connect, doctor_command=shlex.join(doctor_command))


def _names(profile: Profile) -> tuple[str, ...]:
    url = profile.credentials.mcp_url if profile.credentials else profile.outputs.get("mcpUrl")
    return tuple(name for name in (url, profile.secret_arn) if name)


def _print_config(agent: Agent, profile: str, ca_bundle: str | None, max_characters: int) -> None:
    name = "neo4j" if profile == DEFAULT else f"neo4j-{profile}"
    command = [*_this_command(), "bridge", "--profile", profile]
    if ca_bundle is not None:
        # An agent starts the bridge in another folder.
        command += ["--ca-bundle", os.path.abspath(ca_bundle)]  # noqa: PTH100 - keeps links
    if max_characters != _MAX_CHARACTERS:
        command += ["--max-characters", str(max_characters)]
    # On standard error, so that standard output can be redirected to a file.
    messages().print(f"For {desktop.CONFIG_LOCATIONS[agent]}:")
    typer.echo(desktop.configuration(agent, command, name=name))


def _this_command() -> list[str]:
    found = shutil.which(sys.argv[0])
    return [found] if found else [sys.executable, "-m", "neo4j_mcp_client"]
