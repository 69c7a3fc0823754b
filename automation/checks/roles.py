"""P2: what the stack's IAM roles may do, as AWS's policy simulator decides."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from automation.checks.lookups import (
    find_function_log_group,
    find_service,
    function_names,
)
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import expect
from automation.grants import StackNames
from automation.role_lists.model import Access
from automation.role_lists.stack import StackParts, stack_roles
from components.settings import Hosting

_LIMIT: Final = 900.0
_ALLOWED: Final = "allowed"


@check("P2-roles", limit=_LIMIT)
def roles(probe: Probe) -> None:
    """Every role may do what it must, and nothing that it must not."""
    parts = _parts(probe)
    wrong = [
        f"{role} {may} {action} on {resource}"
        for role, lists in stack_roles(parts).items()
        for may, accesses, expected in (
            ("may not", lists.must, True),
            ("may", lists.must_not, False),
        )
        for resource, action in _decided_otherwise(
            probe, parts.location.role_arn(role), accesses, allowed=expected
        )
    ]
    expect(
        not wrong,
        f"{'; '.join(wrong)}. The lists are in automation/role_lists/. P2-policy names a policy"
        " that isn't deployed, with the command that deletes it. To restore those that are, run:"
        f" pulumi up --refresh --stack {probe.context.stack}",
    )


def _decided_otherwise(
    probe: Probe, role: str, accesses: tuple[Access, ...], *, allowed: bool
) -> Iterator[tuple[str, str]]:
    """Yield the resource and the action of each access that isn't decided as expected."""
    # One request for all actions on a resource, since the simulator's answer about several
    # resources isn't documented unambiguously.
    asked: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for each in accesses:
        context = tuple(sorted(each.context.items()))
        asked.setdefault((each.resource, context), []).append(each.action)
    for (resource, keys), actions in asked.items():
        for action, decision in _simulate(probe, role, actions, resource, dict(keys)).items():
            if (decision == _ALLOWED) is not allowed:
                yield resource, action


def _simulate(
    probe: Probe, role: str, actions: list[str], resource: str, context: Mapping[str, str]
) -> dict[str, str]:
    response = probe.aws(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=role,
        ActionNames=actions,
        ResourceArns=[resource],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in context.items()
        ],
        shown=_decisions,
    )
    return _decisions(response)


def _decisions(response: dict[str, Any]) -> dict[str, str]:
    return {each["EvalActionName"]: each["EvalDecision"] for each in response["EvaluationResults"]}


def _parts(probe: Probe) -> StackParts:
    context = probe.context
    settings = context.settings
    secrets = {name: str(client["secretArn"]) for name, client in context.all_clients.items()}
    _, _, _, region, account, *_ = next(iter(secrets.values())).split(":")
    location = StackNames(names=context.names, account=account, region=region)
    groups = {each: find_function_log_group(probe, each) for each in function_names(probe)}
    service = find_service(probe).log_groups
    if role := _role_that_logs(location, settings.hosting):
        groups[role] = service[0]
    return StackParts(
        location=location,
        settings=settings,
        secrets=secrets,
        user_pool=location.arn("cognito-idp", f"userpool/{context.user_pool_id}"),
        log_groups={
            role: location.arn("logs", f"log-group:{group}") for role, group in groups.items()
        },
        service_log_groups=[location.arn("logs", f"log-group:{each}") for each in service],
    )


def _role_that_logs(location: StackNames, hosting: Hosting) -> str | None:
    """Return the name of the role that writes the server's log; None if the host itself does."""
    return {
        Hosting.FARGATE: location.names.task_execution_role,
        Hosting.LAMBDA: location.names.server_function,
    }.get(hosting)
