"""Every host's definition. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from components.hosting.apprunner.definition import APP_RUNNER
from components.hosting.definition import HostDefinition
from components.hosting.fargate.definition import FARGATE
from components.hosting.lambda_.definition import LAMBDA
from components.settings import Hosting

DEFINITIONS: Mapping[Hosting, HostDefinition] = MappingProxyType(
    {each.hosting: each for each in (APP_RUNNER, FARGATE, LAMBDA)}
)
"""The definitions, by the value of the configuration key hosting."""


HOST_KEYS: Mapping[str, tuple[Hosting, ...]] = MappingProxyType(
    {
        key: tuple(
            hosting
            for hosting, definition in DEFINITIONS.items()
            if key in definition.settings.names_by_key()
        )
        for each in DEFINITIONS.values()
        for key in each.settings.names_by_key()
    }
)
"""The keys that not every host has, with the hosts that have each."""
