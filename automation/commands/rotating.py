"""Rotates and revokes the clients' secrets."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from automation.commands.exit_statuses import COMMAND_FAILED, UNSUCCESSFUL
from automation.commands.messages import messages
from automation.commands.options import AsJson, Stack, Workspace
from automation.deployment import Deployment
from automation.report.terminal import print_rotations
from automation.rotation.clients import Client, find_clients
from automation.rotation.operations import Rotator
from automation.rotation.results import Outcome as RotationOutcome
from automation.rotation.results import Rotation
from automation.rotation.stack import deployed_outputs, rotator
from automation.target import target
from automation.terminal import console, print_error


def rotate(
    *,
    stack: Stack,
    workspace: Workspace = None,
    client: Annotated[
        str | None,
        typer.Option(help="The client's name in the setting clients.", show_default="all clients"),
    ] = None,
    unstick: Annotated[
        bool,
        typer.Option(
            "--unstick",
            help="Complete the rotations that are stuck, and start none. One that can't be"
            " completed is abandoned.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rotate the clients' secrets now, and wait until the new ones are current.

    A replaced client secret stays valid for the client's overlapHours. A rotation is refused
    until the overlap of the last one has ended, because Cognito keeps two client secrets.
    """

    def run_each(rotator: Rotator, each: Client) -> Rotation:
        return rotator.unstick(each) if unstick else rotator.rotate(each)

    _change_secrets(stack, workspace, client, run_each, as_json=as_json)


def revoke(
    *,
    stack: Stack,
    client: Annotated[
        str, typer.Option(help="The client's name in the setting clients.", show_default=False)
    ],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Replace a client's secret at once, and delete all its others: after a leak.

    Callers have to read the secret again. Tokens that were issued before stay valid until they
    expire; the command prints until when, and how to refuse them at once.
    """
    _change_secrets(stack, workspace, client, Rotator.revoke, as_json=as_json)


def _change_secrets(
    stack: str,
    workspace: Path | None,
    name: str | None,
    change: Callable[[Rotator, Client], Rotation],
    *,
    as_json: bool,
) -> None:
    """Change the secret of one client or of each one, and report what happened."""
    deployment = Deployment(target(stack, workspace), reads_only=True)
    outputs = deployed_outputs(deployment)
    clients = find_clients(outputs, stack, name)
    made = rotator(deployment, outputs, messages.print)
    results: list[Rotation] = []
    try:
        results.extend(_change_secret(change, made, client) for client in clients)
    finally:
        # What was done before a failure is printed too.
        if results:
            _print_rotations(results, as_json=as_json)
    raise typer.Exit(_rotation_status(results))


def _change_secret(
    change: Callable[[Rotator, Client], Rotation], made: Rotator, client: Client
) -> Rotation:
    try:
        return change(made, client)
    except KeyboardInterrupt:
        print_error(
            f"what was begun on the secret of {client.name} continues on AWS. To see how it ended,"
            f" run: python -m automation check --stack {made.stack} --only 'P6-*'",
            "interrupted",
        )
        raise


def _print_rotations(rotations: Sequence[Rotation], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([each.document() for each in rotations], indent=2))
    else:
        print_rotations(rotations, console())


def _rotation_status(found: Sequence[Rotation]) -> int:
    """Choose the exit status; skipped clients don't count."""
    outcomes = {each.outcome for each in found}
    if outcomes & {RotationOutcome.FAILED, RotationOutcome.UNDECIDED}:
        return COMMAND_FAILED
    prevented = {RotationOutcome.REFUSED, RotationOutcome.STUCK, RotationOutcome.ABANDONED}
    return UNSUCCESSFUL if outcomes & prevented else 0
