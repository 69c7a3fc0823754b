"""Deploys a stack, and destroys it."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from typing import Annotated, Any

import typer

from automation.commands.exit_statuses import UNSUCCESSFUL
from automation.commands.messages import messages
from automation.commands.options import AsJson, Stack, Workspace
from automation.deployment import Changes, Deployment
from automation.function_code import deployed_code, restore_code
from automation.hosting.host import Aws, aws_of
from automation.muting import delete_mute_rules, muting
from automation.policy import violations
from automation.preflight.findings import Plan
from automation.preflight.log_key import check_log_keys
from automation.preflight.runner import run_preflights
from automation.report.terminal import print_changes
from automation.rollout import require_unchanged, roll_out, wait_for_service
from automation.target import resource_names, stack_settings, target
from automation.terminal import console, print_error, styled
from components.names import ResourceNames


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
        raise typer.Exit(0 if changes.none and not pending else UNSUCCESSFUL)
    if not preview:
        deployment.take_over(messages.print)
    messages.print(f"… Previewing the stack {stack}")
    planned = deployment.preview()
    broken = violations(planned.steps)
    for violation in broken:
        messages.print(
            styled("✗", "red"),
            f"{violation.resource} {violation.message}",
            styled(f"({violation.rule})", "dim"),
        )
    if broken:
        rules = "1 policy rule is" if len(broken) == 1 else f"{len(broken)} policy rules are"
        print_error(f"{rules} violated; nothing was changed")
        raise typer.Exit(UNSUCCESSFUL)
    if preview:
        _print_changes("would change", planned, pending, as_json=as_json)
        return
    clients = deployment.aws_clients()
    settings = stack_settings(deployment, deployment.configuration())
    names = ResourceNames(prefix=settings.name_prefix, stack=stack)
    functions = deployed_code(planned.steps, names)
    if planned.none:
        restore_code(functions, aws_of(clients), messages.print)
        try:
            require_unchanged(deployment, clients, messages.print)
        finally:
            # Another deployment, which may still wait for the host, doesn't need its rule any more.
            delete_mute_rules(
                deployment.state(), names.mute_rule, partial(_aws_in, deployment), messages.print
            )
        _print_changes("changed", planned, as_json=as_json)
        return
    plan = Plan(stack=stack, settings=settings, names=names, changes=planned)
    for notice in chain(
        run_preflights(plan, clients), check_log_keys(plan, deployment.aws_clients)
    ):
        messages.print(f"! {notice}")
    messages.print(f"… Deploying the stack {stack}")
    with _muting(deployment, names) as mute:
        restore_code(functions, aws_of(clients), messages.print)
        deployed = roll_out(deployment, clients, messages.print, mute)
    _print_changes("changed", deployed.changes, as_json=as_json)
    if not as_json:
        typer.echo(
            f"The server answers at {deployed.outputs['mcpUrl']}."
            f" Next: python -m automation check --stack {stack}"
        )


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
        raise typer.Exit(UNSUCCESSFUL)
    if not yes:
        typer.confirm(f"Delete everything that the stack {stack} has deployed?", abort=True)
    deployment.take_over(messages.print)
    wait_for_service(deployment, deployment.aws_clients())
    with _muting(deployment, resource_names(deployment)) as mute:
        changes = deployment.destroy(messages.print, mute)
    _print_changes("deleted", changes, as_json=as_json)


def _muting(
    deployment: Deployment, names: ResourceNames
) -> AbstractContextManager[Callable[[], None]]:
    return muting(deployment.state(), names.mute_rule, partial(_aws_in, deployment), messages.print)


def _aws_in(deployment: Deployment, region: str) -> Aws:
    return aws_of(deployment.aws_clients(region))


def _print_changes(
    what: str, changes: Changes, pending: Sequence[str] = (), *, as_json: bool
) -> None:
    if pending:
        messages.print(
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
