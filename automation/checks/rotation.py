"""P6: the rotation of the clients' secrets."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Final

from automation.checks.context import Context, request_token
from automation.checks.lookups import expect_own_code, find_app_client, find_inventory
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.schedules import expect_invoker, expect_scheduled, function_arn
from automation.checks.verdicts import Failed, Skipped, expect, expect_equal
from automation.rotation.decisions import current_client_secret, incomplete_version
from automation.rotation.results import format_time
from components.function_code import rotation_package, write_rotation_package
from components.policies import SECRETS_MANAGER
from components.rotation import retire_event
from functions.rotation.credentials import RotationError
from functions.rotation.decisions import PUBLISHING, Version, overlap_ended

_SCHEDULE: Final = "rate(1 hour)"
# Secrets Manager rotates at any time of the day that is due, and the new secret is a day older at
# the end of that day.
_LATEST: Final = dt.timedelta(days=2)
# The rule starts every hour, and the function takes a moment.
_RETIRED_WITHIN: Final = dt.timedelta(hours=1, minutes=15)
_POLL_SECONDS: Final = 5.0
# Longer than the longest wait for a rotation to end.
_LIMIT: Final = 3600.0


@check("P6-function-code")
def function_code(probe: Probe) -> None:
    """The rotation function runs the code that this checkout deploys."""
    function = probe.context.names.rotation_function
    expect_own_code(probe, function, rotation_package(), write_rotation_package)


@check("P6-schedule")
def schedule(probe: Probe) -> None:
    """Secrets Manager rotates each enabled client's secret as often as configured."""
    context = probe.context
    function = context.names.rotation_function
    clients, arn = _clients(context), function_arn(probe, function)
    for name, client in clients.items():
        found = probe.aws("secretsmanager", "describe_secret", SecretId=client["secretArn"])
        days = context.settings.rotation(name).days if client["enabled"] else 0
        enabled = bool(found.get("RotationEnabled"))
        expect_equal(f"the rotation of {name}'s secret is on", enabled, days > 0)
        if days:
            rules = found.get("RotationRules", {})
            expect_equal(f"the days between two rotations of {name}", _days(rules), days)
            expect_equal(f"the rotation function of {name}", found.get("RotationLambdaARN"), arn)
    expect_invoker(probe, function, SECRETS_MANAGER)


@check("P6-age")
def age(probe: Probe) -> None:
    """No current client secret is older than the configured days between two rotations."""
    context = probe.context
    rotated = [
        name
        for name, client in _clients(context).items()
        if client["enabled"] and context.settings.rotation(name).days
    ]
    if not rotated:
        raise Skipped("no enabled client has rotationDays")
    for name in rotated:
        current = current_client_secret(find_inventory(probe, name))
        # P6-client-secrets reports one that Cognito doesn't list.
        if current is None:
            continue
        found = dt.datetime.now(dt.UTC) - current.created
        days = context.settings.rotation(name).days
        expect(
            found <= dt.timedelta(days=days) + _LATEST,
            f"{name}'s client secret is {found.days} days old, and must be replaced every {days}"
            f" days. Run: {_command(context, 'rotate', name)}",
        )


@check("P6-complete", limit=_LIMIT)
def complete(probe: Probe) -> None:
    """No rotation was left incomplete, which would block every later one."""
    context = probe.context
    for name in _clients(context):
        version = _wait_until_complete(probe, name)
        if version is not None:
            raise Failed(
                f"{name}'s rotation that began at {format_time(version.created)} isn't complete. If"
                " it isn't in progress any more, run:"
                f" {_command(context, 'rotate', name)} --unstick"
            )
        left = find_inventory(probe, name).versions.staged(PUBLISHING)
        expect(
            left is None,
            f"a deployment that wrote {name}'s secret was cut off. Run: python -m automation deploy"
            f" --stack {context.stack}",
        )


@check("P6-client-secrets", limit=_LIMIT)
def client_secrets(probe: Probe) -> None:
    """Cognito has the current client secrets, those within their overlap, and no others."""
    context = probe.context
    for name in _clients(context):
        if _wait_until_complete(probe, name) is not None:
            raise Skipped(f"a rotation of {name} isn't complete (see P6-complete)")
        inventory = find_inventory(probe, name)
        expect(
            current_client_secret(inventory),
            f"Cognito doesn't have the client secret that {name}'s secret holds. Run:"
            f" {_command(context, 'revoke', name)}",
        )
        overlap = dt.timedelta(hours=context.settings.rotation(name).overlap_hours)
        try:
            late = overlap_ended(
                inventory, overlap=overlap + _RETIRED_WITHIN, now=dt.datetime.now(dt.UTC)
            )
        except RotationError as error:
            raise Failed(f"{name}: {error}") from error
        expect(
            not late,
            f"{name}'s replaced client secret {', '.join(map(str, late))} should have been deleted"
            f" (see P6-retirement). Run: {_command(context, 'rotate', name)}",
        )


@check("P6-retirement")
def retirement(probe: Probe) -> None:
    """Every hour, replaced client secrets are deleted after their overlap."""
    context = probe.context
    rule = context.names.retirement_rule
    target = expect_scheduled(
        probe, rule=rule, schedule=_SCHEDULE, function=context.names.rotation_function
    )
    hours = {
        client["secretArn"]: context.settings.rotation(name).overlap_hours
        for name, client in _clients(context).items()
    }
    wanted = json.loads(retire_event(hours))
    expect_equal(f"the event of {rule}", json.loads(target.get("Input", "null")), wanted)


@check("P6-disabled-refused")
def disabled_refused(probe: Probe) -> None:
    """A disabled client gets no token."""
    context = probe.context
    disabled = [name for name, each in _clients(context).items() if not each["enabled"]]
    if not disabled:
        raise Skipped("no client is disabled")
    for name in disabled:
        flows = find_app_client(probe, name).get("AllowedOAuthFlows") or []
        expect(not flows, f"the disabled client {name} allows {', '.join(flows)}")
        response = request_token(probe.http, context.credentials(name))
        expect(not response.is_success, f"the disabled client {name} gets a token")
        expect(
            response.is_client_error,
            f"the token endpoint answers the disabled client {name} with {response.status_code}",
        )


def _wait_until_complete(probe: Probe, name: str) -> Version | None:
    """Wait for the end of a rotation, and return its version if it doesn't end in time."""
    waited = 0.0
    while True:
        version = incomplete_version(find_inventory(probe, name))
        if version is None or waited >= probe.context.longest_wait:
            return version
        probe.wait(_POLL_SECONDS)
        waited += _POLL_SECONDS


def _clients(context: Context) -> Mapping[str, Mapping[str, Any]]:
    if "rotationFunction" not in context.outputs:
        raise Failed(
            "an earlier version, which rotates no secrets, has deployed the stack. Run:"
            f" python -m automation deploy --stack {context.stack}"
        )
    return context.all_clients


def _days(rules: Mapping[str, Any]) -> int | None:
    days: int | None = rules.get("AutomaticallyAfterDays")
    return days


def _command(context: Context, name: str, client: str) -> str:
    return f"python -m automation {name} --stack {context.stack} --client {client}"
