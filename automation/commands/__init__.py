"""The command line of `python -m automation`: one module per kind of work, and what they share.

deploying     deploy, destroy
checking      check
drilling      drill
breaking      chaos
loading       load
reporting     report, and how the commands above print theirs
rotating      rotate, revoke
reading       audit, logs
supporting    support
costing       cost
sizing        size
listing       sbom
measuring     measure-starts
probing       probe
granting      role, database-role

options          the options that several commands share
running          runs checks or drills, and makes their report
messages         what isn't a result, on standard error
periods          how far back a command looks
exit_statuses    the statuses that scripts distinguish
"""

import logging

import typer

from automation.commands import (
    breaking,
    checking,
    costing,
    deploying,
    drilling,
    granting,
    listing,
    loading,
    measuring,
    probing,
    reading,
    reporting,
    rotating,
    sizing,
    supporting,
)
from automation.commands.exit_statuses import COMMAND_FAILED, INTERRUPTED
from automation.deployment import InterruptedDeploymentError
from automation.failures import reporting_errors
from automation.interruption import graceful_shutdown
from automation.terminal import print_error

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
# In the order of --help.
app.command("deploy")(deploying.deploy)
app.command("check")(checking.check)
app.command("drill")(drilling.drill)
app.command("chaos")(breaking.chaos)
app.command("load")(loading.load_stack)
app.command("report")(reporting.report)
app.command("destroy")(deploying.destroy)
app.command("rotate")(rotating.rotate)
app.command("revoke")(rotating.revoke)
app.command("audit")(reading.show_audit)
app.command("logs")(reading.show_logs)
app.command("support")(supporting.support)
app.command("cost")(costing.cost)
app.command("size")(sizing.size)
app.command("sbom")(listing.sbom)
app.command("measure-starts")(measuring.measure)
app.command("probe")(probing.probe)
app.command("role")(granting.role)
app.command("database-role")(granting.print_database_role)


def main() -> None:
    """Run the command line, and report a failure in one message and by the exit status."""
    # The driver's warnings would repeat what a command prints itself.
    logging.getLogger("neo4j").addHandler(logging.NullHandler())
    with graceful_shutdown(), reporting_errors(COMMAND_FAILED):
        try:
            app()
        except InterruptedDeploymentError as interrupted:
            print_error(str(interrupted), "interrupted")
            raise SystemExit(INTERRUPTED) from None
