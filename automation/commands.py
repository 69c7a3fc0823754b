"""The command line of `python -m automation`."""

import datetime as dt
import enum
import fnmatch
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Column, Table

from automation.checks import CHECKS, Check
from automation.checks.context import Context
from automation.checks.results import AnyReport, Outcome, Report, Result
from automation.checks.runner import run
from automation.controls import Controls
from automation.deployment import (
    Changes,
    Deployment,
    InterruptedDeploymentError,
)
from automation.drills import DRILLS, Drill
from automation.drills.exercise import Options, Watch
from automation.drills.results import DrillReport, DrillResult
from automation.drills.runner import run as run_drills
from automation.failures import reporting_errors
from automation.interruption import ending_in_order
from automation.policy import violations
from automation.report.files import DRILL_REPORTS, REPORTS, load, page_path, save
from automation.report.terminal import (
    Display,
    print_changes,
    print_drill_report,
    print_event,
    print_report,
    print_result,
)
from automation.roles import Purpose, StackLocation, permissions, subject, trust
from automation.rollout import require_rollout, roll_out, settle
from automation.target import (
    WORKSPACE_VARIABLE,
    Project,
    checked_context,
    target,
)
from automation.terminal import console, print_error, styled
from components.names import ResourceNames

_NO = 1
_NOT_CARRIED_OUT = 3
_INTERRUPTED = 130
_ACCOUNT = re.compile(r"\d{12}")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")

_errors = console(stderr=True, soft_wrap=True)

