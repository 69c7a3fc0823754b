"""The command line of `python -m automation`."""

import datetime as dt
import enum
import fnmatch
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Column, Table

from automation.audit.printing import print_audit
from automation.audit.sources import HISTORY, read_audit
from automation.blanking import Blanker
from automation.checks import CHECKS, Check
from automation.checks.context import Context
from automation.checks.results import AnyReport, Outcome, Report, Result
from automation.checks.runner import run
from automation.controls import Controls
from automation.cost.comparison import compare
from automation.cost.estimate import estimate
from automation.cost.prices import REGION
from automation.cost.printing import (
    comparison_document,
    document,
    print_comparison,
    print_estimate,
)
from automation.cost.usage import Group, Load, Resource
from automation.database_role import role_commands
from automation.deployment import (
    Changes,
    Deployment,
    InterruptedDeploymentError,
)
from automation.drills import DRILLS, Drill
from automation.drills.exercise import OnEvent, Options
from automation.drills.results import DrillReport, DrillResult
from automation.drills.runner import run as run_drills
from automation.failures import reporting_errors
from automation.function_code import deployed_code, restore_code
from automation.grants import Purpose, StackLocation
from automation.hosting.host import Aws, aws_of
from automation.hosting.hosts import HOSTS
from automation.interruption import graceful_shutdown
from automation.load.mix import DEFAULT as DEFAULT_MIX
from automation.load.mix import read_mix
from automation.load.plan import Plan as LoadPlan
from automation.load.plan import concurrent, ramp, spike, steady
from automation.load.printing import print_load_report
from automation.load.results import LoadReport
from automation.load.run import choose_client, make_load
from automation.muting import delete_mute_rules, muting
from automation.policy import violations
from automation.preflight.findings import Plan
from automation.preflight.log_key import check_log_keys
from automation.preflight.runner import run_preflights
from automation.report.files import (
    DRILL_REPORTS,
    LOAD_REPORTS,
    REPORTS,
    SavedReport,
    load,
    page_path,
    save,
)
from automation.report.terminal import (
    Display,
    print_changes,
    print_drill_report,
    print_event,
    print_report,
    print_result,
    print_rotations,
)
from automation.roles import (
    access_log_permissions,
    host_permissions,
    monitoring_permissions,
    permissions,
    subject,
    trust,
)
from automation.rollout import require_unchanged, roll_out, wait_for_service
from automation.rotation.clients import Client, find_clients
from automation.rotation.operations import Rotator
from automation.rotation.results import Outcome as RotationOutcome
from automation.rotation.results import Rotation
from automation.rotation.stack import deployed_outputs, rotator
from automation.stack_logs import Writer, find_log, read_lines
from automation.starts import measure_starts, require_function
from automation.target import (
    WORKSPACE_VARIABLE,
    Project,
    checked_context,
    stack_settings,
    target,
)
from automation.terminal import console, print_error, styled, visible
from components.names import ResourceNames
from components.settings import Hosting

_UNSUCCESSFUL = 1
_COMMAND_FAILED = 3
_INTERRUPTED = 130
_NO_REPORT = "no report is written; the last one, if any, is unchanged"
_ACCOUNT = re.compile(r"\d{12}")
# As the settings scopes.<name>.role and neo4jDatabase allow them.
_ROLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_DATABASE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]{2,62}")
# Longer numbers could overflow.
_PERIOD = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_LOAD = Load()
# More than any of the hosts could serve, and few enough to calculate with.
_MOST_CALLS = 100_000
_MOST_CALLERS = 1_000_000
_MOST_TOKENS = 10**10
# Seconds, and kilobytes.
_LONGEST_CALL = 900
_LARGEST_ANSWER = 1_000_000

_errors = console(stderr=True, soft_wrap=True)

