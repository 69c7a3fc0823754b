"""Finds how large a stack has to be."""

import datetime as dt
import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from automation.checks.results import Outcome
from automation.commands.exit_statuses import COMMAND_FAILED, UNSUCCESSFUL
from automation.commands.messages import messages
from automation.commands.options import AsJson, Workspace
from automation.deployment import Deployment
from automation.load.mix import DEFAULT as DEFAULT_MIX
from automation.load.mix import Mix, read_mix
from automation.load.plan import Plan
from automation.load.results import Run
from automation.load.run import choose_client, make_load
from automation.report.files import REPORTS
from automation.size.calibration import (
    STAND_IN,
    Ladder,
    measurable,
    measure_levels,
    read_calibration,
    save_calibration,
)
from automation.size.expense import announcement
from automation.size.fit import cross_validate, deviations, fit, with_mix
from automation.size.measurements import Calibration
from automation.size.printing import document, print_deviations, print_sizes
from automation.size.sizing import Goal, Sizing, Unreachable, size_hosts
from automation.target import checked_context, target
from automation.terminal import console
from components.settings import Hosting

SIZES: Final = REPORTS / "size"
"""The default folder for measurements."""
_MOST_RATE: Final = 100_000
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s)")
_MILLISECONDS: Final = 1000


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise typer.BadParameter(f"{text} isn't a duration such as 250ms or 1.5s")
    return float(match[1]) / (_MILLISECONDS if match[2] == "ms" else 1)