app = typer.Typer(
    help="""Deploy a stack, check it, drill on it, report on it, destroy it.

    The same commands drive every stack. Which backend, cloud and database they reach is the
    environment's to say: PULUMI_*, AWS_*, SSL_CERT_FILE and NEO4J_URI. For the stand-in cloud,
    eval "$(make -s env)" sets them.

    Exit status: 0 all is well; 1 a check or a drill failed, a rule is broken, something drifted,
    or the person said no; 2 the command line is wrong; 3 it could not be carried out, or a check
    or a drill is undecided; 128 and a
    signal's number where that ended it: 130 after Ctrl-C, 141 where nobody reads its output.
    """,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Stack = Annotated[str, typer.Option(help="The stack's name.", show_default=False)]
Workspace = Annotated[
    Path | None,
    typer.Option(
        help="The folder with Pulumi.yaml and the stack's settings.",
        envvar=WORKSPACE_VARIABLE,
        exists=True,
        file_okay=False,
        show_default="this project",
    ),
]
Reports = Annotated[
    Path, typer.Option(help="The folder for reports; each stack's are in a folder of its name.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and no table.")]


class Document(enum.StrEnum):
    """One of the two documents of an IAM role."""

    TRUST = "trust"
    PERMISSIONS = "permissions"


def _account(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise typer.BadParameter("must be an account's 12 digits")
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
            help="Change nothing, no stack and no state: stop after the preview and the policy.",
        ),
    ] = False,
    expect_no_changes: Annotated[
        bool,
        typer.Option(
            help="Change nothing; ask the cloud what is there, list what drifted or was cut off,"
            " and exit with status 1 where something was."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Preview, check the preview against the policy, deploy, and report what changed.

    A deployment that was cut off is taken over: what it had begun is looked up first. At the end
    the running service is compared with what was deployed.
    """
    deployment = Deployment(target(stack, workspace), reads_only=preview or expect_no_changes)
    pending = deployment.pending_operations()
    if expect_no_changes:
        changes = deployment.preview(refresh=True)
        _tell_changes("drifted", changes, pending, as_json=as_json)
        raise typer.Exit(0 if changes.none and not pending else _NO)
    if not preview:
        deployment.take_over(_errors.print)
    _errors.print(f"… Previewing the stack {stack}")
    planned = deployment.preview()
    broken = violations(planned.steps)
    for violation in broken:
        _errors.print(
            styled("✗", "red"),
            f"{violation.resource} {violation.says}",
            styled(f"({violation.rule})", "dim"),
        )
    if broken:
        print_error(f"the policy is broken {len(broken)} times; nothing changed")
        raise typer.Exit(_NO)
    if preview:
        _tell_changes("would change", planned, pending, as_json=as_json)
        return
    clients = deployment.aws_clients()
    if planned.none:
        require_rollout(deployment, clients)
        _tell_changes("changed", planned, as_json=as_json)
        return
    _errors.print(f"… Deploying the stack {stack}")
    deployed = roll_out(deployment, clients, _errors.print)
    _tell_changes("changed", deployed.changes, as_json=as_json)
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
        typer.Option(help="Run these checks alone: ids, or patterns as in 'P2-*'. Repeatable."),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(min=0, help="Longest time in seconds to wait for a token to expire."),
    ] = 330.0,
    interleavings: Annotated[
        int, typer.Option(min=100, help="How many calls of two clients are interleaved.")
    ] = 2000,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Check a deployed stack; exit status 1 where a check failed.

    The report is kept as JSON, JUnit's XML and a page. Checks read the deployment, call it with
    each client's own token, and take away what they write.
    """
    chosen = _chosen(only or [])
    deployment = Deployment(target(stack, workspace), reads_only=True)
    context = checked_context(deployment, stack, longest_wait=wait, interleavings=interleavings)
    try:
        with Display(_errors, len(chosen)) as display:
            found = _reported(
                Report,
                deployment,
                context,
                lambda tell: run(chosen, context, tell),
                display.show_result,
            )
    except KeyboardInterrupt:
        print_error("the last report, if there is one, stays as it is", "interrupted")
        raise
    save(found, reports)
    _show(found, reports, as_json=as_json)
    if not found.passed:
        raise typer.Exit(_status(found) or _NO)


@app.command()
def drill(
    name: Annotated[str, typer.Argument(help="The drill's name, or all.")] = "all",
    *,
    stack: Annotated[str, typer.Option(help="The stack's name.", show_default=False)] = "",
    workspace: Workspace = None,
    list_them: Annotated[
        bool, typer.Option("--list", help="List the drills and what they touch, and run none.")
    ] = False,
    callers: Annotated[
        int, typer.Option(min=1, max=64, help="How many callers call at once.")
    ] = Options.callers,
    token_lifetime: Annotated[
        int,
        typer.Option(
            min=5, help="Seconds that a token lives in token-expiry; Cognito's least is 300."
        ),
    ] = Options.token_lifetime,
    reports: Reports = DRILL_REPORTS,
    as_json: AsJson = False,
) -> None:
    """Do something to a deployed stack, see what callers notice, and restore it.

    Drills run one after another, and disturb who else uses the stack. A Ctrl-C ends a drill, and
    what it had changed is restored first. The report is kept like that of the checks.
    """
    if list_them:
        _list_drills(as_json=as_json)
        return
    if not stack:
        raise typer.BadParameter("name the stack to drill on", param_hint="--stack")
    if name not in {*DRILLS, "all"}:
        raise typer.BadParameter(
            f"no drill is named {name}; there are {', '.join(DRILLS)}", param_hint="NAME"
        )
    chosen = [each for each in DRILLS.values() if name in {each.name, "all"}]
    deployment = Deployment(target(stack, workspace), create=False)
    context = checked_context(deployment, stack, longest_wait=0, interleavings=0)
    options = Options(callers=callers, token_lifetime=token_lifetime)

    def begin(begun: Drill) -> Watch:
        blank = context.blanker.blank
        return lambda at, event: print_event(begun.name, at, blank(event), _errors)

    def run_chosen(tell: Callable[[DrillResult], None]) -> tuple[DrillResult, ...]:
        controls = Controls.from_environment()
        return run_drills(chosen, context, controls, options, begin=begin, tell=tell)

    try:
        found = _reported(
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
    _show(found, reports, as_json=as_json)
    raise typer.Exit(_status(found))


@app.command()
def report(*, stack: Stack, reports: Reports = REPORTS, as_json: AsJson = False) -> None:
    """Show the last report of a stack again, and write its files again.

    That of its drills is in another folder: --reports reports/drills.
    """
    found = load(stack, reports)
    save(found, reports)
    _show(found, reports, as_json=as_json)


@app.command()
def destroy(
    *,
    stack: Stack,
    workspace: Workspace = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete everything that a stack has deployed; a protected stack is refused."""
    deployment = Deployment(target(stack, workspace), create=False)
    protected = deployment.protected()
    if protected:
        print_error(
            f"the stack {stack} is protected: {', '.join(protected)}.\n"
            "To lift the protection, run:\n"
            f"  pulumi config set --stack {stack} neo4j-mcp:deletionProtection false\n"
            f"  python -m automation deploy --stack {stack}"
        )
        raise typer.Exit(_NO)
    if not yes:
        typer.confirm(f"Delete everything that the stack {stack} has deployed?", abort=True)
    deployment.take_over(_errors.print)
    settle(deployment, deployment.aws_clients())
    changes = deployment.destroy(_errors.print)
    _tell_changes("deleted", changes, as_json=as_json)


@app.command()
def role(
    purpose: Annotated[Purpose, typer.Argument(help="What the role is for.")],
    *,
    document: Annotated[Document, typer.Option(help="Which of its two documents to print.")],
    stack: Stack,
    account: Annotated[str, typer.Option(help="The AWS account's id.", callback=_account)],
    region: Annotated[str, typer.Option(help="The stack's AWS region.")] = "us-east-1",
    repository: Annotated[
        str, typer.Option(help="The repository on GitHub, OWNER/NAME; for the trust document.")
    ] = "",
    name_prefix: Annotated[
        str | None, typer.Option(help="The stack's namePrefix, where it sets one.")
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Print an IAM document of a role that a pipeline assumes; nothing is called or changed.

    docs/deploying.md says how to make the roles.
    """
    if document is Document.PERMISSIONS:
        project = Project.read(workspace)
        location = StackLocation(
            names=ResourceNames(prefix=name_prefix or project.name_prefix, stack=stack),
            project=project.name,
            account=account,
            region=region,
        )
        printed = permissions(purpose, location)
    elif _REPOSITORY.fullmatch(repository):
        printed = trust(repository=repository, subject=subject(purpose, stack), account=account)
    else:
        raise typer.BadParameter("must be OWNER/NAME", param_hint="--repository")
    typer.echo(json.dumps(json.loads(printed), indent=2))


_AnyReport = TypeVar("_AnyReport", bound=AnyReport)
_AnyResult = TypeVar("_AnyResult", bound=Result)
_Tell = Callable[[_AnyResult], None]


def _reported(
    make: Callable[..., _AnyReport],
    deployment: Deployment,
    context: Context,
    run_all: Callable[[_Tell[_AnyResult]], tuple[_AnyResult, ...]],
    tell: _Tell[_AnyResult],
) -> _AnyReport:
    """Run what gives results, and report them without a secret."""
    blank = context.blanker.blank
    started, clock = dt.datetime.now(dt.UTC), time.monotonic()
    results = run_all(
        lambda result: tell(result.model_copy(update={"reason": blank(result.reason)}))
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


def _tell_changes(
    what: str, changes: Changes, pending: Sequence[str] = (), *, as_json: bool
) -> None:
    if pending:
        _errors.print(
            f"An earlier run was cut off at {', '.join(pending)}: the next deployment asks the"
            " cloud what came of it"
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


def _show(found: Report | DrillReport, reports: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_drill_report(found, console()) if isinstance(found, DrillReport) else print_report(
            found, console()
        )
        typer.echo(f"The report: {page_path(found.stack, reports)}")


def _status(found: AnyReport) -> int:
    """Decide on the exit status, where what was skipped fails nothing."""
    if found.count(Outcome.FAILED):
        return _NO
    return _NOT_CARRIED_OUT if found.count(Outcome.UNDECIDED) else 0


def _chosen(patterns: Sequence[str]) -> list[Check]:
    for pattern in patterns:
        if not fnmatch.filter(CHECKS, pattern):
            raise typer.BadParameter(f"no check is named {pattern}", param_hint="--only")
    return [each for each in CHECKS.values() if not patterns or _matches_any(each.id, patterns)]


def _matches_any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _versions() -> dict[str, str]:
    distributions = ("pulumi", "pulumi-aws", "pulumi-docker", "pulumi-random", "boto3", "neo4j")
    return {name: version(name) for name in distributions}


def main() -> None:
    """Run the command line; a failure is one message and an exit status that says its kind."""
    # The driver's warnings would be printed among a command's own lines, which say the same.
    logging.getLogger("neo4j").addHandler(logging.NullHandler())
    with ending_in_order(), reporting_errors(_NOT_CARRIED_OUT):
        try:
            app()
        except InterruptedDeploymentError as interrupted:
            print_error(str(interrupted), "interrupted")
            raise SystemExit(_INTERRUPTED) from None
