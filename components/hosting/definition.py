"""HostDefinition: what differs between the hosts, apart from their resources. Pure."""

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.conflicts import Conflict
from components.monitoring.alarm import Alarm
from components.names import NameRule, ResourceNames
from components.settings import Hosting, HostSettings


class Feature(enum.StrEnum):
    """What not every host has."""

    IMAGE = "image"
    HEALTH_CHECK = "health check"
    ACCESS_LOG = "access log"


@dataclass(frozen=True, kw_only=True)
class HostDefinition:
    """One host, as the configuration, the automation and the documents see it.

    Attributes:
        hosting: its value of the configuration key hosting.
        title: its name in messages and documents.
        settings: its own configuration keys.
        conflicts: finds values of these keys that can't be combined, given the fields that are
            valid by themselves, those of every stack among them.
        names: returns the names of its resources, each with the rule that it must follow.
        region_problem: returns what is wrong with a region; None for one that has the host.
        runs_image: whether it runs an image from a registry, rather than a package of files.
        request_seconds: how long a request may take before the host ends it.
        response_bytes: the largest response; None without a limit.
        requests_per_instance: the simultaneous requests of one instance; None if configured.
        challenge_header: the header that has WWW-Authenticate of a response with status 401.
        outputs: the stack's outputs that only some hosts have.
        alarms: returns its alarms, given its settings.
        idle_cost: what is paid while nobody calls, as in a sentence.
        missing: what it can't have, each with the reason.
    """

    hosting: Hosting
    title: str
    settings: type[HostSettings]
    conflicts: Callable[[Mapping[str, Any]], Iterable[Conflict]]
    names: Callable[[ResourceNames], Iterable[tuple[NameRule, str]]]
    region_problem: Callable[[str], str | None]
    runs_image: bool
    request_seconds: int
    response_bytes: int | None
    requests_per_instance: int | None
    challenge_header: str
    outputs: tuple[str, ...]
    alarms: Callable[[HostSettings], Iterable[Alarm]]
    idle_cost: str
    missing: Mapping[Feature, str] = field(default_factory=dict)
