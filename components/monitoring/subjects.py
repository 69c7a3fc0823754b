"""What components expose of themselves for their alarms."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.monitoring.alarm import Subject

Dimensions = Mapping[str, pulumi.Input[str]]
"""A metric's dimensions: names and values."""


@dataclass(frozen=True, kw_only=True)
class MonitoredHost:
    """What a host exposes for its alarms.

    Attributes:
        dimensions: the dimensions of its metrics, by what they are of.
        failed_deployments: the pattern of the events of a failed deployment, as JSON; None for a
            host whose failed deployment fails the program.
    """

    dimensions: Mapping[Subject, Dimensions]
    failed_deployments: pulumi.Output[str] | None
