"""Makes faults on a stack while callers write."""

import random
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Final

import typer

from automation.chaos.database import detoured_database
from automation.chaos.faults import FAULTS, ChaosFault
from automation.chaos.figures import write_figures
from automation.chaos.run import ChaosOptions, chaos_drills
from automation.chaos.toxiproxy import FaultProxy
from automation.commands.drilling import run_drills_and_report
from automation.commands.messages import messages
from automation.commands.options import AsJson, Reports, Stack, Workspace
from automation.commands.reporting import print_saved_report
from automation.commands.running import exit_status
from automation.controls import Controls
from automation.deployment import Deployment
from automation.drills.exercise import Options
from automation.load.run import choose_client
from automation.report.files import CHAOS_REPORTS, save
from automation.target import checked_context, target
from automation.terminal import print_error

_LARGEST_SEED: Final = 1_000_000


def chaos(  # noqa: PLR0913 - one parameter per option
    *,
    stack: Stack,
    workspace: Workspace = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help=f"A fault to make; may be repeated. One of {', '.join(FAULTS)}.",
            show_default="all of them",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=_LARGEST_SEED,
            help="Determines the order of the faults, and what they choose.",
            show_default="a new one, which is printed",
        ),
    ] = None,
    writes: Annotated[
        int,
        typer.Option(
            min=1, max=1000, help="How many calls each caller makes before and during a fault."
        ),
    ] = ChaosOptions.writes,
    callers: Annotated[
        int, typer.Option(min=1, max=64, help="How many callers of each kind call at once.")
    ] = 2,
    client: Annotated[
        str | None,
        typer.Option(help="The client that writes.", show_default="the first one that may write"),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            help="A file for the figures that docs/resilience.md shows, if all faults pass.",
            show_default="none",
        ),
    ] = None,
    reports: Reports = CHAOS_REPORTS,
    as_json: AsJson = False,
) -> None:
    """Let each dependency of a stack fail while callers write, and compare with the database.

    The faults come one after another, and disturb everyone who uses the stack. Every acknowledged
    write must be in the database, and every failure must be one that the documentation names. The
    nodes that were written are deleted. After a Ctrl-C, everything is restored first.
    """
    chosen = _chosen(fault)
    if figures is not None and fault:
        raise typer.BadParameter("can't be combined with --fault", param_hint="--figures")
    deployment = Deployment(target(stack, workspace))
    context = checked_context(deployment, stack, longest_wait=0, interleavings=0)
    number = random.randint(0, _LARGEST_SEED) if seed is None else seed  # noqa: S311 - nothing secret
    options = ChaosOptions(
        client=choose_client(stack, context.outputs, client, writes=True),
        seed=number,
        writes=writes,
    )
    messages.print(f"… The seed is {number}: to repeat this run, add --seed {number}")
    controls = Controls.from_environment()
    try:
        with _network(chosen, controls) as network:
            drills = chaos_drills(chosen, options, network)
            run = run_drills_and_report(
                drills, deployment, context, controls, Options(callers=callers)
            )
    except KeyboardInterrupt as interrupted:
        print_error(str(interrupted), "interrupted")
        raise
    environment = {**run.environment, "Seed": str(number)}
    found = run.model_copy(update={"unit": "fault", "environment": environment})
    save(found, reports)
    if figures is not None and found.passed:
        write_figures(found, figures)
    print_saved_report(found, reports, as_json=as_json)
    raise typer.Exit(exit_status(found))


def _chosen(names: list[str] | None) -> list[ChaosFault]:
    unknown = [each for each in names or () if each not in FAULTS]
    if unknown:
        raise typer.BadParameter(
            f"must be one of {', '.join(FAULTS)}, not {unknown[0]}", param_hint="--fault"
        )
    return [each for name, each in FAULTS.items() if not names or name in names]


def _network(
    faults: list[ChaosFault], controls: Controls
) -> AbstractContextManager[FaultProxy | None]:
    """Prepare the network to the database, if a fault needs it and it can be reached."""
    detour, resume = controls.detour_database, controls.resume_database
    needed = any(each.needs_network for each in faults)
    if not needed or detour is None or resume is None:
        return nullcontext()
    return detoured_database(detour, resume, messages.print)
