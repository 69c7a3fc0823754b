"""Deploys a stack, and destroys it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from itertools import chain
from typing import Annotated, Any

import typer

from automation.commands.exit_statuses import UNSUCCESSFUL
from automation.commands.messages import messages
from automation.commands.options import AsJson, Stack, Workspace
from automation.deployment import Changes, Deployment
from automation.function_code import deployed_code, restore_code
from automation.hosting.host import Aws, aws_of
from automation.judged import JudgedDeployment, PolicyError, judged
from automation.muting import delete_mute_rules, muting
from automation.policy.changes import value_violations, violations
from automation.policy.expectations import Expectations
from automation.preflight.findings import Plan
from automation.preflight.log_key import check_log_keys
from automation.preflight.runner import run_preflights
from automation.report.terminal import print_changes
from automation.rollout import require_unchanged, roll_out, wait_for_service
from automation.target import resource_names, stack_settings, target
from automation.terminal import console, print_error, styled
from components.names import ResourceNames
from components.settings import StackSettings


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
    # Before the engine would plan to replace everything.
    configuration = deployment.configuration()
    deployment.region(configuration)
    if expect_no_changes:
        changes = deployment.preview(refresh=True)
        _print_changes("drifted", changes, pending, as_json=as_json)
        raise typer.Exit(0 if changes.none and not pending else UNSUCCESSFUL)
    if not preview:
        deployment.take_over(messages.print)
    with _judging(deployment, configuration) as judged_deployment:
        messages.print(f"… Previewing the stack {stack}")
        planned = judged_deployment.preview()
        if preview:
            _print_changes("would change", planned, pending, as_json=as_json)
        else:
            settings = stack_settings(deployment, configuration)
            _deploy(deployment, settings, judged_deployment, planned, as_json=as_json)


def _deploy(
    deployment: Deployment,
    settings: StackSettings,
    plan: JudgedDeployment,
    planned: Changes,
    *,
    as_json: bool,
) -> None:
    stack = deployment.stack
    clients = deployment.aws_clients()
    names = ResourceNames(prefix=settings.name_prefix, stack=stack)
    functions = deployed_code(planned.steps, names)
    if planned.none:
        restored = restore_code(functions, aws_of(clients), messages.print)
        try:
            require_unchanged(deployment, clients, messages.print)
        finally:
            # Another deployment, which may still wait for the host, doesn't need its rule any more.
            delete_mute_rules(
                deployment.state(), names.mute_rule, partial(_aws_in, deployment), messages.print
            )
        _print_changes("changed", planned, restored=restored, as_json=as_json)
        return
    preflight = Plan(stack=stack, settings=settings, names=names, changes=planned)
    for notice in chain(
        run_preflights(preflight, clients), check_log_keys(preflight, deployment.aws_clients)
    ):
        messages.print(f"! {notice}")
    messages.print(f"… Deploying the stack {stack}")
    with _muting(deployment, names) as mute:
        restored = restore_code(functions, aws_of(clients), messages.print)
        deployed = roll_out(deployment, clients, messages.print, mute, up=plan.up)
    _print_changes("changed", deployed.changes, restored=restored, as_json=as_json)
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


@contextmanager
def _judging(
    deployment: Deployment, configuration: Mapping[str, str]
) -> Iterator[JudgedDeployment]:
    """Judge by the stack's configuration, and report violations instead of raising them."""

    def expected() -> Expectations:
        # The preview has reported a wrong configuration by then, with everything that is wrong.
        settings = stack_settings(deployment, configuration)
        names = ResourceNames(prefix=settings.name_prefix, stack=deployment.stack)
        return Expectations.of(settings, names)

    known = cache(expected)
    try:
        with judged(
            deployment,
            lambda steps: violations(steps, known()),
            lambda step: value_violations(step, known()),
        ) as deploying:
            yield deploying
    except PolicyError as error:
        _print_violations(deployment.stack, error)
        raise typer.Exit(UNSUCCESSFUL) from error


def _print_violations(stack: str, error: PolicyError) -> None:
    for violation in error.violations:
        messages.print(
            styled("✗", "red"),
            f"{violation.resource} {violation.message}",
            styled(f"({violation.rule})", "dim"),
        )
    count = len(error.violations)
    rules = "1 policy rule is" if count == 1 else f"{count} policy rules are"
    if error.changed:
        print_error(
            f"{rules} violated by what the preview didn't know yet, and the deployment was stopped"
            f" there. Fix the cause, then run: python -m automation deploy --stack {stack}"
        )
    else:
        print_error(f"{rules} violated; nothing was changed")


def _muting(
    deployment: Deployment, names: ResourceNames
) -> AbstractContextManager[Callable[[], None]]:
    return muting(deployment.state(), names.mute_rule, partial(_aws_in, deployment), messages.print)


def _aws_in(deployment: Deployment, region: str) -> Aws:
    return aws_of(deployment.aws_clients(region))


def _print_changes(
    what: str,
    changes: Changes,
    pending: Sequence[str] = (),
    *,
    restored: Sequence[str] = (),
    as_json: bool,
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
            "restored": list(restored),
            "changes": [
                {"resource": step.urn, "operation": step.operation, "properties": step.properties}
                for step in changes.steps
                if step.urn in changes.resources
            ],
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        print_changes(what, changes, console(), restored=restored)
