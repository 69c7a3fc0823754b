"""What the checks read of the running service: one entry for each host."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from automation.checks.lookups import find_function_log_group, find_service
from automation.checks.probe import Probe
from components.settings import Hosting

# The maximum of DescribeLogGroups.
_PAGE_SIZE: Final = 50


@dataclass(frozen=True, kw_only=True)
class HostLookups:
    """Lookups of a host's service.

    Attributes:
        describe: returns its configuration and tags.
        log_groups: returns the names of its log groups.
        changed: returns when it was created or last changed.
    """

    describe: Callable[[Probe], dict[str, Any]]
    log_groups: Callable[[Probe], tuple[str, ...]]
    changed: Callable[[Probe], dt.datetime]


def host_lookups(probe: Probe) -> HostLookups:
    """Return the lookups of the stack's host."""
    return _LOOKUPS[probe.context.settings.hosting]


def find_log_groups(probe: Probe) -> dict[str, dict[str, Any]]:
    """Return the log groups of the functions and the service.

    Returns:
        The groups by name, as CloudWatch Logs describes them.
    """
    names = probe.context.names
    prefixes = (
        find_function_log_group(probe, names.claims_function),
        find_function_log_group(probe, names.rotation_function),
        *host_lookups(probe).log_groups(probe),
    )
    groups: dict[str, dict[str, Any]] = {}
    for prefix in prefixes:
        response = probe.aws(
            "logs", "describe_log_groups", logGroupNamePrefix=prefix, limit=_PAGE_SIZE
        )
        groups |= {group["logGroupName"]: group for group in response["logGroups"]}
    return groups


def _describe_app_runner(probe: Probe) -> dict[str, Any]:
    found = find_service(probe)
    return {
        "service": found,
        "tags": probe.aws("apprunner", "list_tags_for_resource", ResourceArn=found["ServiceArn"]),
    }


def _app_runner_log_groups(probe: Probe) -> tuple[str, ...]:
    found = find_service(probe)
    group = f"/aws/apprunner/{found['ServiceName']}/{found['ServiceId']}"
    return f"{group}/application", f"{group}/service"


def _app_runner_changed(probe: Probe) -> dt.datetime:
    created: dt.datetime = find_service(probe)["CreatedAt"]
    return created


def _find_function(probe: Probe) -> dict[str, Any]:
    return probe.aws(
        "lambda", "get_function_configuration", FunctionName=probe.context.names.server_function
    )


def _describe_function(probe: Probe) -> dict[str, Any]:
    found = _find_function(probe)
    return {
        "function": found,
        "tags": probe.aws("lambda", "list_tags", Resource=found["FunctionArn"]),
    }


def _function_log_groups(probe: Probe) -> tuple[str, ...]:
    return (find_function_log_group(probe, probe.context.names.server_function),)


def _function_changed(probe: Probe) -> dt.datetime:
    changed = _find_function(probe)["LastModified"]
    # Lambda's own format, which `fromisoformat` doesn't read.
    return dt.datetime.strptime(changed, "%Y-%m-%dT%H:%M:%S.%f%z")


_LOOKUPS: Final[Mapping[Hosting, HostLookups]] = MappingProxyType(
    {
        Hosting.APP_RUNNER: HostLookups(
            describe=_describe_app_runner,
            log_groups=_app_runner_log_groups,
            changed=_app_runner_changed,
        ),
        Hosting.LAMBDA: HostLookups(
            describe=_describe_function,
            log_groups=_function_log_groups,
            changed=_function_changed,
        ),
    }
)
