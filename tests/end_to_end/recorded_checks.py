"""Runs checks, and decides their calls of AWS by the policy of the role `check`."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from automation.checks.context import Context
from automation.checks.results import Result
from automation.grants import Purpose, StackLocation
from automation.target import Project
from localcloud.aws.iam.rules import Decision, decide
from localcloud.cloud import REGION
from tests.aws_calls import Call, recorded_calls
from tests.end_to_end.breakage import World, copy_context
from tests.end_to_end.faults import run_checks
from tests.pipeline_policies import policies


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """The results of checks, and the calls that they made."""

    results: dict[str, Result]
    calls: AbstractSet[Call]


def location_of(world: World) -> StackLocation:
    return StackLocation(
        names=world.context.names,
        project=Project.read(None).name,
        account=world.client("reader").secret_arn.split(":")[4],
        region=REGION,
    )


def run_recorded(world: World, pattern: str) -> RecordedRun:
    """Run the checks that match a pattern."""
    # Only clients that are made from now on are recorded.
    context = copy_context(world, Context)
    with recorded_calls(context.session, location_of(world).account) as calls:
        results = run_checks(context, pattern)
    return RecordedRun(results=results, calls=calls)


def refused_calls(world: World, run: RecordedRun) -> set[Call]:
    """Return the calls that the role `check` would not be allowed."""
    location = location_of(world)
    documents = policies(Purpose.CHECK, location, [world.context.settings.hosting])
    # Every resource of the stack that can have tags has them: tests/components/test_tags.py.
    context = {f"aws:ResourceTag/{key}": value for key, value in location.tags.items()}
    return {
        each
        for each in run.calls
        if decide(documents, each.action, each.resource, context, complete=True)
        is not Decision.ALLOWED
    }
