"""Estimates what a stack costs."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated

import typer

from automation.commands.options import AsJson, Stack, Workspace
from automation.cost.comparison import compare
from automation.cost.estimate import estimate
from automation.cost.prices import REGION
from automation.cost.printing import comparison_document, document, print_comparison, print_estimate
from automation.cost.usage import Group, Load, Resource
from automation.deployment import Deployment
from automation.target import stack_settings, target
from automation.terminal import console
from components.settings import Hosting

_LOAD = Load()


# More than any of the hosts could serve, and few enough to calculate with.
_MOST_CALLS = 100_000
_MOST_CALLERS = 1_000_000
_MOST_TOKENS = 10**10


# Seconds, and kilobytes.
_LONGEST_CALL = 900
_LARGEST_ANSWER = 1_000_000


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
