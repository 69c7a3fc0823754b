"""The running service: one file per host, behind the interface in `components.hosting.host`."""

from collections.abc import Mapping
from types import MappingProxyType

from components.hosting.apprunner import AppRunnerHost
from components.hosting.host import Host, HostArgs, mcp_url
from components.settings import Hosting

HOSTS: Mapping[Hosting, type[Host]] = MappingProxyType({Hosting.APP_RUNNER: AppRunnerHost})

__all__ = ["HOSTS", "Host", "HostArgs", "mcp_url"]
