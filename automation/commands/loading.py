"""Makes load on a stack."""

import enum
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from automation.commands.exit_statuses import UNSUCCESSFUL
from automation.commands.messages import NO_REPORT, messages
from automation.commands.options import AsJson, Reports, Stack, Workspace
from automation.commands.reporting import print_saved_report
from automation.deployment import Deployment
from automation.load.mix import DEFAULT as DEFAULT_MIX
from automation.load.mix import read_mix
from automation.load.plan import Plan as LoadPlan
from automation.load.plan import concurrent, ramp, spike, steady
from automation.load.run import Options, choose_client, make_load
from automation.load.targets import Addresses, Compared
from automation.report.files import LOAD_REPORTS, save
from automation.target import checked_context, target
from automation.terminal import print_error

_SEED: Final = 1


class Shape(enum.StrEnum):
    """How the rate of calls changes over time."""

    STEADY = "steady"
    RAMP = "ramp"
    SPIKE = "spike"


def load_stack(  # noqa: PLR0913 - one parameter per option
    *,
    stack: Stack,
    workspace: Workspace = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.1, max=5000, help="Calls per second, however long they take.", show_default=False
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="Callers that each wait for an answer before the next call, instead of a rate.",
            show_default=False,
        ),
    ] = None,
    shape: Annotated[Shape, typer.Option(help="How the rate changes.")] = Shape.STEADY,
    peak: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=5000,
            help="Calls per second at the end of a ramp, or in a spike.",
            show_default=False,
        ),
    ] = None,
    duration: Annotated[
        float, typer.Option(min=1, max=86400, help="How long to measure, in seconds.")
    ] = 60.0,
    warm_up: Annotated[
        float,
        typer.Option(min=0, max=3600, help="How long to make calls before that, in seconds."),
    ] = 10.0,
    mix: Annotated[
        Path,
        typer.Option(
            help="The file with the calls to make, which docs/load.md describes.",
            show_default="reads, writes and schemas, 8 to 1 to 1",
        ),
    ] = DEFAULT_MIX,
    client: Annotated[
        list[str] | None,
        typer.Option(
            help="The client that calls; may be repeated, and their calls take turns.",
            show_default="the first one that may make these calls",
        ),
    ] = None,
    random: Annotated[
        bool,
        typer.Option(
            "--random",
            help="With a rate: make the calls at random times, as independent callers do, instead"
            " of evenly. The times are the same in each run.",
        ),
    ] = False,
    in_flight: Annotated[
        int,
        typer.Option(
            min=1, max=4000, help="With a rate: the most calls at once; further ones wait."
        ),
    ] = 512,
    compare: Annotated[
        str,
        typer.Option(
            help="Targets to call in turn with the service, separated by commas: container (an"
            " instance without its host), bolt (the database), peer (mcp-neo4j-cypher), statements"
            " (all that the server runs in the database) and database (those without a gateway).",
            show_default="none",
        ),
    ] = "",
    rounds: Annotated[
        int, typer.Option(min=1, max=100, help="With --compare: how many times each is called.")
    ] = 6,
    container: Annotated[
        str | None,
        typer.Option(
            help="With --compare container: the address of an instance, as http://<host>:<port>.",
            show_default="found where this machine runs it",
        ),
    ] = None,
    direct_database: Annotated[
        str | None,
        typer.Option(
            envvar="AUTOMATION_DIRECT_DATABASE",
            help="With --compare database: the database's address behind a gateway.",
            show_default="none",
        ),
    ] = None,
    direct_credentials: Annotated[
        Path | None,
        typer.Option(
            envvar="AUTOMATION_DIRECT_CREDENTIALS",
            help="The JSON file with the username and password for it.",
            show_default="none",
        ),
    ] = None,
    reports: Reports = LOAD_REPORTS,
    as_json: AsJson = False,
) -> None:
    """Make load on a deployed stack, and report throughput, latency and failures.

    The calls reach the service as its callers' do, so others who use the stack notice the load.
    Latency counts from when a call was due. The exit status is 1 if no call succeeded.
    """
    plan = _load_plan(
        shape, rate=rate, peak=peak, concurrency=concurrency, warm_up=warm_up, duration=duration
    )
    if random:
        if concurrency is not None:
            raise typer.BadParameter("needs --rate", param_hint="--random")
        plan = replace(plan, seed=_SEED)
    addresses = Addresses(
        container=container, database=direct_database, credentials=direct_credentials
    )
    clients = tuple(dict.fromkeys(client or ()))
    targets = _compared(compare, shape, addresses, clients)
    calls = read_mix(mix)
    deployment = Deployment(target(stack, workspace), reads_only=True)
    context = checked_context(deployment, stack, longest_wait=0.0, interleavings=0)
    caller, *others = [
        choose_client(stack, context.outputs, each, writes=calls.writes)
        for each in clients or (None,)
    ]
    try:
        found = make_load(
            context,
            plan,
            calls,
            client=caller,
            most=in_flight,
            options=Options(
                others=tuple(others),
                targets=targets,
                rounds=rounds,
                addresses=addresses,
                partial=True,
            ),
            environment={
                "AWS region": str(context.session.region_name),
                "Host": context.settings.hosting.value,
                "MCP server (neo4j/mcp)": context.settings.server_version,
            },
            notify=messages.print,
        )
    except KeyboardInterrupt:
        print_error(NO_REPORT, "interrupted")
        raise
    save(found, reports)
    print_saved_report(found, reports, as_json=as_json)
    if found.interrupted:
        print_error("the report has what was measured until then", "interrupted")
        raise KeyboardInterrupt
    if not any(run.total.succeeded for run in found.runs):
        raise typer.Exit(UNSUCCESSFUL)