app = typer.Typer(
    help="""Deploy a stack, check it, rotate its secrets, run drills on it, destroy it.

    The same commands work on every stack. The environment decides which backend, cloud and
    database they use: PULUMI_*, AWS_*, SSL_CERT_FILE and NEO4J_URI. For the stand-in cloud, run:
    eval "$(make -s env)"

    Exit status: 0 success; 1 a check or a drill failed, a policy rule is violated, the stack has
    drifted, a secret can't be rotated now, or you answered no; 2 the command line is wrong; 3 the
    command failed, or a check or a drill is undecided; 128 plus the signal's number if a signal
    ended it: 130 after Ctrl-C, 141 if nobody reads its output.
    """,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Stack = Annotated[str, typer.Option(help="The stack's name.", show_default=False)]
Workspace = Annotated[
    Path | None,
    typer.Option(
        help="The folder with Pulumi.yaml and the stack's settings files.",
        envvar=WORKSPACE_VARIABLE,
        exists=True,
        file_okay=False,
        show_default="this project",
    ),
]
Reports = Annotated[
    Path, typer.Option(help="The folder for reports, which has a folder for each stack.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


class Shape(enum.StrEnum):
    """How the rate of calls changes over time."""

    STEADY = "steady"
    RAMP = "ramp"
    SPIKE = "spike"


class Document(enum.StrEnum):
    """One of the documents of an IAM role."""

    TRUST = "trust"
    PERMISSIONS = "permissions"
    HOST_PERMISSIONS = "host-permissions"
    MONITORING_PERMISSIONS = "monitoring-permissions"
    ACCESS_LOG_PERMISSIONS = "access-log-permissions"


def _role_name(value: str) -> str:
    if not _ROLE_NAME.fullmatch(value):
        raise typer.BadParameter("must be a letter, then letters, digits and underscores")
    return value


def _database_name(value: str) -> str:
    if not _DATABASE_NAME.fullmatch(value):
        raise typer.BadParameter("must be letters, digits, dots and hyphens")
    return value


def _account(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise typer.BadParameter("must be 12 digits")
    return value


@app.command()
def deploy(
    *,
    stack: Stack,
    workspace: Workspace = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview",
            help="Show what would change and check it against the policy. Changes nothing.",
        ),
    ] = False,
    expect_no_changes: Annotated[
        bool,
        typer.Option(
            help="Look for drift, and exit with status 1 if there is any or if a deployment was"
            " cut off. Changes nothing."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Preview, check the preview against the policy, deploy, and report what changed.

    Before anything is created, it looks for what AWS would refuse in the middle of the deployment.
    If the last deployment was cut off, what it had begun is looked up first, and this one resumes
    from there. At the end, the running service is compared with what was deployed.
    """
    reads_only = preview or expect_no_changes
    deployment = Deployment(target(stack, workspace), create=not reads_only, reads_only=reads_only)
    pending = deployment.pending_operations()
    if expect_no_changes:
        changes = deployment.preview(refresh=True)
        _print_changes("drifted", changes, pending, as_json=as_json)
        raise typer.Exit(0 if changes.none and not pending else _UNSUCCESSFUL)
    if not preview:
        deployment.take_over(_errors.print)
    _errors.print(f"… Previewing the stack {stack}")
    planned = deployment.preview()
    broken = violations(planned.steps)
    for violation in broken:
        _errors.print(
            styled("✗", "red"),
            f"{violation.resource} {violation.message}",
            styled(f"({violation.rule})", "dim"),
        )
    if broken:
        rules = "1 policy rule is" if len(broken) == 1 else f"{len(broken)} policy rules are"
        print_error(f"{rules} violated; nothing was changed")
        raise typer.Exit(_UNSUCCESSFUL)
    if preview:
        _print_changes("would change", planned, pending, as_json=as_json)
        return
    clients = deployment.aws_clients()
    if planned.none:
        names = _names(deployment)
        functions = deployed_code(planned.steps, names)
        restore_code(functions, aws_of(clients), _errors.print)
        try:
            require_unchanged(deployment, clients, _errors.print)
        finally:
            # Another deployment, which may still wait for the host, doesn't need its rule any more.
            delete_mute_rules(
                deployment.state(), names.mute_rule, partial(_aws_in, deployment), _errors.print
            )
        _print_changes("changed", planned, as_json=as_json)
        return
    settings = stack_settings(deployment, deployment.configuration())
    names = ResourceNames(prefix=settings.name_prefix, stack=stack)
    plan = Plan(stack=stack, settings=settings, names=names, changes=planned)
    for notice in chain(
        run_preflights(plan, clients), check_log_keys(plan, deployment.aws_clients)
    ):
        _errors.print(f"! {notice}")
    _errors.print(f"… Deploying the stack {stack}")
    with _muting(deployment, names) as mute:
        functions = deployed_code(planned.steps, names)
        restore_code(functions, aws_of(clients), _errors.print)
        deployed = roll_out(deployment, clients, _errors.print, mute)
    _print_changes("changed", deployed.changes, as_json=as_json)
    if not as_json:
        typer.echo(
            f"The server answers at {deployed.outputs['mcpUrl']}."
            f" Next: python -m automation check --stack {stack}"
        )


@app.command()
def check(
    *,
    stack: Stack,
    workspace: Workspace = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run only these checks: an id or a pattern such as 'P2-*'. Repeatable."),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(min=0, help="The longest wait for a token to expire, in seconds."),
    ] = 330.0,
    interleavings: Annotated[
        int, typer.Option(min=100, help="How many calls of two clients to interleave.")
    ] = 2000,
    other_host: Annotated[
        bool,
        typer.Option(
            "--other-host",
            help="Check the host that callers don't use, while the stack moves to another one.",
        ),
    ] = False,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Check a deployed stack, and exit with status 1 if a check failed.

    The report is written as JSON, JUnit XML and an HTML page. Checks read the deployment, call it
    with each client's own token, and remove what they write.
    """
    chosen = _select_checks(only or [])
    deployment = Deployment(target(stack, workspace), reads_only=True)
    context = checked_context(
        deployment,
        stack,
        longest_wait=wait,
        interleavings=interleavings,
        other_host=other_host,
    )
    try:
        with Display(_errors, len(chosen)) as display:
            found = _run_and_report(
                partial(Report, hosting=context.settings.hosting),
                deployment,
                context,
                lambda on_result: run(chosen, context, on_result),
                display.show_result,
            )
    except KeyboardInterrupt:
        print_error(_NO_REPORT, "interrupted")
        raise
    save(found, reports)
    _print_saved_report(found, reports, as_json=as_json)
    if not found.passed:
        raise typer.Exit(_exit_status(found) or _UNSUCCESSFUL)


@app.command()
def drill(
    name: Annotated[str, typer.Argument(help="The drill's name, or all.")] = "all",
    *,
    stack: Annotated[str, typer.Option(help="The stack's name.", show_default=False)] = "",
    workspace: Workspace = None,
    list_them: Annotated[
        bool,
        typer.Option("--list", help="List the drills and what they touch."),
    ] = False,
    callers: Annotated[
        int, typer.Option(min=1, max=64, help="How many callers make calls at once.")
    ] = Options.callers,
    token_lifetime: Annotated[
        int,
        typer.Option(
            min=5, help="The token lifetime for token-expiry, in seconds; Cognito's minimum is 300."
        ),
    ] = Options.token_lifetime,
    reports: Reports = DRILL_REPORTS,
    as_json: AsJson = False,
) -> None:
    """Disturb a deployed stack, see what its callers notice, and restore it.

    Drills run one after another, and disturb everyone who uses the stack. After a Ctrl-C, what the
    drill has changed is restored first. The report is written like that of the checks.
    """
    if list_them:
        _list_drills(as_json=as_json)
        return
    if not stack:
        raise typer.BadParameter("is required to run a drill", param_hint="--stack")
    if name not in {*DRILLS, "all"}:
        raise typer.BadParameter(
            f"must be all or one of {', '.join(DRILLS)}, not {name}", param_hint="NAME"
        )
    chosen = [each for each in DRILLS.values() if name in {each.name, "all"}]
    deployment = Deployment(target(stack, workspace))
    context = checked_context(deployment, stack, longest_wait=0, interleavings=0)
    options = Options(callers=callers, token_lifetime=token_lifetime)

    def print_events(started: Drill) -> OnEvent:
        blank = context.blanker.blank
        return lambda at, event: print_event(started.name, at, blank(event), _errors)

    def run_chosen(on_result: _OnResult[DrillResult]) -> tuple[DrillResult, ...]:
        return run_drills(
            chosen,
            context,
            Controls.from_environment(),
            options,
            on_event=print_events,
            on_result=on_result,
        )

    try:
        found = _run_and_report(
            DrillReport,
            deployment,
            context,
            run_chosen,
            lambda result: print_result(result, _errors),
        )
    except KeyboardInterrupt as interrupted:
        print_error(str(interrupted), "interrupted")
        raise
    save(found, reports)
    _print_saved_report(found, reports, as_json=as_json)
    raise typer.Exit(_exit_status(found))


@app.command("load")
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
        str | None,
        typer.Option(
            help="The client that calls.", show_default="the first one that may make these calls"
        ),
    ] = None,
    in_flight: Annotated[
        int,
        typer.Option(
            min=1, max=4000, help="With a rate: the most calls at once; further ones wait."
        ),
    ] = 512,
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
    calls = read_mix(mix)
    deployment = Deployment(target(stack, workspace), reads_only=True)
    context = checked_context(deployment, stack, longest_wait=0.0, interleavings=0)
    caller = choose_client(stack, context.outputs, client, writes=calls.writes)
    try:
        found = make_load(
            context,
            plan,
            calls,
            client=caller,
            most=in_flight,
            environment={
                "AWS region": str(context.session.region_name),
                "Host": context.settings.hosting.value,
                "MCP server (neo4j/mcp)": context.settings.server_version,
            },
            notify=_errors.print,
        )
    except KeyboardInterrupt:
        print_error(_NO_REPORT, "interrupted")
        raise
    save(found, reports)
    _print_saved_report(found, reports, as_json=as_json)
    if not any(run.total.succeeded for run in found.runs):
        raise typer.Exit(_UNSUCCESSFUL)


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


@app.command()
def report(*, stack: Stack, reports: Reports = REPORTS, as_json: AsJson = False) -> None:
    """Show a stack's last report, and write its files again.

    For the drills' report, add: --reports reports/drills; for that of load: --reports reports/load
    """
    found = load(stack, reports)
    save(found, reports)
    _print_saved_report(found, reports, as_json=as_json)


@app.command()
def destroy(
    *,
    stack: Stack,
    workspace: Workspace = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete everything that a stack has deployed, unless it is protected."""
    deployment = Deployment(target(stack, workspace))
    protected = deployment.protected()
    if protected:
        print_error(
            f"the stack {stack} has protected resources: {', '.join(protected)}.\n"
            "To remove the protection, run:\n"
            f"  pulumi config set --stack {stack} neo4j-mcp:deletionProtection false\n"
            f"  python -m automation deploy --stack {stack}"
        )
        raise typer.Exit(_UNSUCCESSFUL)
    if not yes:
        typer.confirm(f"Delete everything that the stack {stack} has deployed?", abort=True)
    deployment.take_over(_errors.print)
    wait_for_service(deployment, deployment.aws_clients())
    with _muting(deployment, _names(deployment)) as mute:
        changes = deployment.destroy(_errors.print, mute)
    _print_changes("deleted", changes, as_json=as_json)


@app.command()
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


@app.command()
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


@app.command("audit")
def show_audit(
    *,
    stack: Stack,
    workspace: Workspace = None,
    since: Annotated[
        str, typer.Option(help="How far back: a number with m, h or d, such as 90m, 24h or 7d.")
    ] = "24h",
    as_json: AsJson = False,
) -> None:
    """Show who got which tokens, and who read the clients' secrets.

    It reads the claims function's log and CloudTrail's event history. docs/audit.md shows how to
    find out who ran which query.
    """
    period = _period(since)
    deployment = Deployment(target(stack, workspace), reads_only=True)
    clients = find_clients(deployed_outputs(deployment), stack)
    now = dt.datetime.now(dt.UTC)
    found = read_audit(
        stack,
        clients,
        _names(deployment).claims_function,
        aws_of(deployment.aws_clients()),
        now - period,
        now,
    )
    if as_json:
        typer.echo(json.dumps(found.document(), indent=2))
    else:
        print_audit(found, console())
    if found.unread:
        raise typer.Exit(_COMMAND_FAILED)


@app.command("logs")
def show_logs(
    writer: Annotated[Writer, typer.Argument(help="Which log to show.", show_default=False)],
    *,
    stack: Stack,
    workspace: Workspace = None,
    since: Annotated[
        str, typer.Option(help="How far back: a number with m, h or d, such as 90m, 24h or 7d.")
    ] = "1h",
    as_json: AsJson = False,
) -> None:
    """Print the log of the server, the canary, the claims function or the rotation function.

    On App Runner and Fargate, the server's log has the host's events too. It may quote the text of
    queries: see docs/logs.md.
    """
    period = _period(since)
    deployment = Deployment(target(stack, workspace), reads_only=True)
    settings = stack_settings(deployment, deployment.configuration())
    names = ResourceNames(prefix=settings.name_prefix, stack=stack)
    aws = aws_of(deployment.aws_clients())
    log = find_log(writer, aws, names, HOSTS[settings.hosting])
    now = dt.datetime.now(dt.UTC)
    blank = Blanker().blank
    lines = read_lines(aws, log, now - period, now)
    if as_json:
        typer.echo(blank(json.dumps([each.document() for each in lines], indent=2)))
        return
    count = 0
    for count, line in enumerate(lines, start=1):  # noqa: B007 - it counts
        typer.echo(visible(blank(str(line))))
    if not count:
        _errors.print(f"! No line within {since} in {' and '.join(log.groups)}")


@app.command()
def cost(  # noqa: PLR0913 - one parameter per option
    *,
    stack: Stack,
    workspace: Workspace = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview", help="Estimate what the configuration would deploy, not what is deployed."
        ),
    ] = False,
    calls_per_second: Annotated[
        float,
        typer.Option(
            min=0, max=_MOST_CALLS, help="Calls of all callers together, on average of a month."
        ),
    ] = float(_LOAD.calls_per_second),
    seconds_per_call: Annotated[
        float,
        typer.Option(
            min=0, max=_LONGEST_CALL, help="How long a call takes, with the database's part."
        ),
    ] = float(_LOAD.seconds_per_call),
    callers: Annotated[
        int,
        typer.Option(
            min=0, max=_MOST_CALLERS, help="Programs of each client that don't share their token."
        ),
    ] = _LOAD.callers,
    tokens: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=_MOST_TOKENS,
            help="Tokens a month, instead of those that callers need.",
            show_default="calculated",
        ),
    ] = None,
    kilobytes_per_call: Annotated[
        float, typer.Option(min=0, max=_LARGEST_ANSWER, help="Size of an answer.")
    ] = float(_LOAD.kilobytes_per_call),
    log_kilobytes_per_call: Annotated[
        float,
        typer.Option(
            min=0, max=_LARGEST_ANSWER, help="What the server and its host log for each call."
        ),
    ] = float(_LOAD.log_kilobytes_per_call),
    only: Annotated[
        list[Group] | None,
        typer.Option(help="Only this part. Can be repeated.", show_default="all"),
    ] = None,
    host: Annotated[
        list[Hosting] | None,
        typer.Option(
            help="Compare the stack's host with this one at its default size, under the same load."
            " Can be repeated.",
            show_default="no comparison",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate what the stack costs in a month, without calls and under a load.

    The prices are those of us-east-1, on the day that the output names, and free tiers aren't
    subtracted. docs/cost.md has them with their sources. Nothing is asked of AWS but the stack's
    state, or, with --preview, what a preview looks up.
    """
    if host and only:
        raise typer.BadParameter("can't be combined with --host", param_hint="--only")
    load = Load(
        calls_per_second=_decimal(calls_per_second),
        seconds_per_call=_decimal(seconds_per_call),
        callers=callers,
        kilobytes_per_call=_decimal(kilobytes_per_call),
        log_kilobytes_per_call=_decimal(log_kilobytes_per_call),
        tokens=None if tokens is None else Decimal(tokens),
    )
    deployment = Deployment(target(stack, workspace), reads_only=True)
    configuration = deployment.configuration()
    region = configuration.get("aws:region", REGION)
    resources = tuple(_planned(deployment) if preview else _deployed(deployment))
    if host:
        candidates = compare(resources, dict.fromkeys(host), load)
        if as_json:
            typer.echo(json.dumps(comparison_document(candidates, load, region), indent=2))
        else:
            print_comparison(candidates, load, region, console())
        return
    serving = stack_settings(deployment, configuration).hosting
    found = estimate(resources, load, serving)
    lines = tuple(line for line in found if not only or line.group in only)
    if as_json:
        typer.echo(json.dumps(document(lines, load, region), indent=2))
    elif lines:
        print_estimate(lines, load, region, console())
    else:
        typer.echo(
            f"Nothing of the stack {stack} that is deployed costs anything"
            f"{_parts(only)}. To see what its configuration would cost:"
            f"\n  python -m automation cost --stack {stack} --preview"
        )


def _parts(groups: Sequence[Group] | None) -> str:
    return f" in {', '.join(groups)}" if groups else ""


def _decimal(value: float) -> Decimal:
    # Through its text, which is what was typed.
    return Decimal(str(value))


def _planned(deployment: Deployment) -> Iterator[Resource]:
    # A replacement has several steps.
    planned = {
        step.urn: step.inputs
        for step in deployment.preview().steps
        if not step.operation.startswith("delete")
    }
    return (Resource.of(urn, inputs) for urn, inputs in planned.items())


def _deployed(deployment: Deployment) -> Iterator[Resource]:
    return (
        Resource.of(each["urn"], each.get("inputs") or {})
        for each in deployment.state().get("resources") or []
        if not each.get("delete")
    )


@app.command("measure-starts")
def measure(
    *,
    stack: Stack,
    workspace: Workspace = None,
    starts: Annotated[int, typer.Option(min=1, help="How many environments to start.")] = 5,
    calls: Annotated[int, typer.Option(min=1, help="How many calls to make in each.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Measure the first and the further calls in environments of a stack on Lambda.

    Callers are led to new environments for it, so they see cold starts meanwhile.
    """
    deployment = Deployment(target(stack, workspace), reads_only=True)
    context = checked_context(deployment, stack, longest_wait=0.0, interleavings=0)
    require_function(context)
    found = measure_starts(context, starts=starts, calls=calls).summary()
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table("call", "milliseconds", title=f"{starts} starts, {calls} calls after each")
    for name, milliseconds in found.items():
        table.add_row(name, f"{milliseconds:.1f}")
    console().print(table)


@app.command()
def role(  # noqa: PLR0913 - one parameter per option
    purpose: Annotated[Purpose, typer.Argument(help="What the role is for.")],
    *,
    document: Annotated[Document, typer.Option(help="Which of the role's documents to print.")],
    stack: Stack,
    account: Annotated[str, typer.Option(help="The AWS account id.", callback=_account)],
    region: Annotated[str, typer.Option(help="The stack's AWS region.")] = "us-east-1",
    repository: Annotated[
        str, typer.Option(help="The GitHub repository, OWNER/NAME; for the trust document.")
    ] = "",
    name_prefix: Annotated[
        str | None, typer.Option(help="The stack's namePrefix, if it sets one.")
    ] = None,
    hosting: Annotated[
        list[Hosting] | None,
        typer.Option(
            help="The stack's hosting. Repeatable for permissions: while a stack moves, give both.",
            show_default=Hosting.APP_RUNNER.value,
        ),
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Print an IAM document of a role that a pipeline assumes, without calling AWS.

    docs/deploying.md shows how to create the roles.
    """
    hosts = hosting or [Hosting.APP_RUNNER]
    if document is Document.TRUST:
        if not _REPOSITORY.fullmatch(repository):
            raise typer.BadParameter("must be OWNER/NAME", param_hint="--repository")
        printed = trust(repository=repository, subject=subject(purpose, stack), account=account)
    else:
        project = Project.read(workspace)
        location = StackLocation(
            names=ResourceNames(prefix=name_prefix or project.name_prefix, stack=stack),
            project=project.name,
            account=account,
            region=region,
        )
        write = {
            Document.PERMISSIONS: permissions,
            Document.HOST_PERMISSIONS: _host_permissions,
            Document.MONITORING_PERMISSIONS: _monitoring_permissions,
            Document.ACCESS_LOG_PERMISSIONS: _access_log_permissions,
        }[document]
        printed = write(purpose, location, hosts)
    typer.echo(json.dumps(json.loads(printed), indent=2))


def _period(text: str) -> dt.timedelta:
    """Parse a number with a unit, at most as long as CloudTrail's event history."""
    match = _PERIOD.fullmatch(text)
    period = dt.timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else dt.timedelta()
    if not dt.timedelta() < period <= HISTORY:
        raise typer.BadParameter(
            f"must be a number with m, h or d, such as 24h, at most {HISTORY.days}d, not {text}",
            param_hint="--since",
        )
    return period


def _muting(
    deployment: Deployment, names: ResourceNames
) -> AbstractContextManager[Callable[[], None]]:
    return muting(deployment.state(), names.mute_rule, partial(_aws_in, deployment), _errors.print)


def _aws_in(deployment: Deployment, region: str) -> Aws:
    return aws_of(deployment.aws_clients(region))


def _names(deployment: Deployment) -> ResourceNames:
    """Return a stack's names, also if its other settings are wrong."""
    prefix = deployment.configuration().get(f"{deployment.project}:namePrefix", "")
    return ResourceNames(prefix=prefix, stack=deployment.stack)


def _host_permissions(purpose: Purpose, location: StackLocation, hosts: Sequence[Hosting]) -> str:
    if len(hosts) > 1:
        raise typer.BadParameter("must be one host for this document", param_hint="--hosting")
    printed = host_permissions(purpose, location, hosts[0])
    if printed is None:
        raise typer.BadParameter(f"the role {purpose} needs nothing of a host")
    return printed


def _monitoring_permissions(
    purpose: Purpose, location: StackLocation, hosts: Sequence[Hosting]
) -> str:
    printed = monitoring_permissions(purpose, location, hosts)
    if printed is None:
        raise typer.BadParameter(f"the role {purpose} needs nothing of the monitoring")
    return printed


def _access_log_permissions(
    purpose: Purpose, location: StackLocation, _hosts: Sequence[Hosting]
) -> str:
    printed = access_log_permissions(purpose, location)
    if printed is None:
        raise typer.BadParameter(f"the role {purpose} needs nothing of the access logs")
    return printed


@app.command("database-role")
def print_database_role(
    name: Annotated[str, typer.Argument(help="The role's name.", callback=_role_name)],
    *,
    database: Annotated[
        str, typer.Option(help="The database that its holders may use.", callback=_database_name)
    ] = "neo4j",
    write: Annotated[bool, typer.Option("--write", help="Also allow writing.")] = False,
) -> None:
    """Print the Cypher that creates a Neo4j role for agents, with no more than they need.

    Its holders can't load data from other addresses, and can't call what reaches beyond the graph.
    docs/self-managed.md shows how to use it, which is the same on Aura.
    """
    for command in role_commands(name, database=database, writes=write):
        typer.echo(f"{command};")


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
    made = rotator(deployment, outputs, _errors.print)
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


_AnyReport = TypeVar("_AnyReport", bound=AnyReport)
_AnyResult = TypeVar("_AnyResult", bound=Result)
_OnResult = Callable[[_AnyResult], None]


def _run_and_report(
    make: Callable[..., _AnyReport],
    deployment: Deployment,
    context: Context,
    run_all: Callable[[_OnResult[_AnyResult]], tuple[_AnyResult, ...]],
    on_result: _OnResult[_AnyResult],
) -> _AnyReport:
    """Run checks or drills, and return their report with every secret blanked."""
    blank = context.blanker.blank
    started, clock = dt.datetime.now(dt.UTC), time.monotonic()
    results = run_all(
        lambda result: on_result(result.model_copy(update={"reason": blank(result.reason)}))
    )
    return make(
        stack=context.stack,
        started=started,
        seconds=round(time.monotonic() - clock, 1),
        environment={
            "AWS region": str(context.session.region_name),
            "Database": context.database_uri,
            "MCP server (neo4j/mcp)": context.settings.server_version,
            "Pulumi engine": deployment.engine_version,
            **_versions(),
        },
        outputs={name: value for name, value in context.outputs.items() if name != "readme"},
        results=results,
    ).blanked(blank)


def _list_drills(*, as_json: bool) -> None:
    if as_json:
        keys = ("name", "sentence", "touches")
        drills = [{key: getattr(each, key) for key in keys} for each in DRILLS.values()]
        typer.echo(json.dumps(drills, indent=2))
        return
    table = Table(Column("Drill", no_wrap=True), "What it proves", "What it touches")
    for each in DRILLS.values():
        table.add_row(each.name, each.sentence, each.touches)
    console().print(table)


def _print_changes(
    what: str, changes: Changes, pending: Sequence[str] = (), *, as_json: bool
) -> None:
    if pending:
        _errors.print(
            f"The last run was cut off at {', '.join(pending)}. The next deployment looks up what"
            " it had done."
        )
    if as_json:
        document: dict[str, Any] = {
            "counts": dict(changes.counts),
            "pending": list(pending),
            "changes": [
                {"resource": step.urn, "operation": step.operation, "properties": step.properties}
                for step in changes.steps
                if step.urn in changes.resources
            ],
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        print_changes(what, changes, console())


def _print_rotations(rotations: Sequence[Rotation], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([each.document() for each in rotations], indent=2))
    else:
        print_rotations(rotations, console())


def _print_saved_report(found: SavedReport, reports: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    if isinstance(found, LoadReport):
        print_load_report(found, console())
    elif isinstance(found, DrillReport):
        print_drill_report(found, console())
    else:
        print_report(found, console())
    typer.echo(f"The report: {page_path(found.stack, reports)}")


def _exit_status(found: AnyReport) -> int:
    """Choose the exit status; skipped checks and drills don't count."""
    if found.count(Outcome.FAILED):
        return _UNSUCCESSFUL
    return _COMMAND_FAILED if found.count(Outcome.UNDECIDED) else 0


def _rotation_status(found: Sequence[Rotation]) -> int:
    """Choose the exit status; skipped clients don't count."""
    outcomes = {each.outcome for each in found}
    if outcomes & {RotationOutcome.FAILED, RotationOutcome.UNDECIDED}:
        return _COMMAND_FAILED
    prevented = {RotationOutcome.REFUSED, RotationOutcome.STUCK, RotationOutcome.ABANDONED}
    return _UNSUCCESSFUL if outcomes & prevented else 0


def _select_checks(patterns: Sequence[str]) -> list[Check]:
    for pattern in patterns:
        if not fnmatch.filter(CHECKS, pattern):
            raise typer.BadParameter(f"no check matches {pattern}", param_hint="--only")
    return [each for each in CHECKS.values() if not patterns or _matches_any(each.id, patterns)]


def _matches_any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _versions() -> dict[str, str]:
    distributions = ("pulumi", "pulumi-aws", "pulumi-docker", "pulumi-random", "boto3", "neo4j")
    return {name: version(name) for name in distributions}


def main() -> None:
    """Run the command line, and report a failure in one message and by the exit status."""
    # The driver's warnings would repeat what a command prints itself.
    logging.getLogger("neo4j").addHandler(logging.NullHandler())
    with graceful_shutdown(), reporting_errors(_COMMAND_FAILED):
        try:
            app()
        except InterruptedDeploymentError as interrupted:
            print_error(str(interrupted), "interrupted")
            raise SystemExit(_INTERRUPTED) from None
