"""The table of the roles in docs/security.md. Pure."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from automation.grants import StackLocation
from automation.role_lists.model import Access, RoleLists
from automation.role_lists.pipelines import pipeline_roles
from automation.role_lists.stack import StackParts, stack_roles
from components.configuration import parse_settings
from components.names import ResourceNames
from components.settings import Hosting, StackSettings

_ACCOUNT: Final = "111122223333"
_REGION: Final = "us-east-1"
_PROJECT: Final = "neo4j-mcp"
_EVERYWHERE: Final = {
    "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
    "clients": json.dumps({"reader": {"scopes": ["reader"]}, "writer": {"scopes": ["writer"]}}),
    "monitoring": json.dumps({"enabled": True}),
}
# What a host needs to be complete, and what gives its roles more to do.
_ON_HOST: Final = {
    Hosting.APP_RUNNER: {"tracing": "true"},
    Hosting.FARGATE: {"edge": "true"},
    Hosting.LAMBDA: {
        "tracing": "true",
        "vpcConnector": json.dumps(
            {"subnetIds": ["subnet-0123abcd"], "securityGroupIds": ["sg-0123abcd"]}
        ),
    },
}


def roles_table() -> str:
    """Return a row for each role, with all that it must be able to do on any host."""
    rows = ["| Role | For | Must be able to call | Must not |", "|---|---|---|---|"]
    rows += [_row(role, lists) for role, lists in _stack_rows()]
    rows += [
        _row(f"`{purpose}`, of a pipeline", lists)
        for purpose, lists in pipeline_roles(_location()).items()
    ]
    return "\n".join(rows)


def _stack_rows() -> Iterator[tuple[str, RoleLists]]:
    seen: set[str] = set()
    for host in Hosting:
        settings = _settings(host)
        for role, lists in stack_roles(_parts(settings)).items():
            if role not in seen:
                seen.add(role)
                yield f"`…-{role.removeprefix(f'{_PROJECT}-dev-')}`", lists


def _row(role: str, lists: RoleLists) -> str:
    listed = "; ".join(_by_service(lists.must)) or "Nothing"
    return f"| {role} | {lists.purpose} | {listed} | {len(lists.must_not)} listed actions |"


def _by_service(accesses: Iterable[Access]) -> Iterator[str]:
    actions = sorted({each.action for each in accesses})
    services = dict.fromkeys(action.partition(":")[0] for action in actions)
    for service in services:
        names = [each.partition(":")[2] for each in actions if each.startswith(f"{service}:")]
        yield f"{service}: {', '.join(names)}"


def _settings(host: Hosting) -> StackSettings:
    values = {**_EVERYWHERE, "hosting": host.value, **_ON_HOST[host]}
    return parse_settings(values, project=_PROJECT, stack="dev", region=_REGION)


def _location() -> StackLocation:
    return StackLocation(
        names=ResourceNames(prefix=_PROJECT, stack="dev"),
        project=_PROJECT,
        account=_ACCOUNT,
        region=_REGION,
    )


def _parts(settings: StackSettings) -> StackParts:
    location = _location()
    names = location.names
    writers = {
        names.claims_function: names.claims_log_stem,
        names.rotation_function: names.rotation_log_stem,
        names.canary_function: names.canary_log_stem,
        names.log_function: names.log_function_log_stem,
        names.task_execution_role: names.task_log_stem,
        names.server_function: names.server_log_stem,
    }
    return StackParts(
        location=location,
        settings=settings,
        secrets={
            client: location.arn("secretsmanager", f"secret:{names.secret(client)}-k3x9q2ab-a1B2c3")
            for client in settings.all_clients
        },
        user_pool=location.arn("cognito-idp", f"userpool/{location.region}_Example01"),
        log_groups={
            role: location.arn("logs", f"log-group:{stem}k3x9q2ab")
            for role, stem in writers.items()
        },
        service_log_groups=[
            location.arn("logs", f"log-group:/aws/apprunner/{names.service}/0123/{each}")
            for each in ("application", "service")
        ],
    )