def _compared(
    names: str, shape: Shape, addresses: Addresses, clients: Sequence[str]
) -> tuple[Compared, ...]:
    wanted = dict.fromkeys(name.strip() for name in names.split(",") if name.strip())
    known = [each.value for each in Compared]
    if unknown := [name for name in wanted if name not in known]:
        raise typer.BadParameter(
            f"has {', '.join(unknown)}, but can only have {', '.join(known)}",
            param_hint="--compare",
        )
    if wanted and shape is not Shape.STEADY:
        raise typer.BadParameter(
            "can't be combined with --shape ramp or spike", param_hint="--compare"
        )
    if wanted and len(clients) > 1:
        # The peer logs on as one client, and so do the calls of the database.
        raise typer.BadParameter(
            "can't be combined with several --client, as not every target logs on as all of them",
            param_hint="--compare",
        )
    if addresses.container is not None and Compared.CONTAINER not in wanted:
        raise typer.BadParameter("needs --compare container", param_hint="--container")
    return tuple(map(Compared, wanted))


def _load_plan(
    shape: Shape,
    *,
    rate: float | None,
    peak: float | None,
    concurrency: int | None,
    warm_up: float,
    duration: float,
) -> LoadPlan:
    if (rate is None) == (concurrency is None):
        raise typer.BadParameter("exactly one is required", param_hint="--rate or --concurrency")
    if (peak is None) != (shape is Shape.STEADY):
        raise typer.BadParameter(
            "is required with --shape ramp or spike, and can't be combined with steady",
            param_hint="--peak",
        )
    if rate is None:
        if peak is not None:
            raise typer.BadParameter(
                "can't be combined with --shape ramp or spike", param_hint="--concurrency"
            )
        return concurrent(concurrency or 1, warm_up=warm_up, seconds=duration)
    if peak is None:
        return steady(rate, warm_up=warm_up, seconds=duration)
    make = ramp if shape is Shape.RAMP else spike
    return make(rate, peak, warm_up=warm_up, seconds=duration)
