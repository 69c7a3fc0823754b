"""Tries out AWS's behavior on an account."""

import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final

import typer
from botocore.exceptions import ClientError

from automation.checks.results import Outcome
from automation.commands.exit_statuses import COMMAND_FAILED, UNSUCCESSFUL
from automation.commands.messages import messages
from automation.commands.options import AsJson, Stack, Workspace
from automation.deployment import Deployment
from automation.probes.access import surroundings
from automation.probes.kinds import find_leftovers
from automation.probes.printing import (
    left_out,
    print_probes,
    print_result,
    print_summary,
    probes_document,
    progress,
    results_document,
    summary,
)
from automation.probes.probe import Probe
from automation.probes.recordings import Recording, committed, save
from automation.probes.registry import PROBES
from automation.probes.runner import Result, missing_for, run
from automation.probes.sandbox import Surroundings
from automation.report.files import REPORTS
from automation.target import PROJECT_DIRECTORY, target
from automation.terminal import console, print_error

PROBE_RECORDINGS: Final = REPORTS / "probes"
"""The default folder of recordings."""


def probe(  # noqa: PLR0913 - one parameter per option
    *,
    stack: Stack,
    workspace: Workspace = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these probes, by name or a pattern such as 'cognito-*'. Can be repeated.",
            show_default="all but the disruptive ones",
        ),
    ] = None,
    disruptive: Annotated[
        bool,
        typer.Option("--disruptive", help="Also those that the stack's callers may notice."),
    ] = False,
    list_only: Annotated[
        bool,
        typer.Option(
            "--list",
            help="List the probes with their duration and cost, and run none. Needs no account.",
        ),
    ] = False,
    clean: Annotated[
        bool,
        typer.Option("--clean", help="Remove what an interrupted run has left, and run no probe."),
    ] = False,
    output: Annotated[
        Path, typer.Option(help="The folder for the recordings, one file for each probe.")
    ] = PROBE_RECORDINGS,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try out how AWS behaves where the stand-in could differ, and record it without secrets.

    The command shows each probe's question, duration and cost, and asks before it begins. Probes
    create their own resources in the stack's region and account, whose names start with
    neo4j-mcp-probe-, and remove them, also after Ctrl-C. They don't change the stack.

    The exit status is 1 if AWS behaves differently from its documents or from an earlier recording,
    and 3 if a probe couldn't observe or a resource remains. More is in docs/probes.md.
    """
    recorded = committed(PROJECT_DIRECTORY)
    chosen = choose(only or (), disruptive=disruptive)
    noticed = {
        each.key: "callers may notice it (--disruptive)"
        for each in choose(only or (), disruptive=True)
        if each not in chosen
    }
    if list_only:
        _list(chosen, noticed, recorded, as_json=as_json)
        return
    if not yes and not sys.stdin.isatty():
        print_error(
            "Nobody can be asked here: to run without asking, add --yes; --list lists the probes"
        )
        raise typer.Exit(COMMAND_FAILED)
    with surroundings(Deployment(target(stack, workspace), reads_only=True)) as around:
        if clean:
            _clean(around, ask=not yes)
            return
        reasons = {each.key: missing_for(each, around.stack) for each in chosen}
        ready = [each for each in chosen if not reasons[each.key]]
        show = messages.print if as_json else console().print
        if ready and not as_json:
            print_probes(ready, recorded, console())
        for line in (*left_out({**noticed, **reasons}), summary(ready)):
            show(line)
        if not yes and ready:
            where = f"in the account of the stack {stack}, in {around.region}"
            typer.confirm(f"Run them {where}?", abort=True, err=True)
        try:
            results = _run(chosen, ready, around, recorded, output, as_json=as_json)
        except KeyboardInterrupt:
            print_error(
                f"the recordings so far are in {output}. To see whether everything is removed, run:"
                f"\n  python -m automation probe --stack {stack} --clean",
                "interrupted",
            )
            raise
    _exit(results, stack)


def _list(
    chosen: Sequence[Probe],
    noticed: Mapping[str, str],
    recorded: Mapping[str, Recording],
    *,
    as_json: bool,
) -> None:
    if as_json:
        typer.echo(json.dumps(probes_document(chosen, recorded), indent=2))
        return
    print_probes(chosen, recorded, console())
    for line in (*left_out(noticed), summary(chosen)):
        console().print(line)
    if any(each.needs for each in chosen):
        console().print("Those that need a stack are left out without it.")


def _run(
    chosen: Sequence[Probe],
    ready: Sequence[Probe],
    around: Surroundings,
    recorded: Mapping[str, Recording],
    folder: Path,
    *,
    as_json: bool,
) -> Sequence[Result]:
    results: list[Result] = []
    numbers = itertools.count(1)

    def announce(started: Probe) -> None:
        messages.print(progress(next(numbers), len(ready), started))

    for result in run(chosen, around, recorded, on_start=announce):
        results.append(result)
        if result.recording:
            save(result.recording, folder)
        # What was left out has been announced.
        if not as_json and result.probe in ready:
            print_result(result, console())
    if as_json:
        typer.echo(json.dumps(results_document(results), indent=2))
    else:
        print_summary(results, folder, console())
    return results


def choose(only: Sequence[str], *, disruptive: bool) -> tuple[Probe, ...]:
    """Choose probes.

    Args:
        only: keys or patterns; everything if there are none.
        disruptive: whether those that callers notice are chosen too.

    Raises:
        typer.BadParameter: a pattern matches no probe, or only disruptive ones that aren't wanted.
    """
    for pattern in only:
        matching = [each for each in PROBES.values() if fnmatchcase(each.key, pattern)]
        if not matching:
            raise typer.BadParameter(
                f"{pattern!r} matches no probe; --list lists them", param_hint="--only"
            )
        if not disruptive and all(each.disruptive for each in matching):
            raise typer.BadParameter(
                f"{pattern!r} needs --disruptive: callers may notice it", param_hint="--only"
            )
    return tuple(
        each
        for each in PROBES.values()
        if (disruptive or not each.disruptive)
        and (not only or any(fnmatchcase(each.key, pattern) for pattern in only))
    )


def _clean(around: Surroundings, *, ask: bool) -> None:
    left = find_leftovers(around.clients)
    for title, reason in left.unread.items():
        messages.print(f"! {title}: can't be listed ({reason})")
    if not left.found:
        typer.echo(f"Nothing of an interrupted run is left in {around.region}.")
    else:
        for each in left.found:
            typer.echo(f"{each.kind.title} {each.resource}")
        if ask:
            typer.confirm("Remove these?", abort=True, err=True)
    failed = False
    for each in left.found:
        try:
            each.kind.remove(around.clients(each.kind.service), each.resource)
        except ClientError as error:
            failed = True
            print_error(f"{each.kind.title} {each.resource} can't be removed: {error}")
    if failed or left.unread:
        raise typer.Exit(COMMAND_FAILED)


def _exit(results: Sequence[Result], stack: str) -> None:
    remaining = sum(len(each.remaining) for each in results)
    if remaining:
        print_error(
            f"{remaining} resources of the probes remain. To remove them, run:\n"
            f"  python -m automation probe --stack {stack} --clean"
        )
        raise typer.Exit(COMMAND_FAILED)
    outcomes = {each.outcome for each in results}
    if Outcome.FAILED in outcomes:
        raise typer.Exit(UNSUCCESSFUL)
    if Outcome.UNDECIDED in outcomes:
        raise typer.Exit(COMMAND_FAILED)