def size(  # noqa: PLR0913 - one parameter per option
    *,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=_MOST_RATE,
            help="Calls per second of all callers together.",
            show_default=False,
        ),
    ] = None,
    p95: Annotated[
        float | None,
        typer.Option(
            parser=_seconds,
            metavar="DURATION",
            help="How long 95 % of the calls may take at most, such as 250ms.",
            show_default="any time",
        ),
    ] = None,
    p50: Annotated[
        float | None,
        typer.Option(
            parser=_seconds,
            metavar="DURATION",
            help="How long half of the calls may take at most.",
            show_default="any time",
        ),
    ] = None,
    utilization: Annotated[
        float,
        typer.Option(min=1, max=95, help="How busy instances may be on average, in percent."),
    ] = 70.0,
    host: Annotated[
        list[Hosting] | None,
        typer.Option(help="Only this host. Can be repeated.", show_default="all"),
    ] = None,
    mix: Annotated[
        Path | None,
        typer.Option(
            help="The file with the calls to measure, as for load; without --calibrate, with other"
            " weights of the calls that were measured.",
            show_default="reads, writes and schemas, 8 to 1 to 1, or what was measured",
        ),
    ] = None,
    calibration: Annotated[
        Path,
        typer.Option(
            help="The file with the measurements.", show_default="those of the stand-in cloud"
        ),
    ] = STAND_IN,
    validate: Annotated[
        bool,
        typer.Option(
            "--validate",
            help="Predict each measurement from the others. The exit status is 1 if a prediction is"
            " off by more than 15 %, and 3 if the rounds differ too much to judge.",
        ),
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Measure a stack first, which makes calls of it."),
    ] = False,
    stack: Annotated[
        str | None,
        typer.Option(
            help="The stack to measure, or in the commands that are printed.", show_default=False
        ),
    ] = None,
    workspace: Workspace = None,
    client: Annotated[
        str | None,
        typer.Option(
            help="The client that calls while measuring.",
            show_default="the first one that may make these calls",
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, max=100, help="How often to measure each amount of load.")
    ] = Ladder.rounds,
    save: Annotated[
        Path | None,
        typer.Option(
            help="The file for the measurements.", show_default="reports/size/<stack>.json"
        ),
    ] = None,
    machine: Annotated[
        str | None,
        typer.Option(
            help="What was measured, for the output of later sizes.",
            show_default="the stack with its address",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before measuring.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find the settings of each host for a rate of calls and a latency, and what they cost.

    The sizes follow from measurements: without --calibrate and --calibration, of the stand-in cloud
    on one small machine. docs/performance.md has the model and how well it predicts. The exit
    status is 1 if no host reaches the goal.
    """
    if not (rate or validate or calibrate):
        raise typer.BadParameter(
            "one of them is required", param_hint="--rate, --validate or --calibrate"
        )
    if as_json and not rate:
        raise typer.BadParameter("needs --rate", param_hint="--json")
    if calibrate:
        found = _calibrate(
            stack,
            workspace,
            read_mix(mix or DEFAULT_MIX),
            client=client,
            ladder=Ladder(rounds=rounds),
            machine=machine,
            ask=not yes,
        )
        path = save or SIZES / f"{found.stack}.json"
        save_calibration(found, path)
        messages.print(f"The measurements: {path}")
    else:
        found = read_calibration(calibration)
    parameters = fit(found.levels)
    if calibrate or validate:
        fitted = deviations(parameters, found.levels)
        print_deviations("Predicted from all measurements", fitted, _console(as_json=as_json))
    if validate:
        _validate(found, _console(as_json=as_json))
    if rate:
        if mix:
            parameters = with_mix(parameters, found, _weights(read_mix(mix)))
        goal = Goal(rate=rate, p50=p50, p95=p95, utilization=utilization / 100)
        sizes = tuple(size_hosts(parameters, found.size, goal, dict.fromkeys(host or Hosting)))
        _print(sizes, goal, found, stack, as_json=as_json)


def _console(*, as_json: bool) -> Console:
    return console(stderr=as_json)


def _print(
    sizes: Sequence[Sizing | Unreachable],
    goal: Goal,
    calibration: Calibration,
    stack: str | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        typer.echo(json.dumps(document(sizes, goal, calibration), indent=2))
    else:
        print_sizes(sizes, goal, calibration, stack or "<stack>", console())
    if not any(isinstance(each, Sizing) for each in sizes):
        raise typer.Exit(UNSUCCESSFUL)


def _validate(calibration: Calibration, output: Console) -> None:
    found = cross_validate(calibration.levels)
    print_deviations("Each measurement, predicted from the others", found.deviations, output)
    output.print(str(found), soft_wrap=True)
    if found.outcome is not Outcome.PASSED:
        raise typer.Exit(UNSUCCESSFUL if found.outcome is Outcome.FAILED else COMMAND_FAILED)


def _calibrate(
    stack: str | None,
    workspace: Path | None,
    mix: Mix,
    *,
    client: str | None,
    ladder: Ladder,
    machine: str | None,
    ask: bool,
) -> Calibration:
    if stack is None:
        raise typer.BadParameter("is required with --calibrate", param_hint="--stack")
    deployment = Deployment(target(stack, workspace), reads_only=True)
    context = checked_context(deployment, stack, longest_wait=0.0, interleavings=0)
    caller = choose_client(stack, context.outputs, client, writes=mix.writes)
    measured, most = measurable(context.settings)
    ladder = ladder.up_to(most)
    for line in announcement(ladder, mix, measured):
        messages.print(line)
    if ask:
        typer.confirm(f"Make these calls of the stack {stack}?", abort=True)
    environment = {
        "AWS region": str(context.session.region_name),
        "Host": context.settings.hosting.value,
        "MCP server (neo4j/mcp)": context.settings.server_version,
    }
    reported: dict[str, str] = {}

    def measure(plan: Plan) -> Run:
        report = make_load(
            context,
            plan,
            mix,
            client=caller,
            # With more at the same time, another instance would be started.
            most=most,
            environment=environment,
            notify=lambda _: None,
        )
        reported.update(report.environment)
        return report.runs[0]

    started, clock = dt.datetime.now(dt.UTC), time.monotonic()
    levels = measure_levels(measure, ladder, messages.print)
    return Calibration(
        stack=stack,
        started=started,
        seconds=round(time.monotonic() - clock, 1),
        machine=machine or f"the stack {stack} at {context.outputs['mcpUrl']}",
        size=measured,
        mix=_weights(mix),
        environment=reported,
        levels=levels,
    )


def _weights(mix: Mix) -> Mapping[str, int]:
    return {each.name: each.weight for each in mix.entries}
