"""The local stack's configuration for each host, with and without the edge. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from components.hosting.definitions import DEFINITIONS, HOST_KEYS
from components.settings import Hosting
from localcloud.errors import LocalCloudError

Config = Mapping[str, Any]

_PREFIX: Final = "neo4j-mcp:"
_HOSTING: Final = f"{_PREFIX}hosting"
_EDGE: Final = f"{_PREFIX}edge"
_DATABASE: Final = f"{_PREFIX}neo4jUri"
_HOST_KEYS: Final = tuple(_PREFIX + key for key in HOST_KEYS)
_NEXT_HOST: Final = f"{_PREFIX}nextHost"
_DOMAIN: Final = f"{_PREFIX}serviceDomain"
LOCAL_DOMAIN: Final = "localhost"
"""The domain of a load balancer on this machine."""

# What differs from a host's own defaults on this machine. The host of Pulumi.local.yaml has its
# settings there.
_SETTINGS: Final[Mapping[Hosting, Config]] = MappingProxyType(
    {Hosting.FARGATE: {"cpu": 256, "memory": 512}, Hosting.LAMBDA: {}}
)
_SWITCH: Final[Mapping[str, bool]] = MappingProxyType({"1": True, "0": False})


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What `make demo HOST=… EDGE=…` asks for.

    Attributes:
        host: the host; None for the one that the stack has.
        edge: whether the stack has the edge; None to leave it as it is.
    """

    host: Hosting | None
    edge: bool | None

    @classmethod
    def parse(cls, host: str, edge: str) -> "Choice":
        """Read the values of the command line; an empty one isn't set.

        Raises:
            LocalCloudError: a value is none of the possible ones.
        """
        hosts = [each.value for each in DEFINITIONS]
        problems = []
        if host and host not in hosts:
            problems.append(f"HOST is {host!r}, and must be one of {', '.join(hosts)}")
        if edge and edge not in _SWITCH:
            problems.append(f"EDGE is {edge!r}, and must be 1 or 0")
        if problems:
            raise LocalCloudError(
                "\n".join([*problems, f"For example, run: make demo HOST={hosts[0]} EDGE=1"])
            )
        return cls(host=Hosting(host) if host else None, edge=_SWITCH.get(edge))


def current_host(config: Config) -> Hosting:
    """Return the host that a configuration has; App Runner if it names none."""
    return Hosting(config.get(_HOSTING) or Hosting.APP_RUNNER)


def has_edge(config: Config) -> bool:
    """Return whether a configuration has the edge."""
    return str(config.get(_EDGE, False)).lower() == "true"


def choose(config: Config, choice: Choice, *, repository: Config, database: str) -> Config:
    """Return the local stack's configuration after a choice.

    Another host starts with the settings that the repository has for it. All other settings stay.

    Args:
        config: the stack's configuration, with what a person has set.
        choice: the host and whether it has the edge.
        repository: the configuration of Pulumi.local.yaml, with this stand-in's addresses.
        database: the database's address for a process of this machine; `repository` has the one
            for containers.
    """
    before, chosen = current_host(config), dict(config)
    host = choice.host or before
    if host is not before:
        dropped = {*_HOST_KEYS, _NEXT_HOST}
        chosen = {key: value for key, value in chosen.items() if key not in dropped}
        if host is current_host(repository):
            chosen |= {key: repository[key] for key in _HOST_KEYS if key in repository}
        else:
            chosen |= {_PREFIX + key: value for key, value in _SETTINGS[host].items()}
        chosen[_HOSTING] = host.value
    addresses = (repository[_DATABASE], database)
    # A database that a person has set stays; the ports of this stand-in's may have changed.
    if _host_name(chosen.get(_DATABASE)) in map(_host_name, addresses):
        in_container, on_machine = addresses
        chosen[_DATABASE] = in_container if DEFINITIONS[host].runs_image else on_machine
    if choice.edge is not None:
        chosen[_EDGE] = choice.edge
    if has_edge(chosen) and _is_local_domain(chosen.get(_DOMAIN)):
        # Only the edge can reach the host then, as in a stack without a domain on AWS.
        del chosen[_DOMAIN]
    return chosen


def needs_domain(config: Config) -> bool:
    """Return whether callers have no address unless the load balancer has a domain."""
    keys = DEFINITIONS[current_host(config)].settings.names_by_key()
    return "serviceDomain" in keys and not config.get(_DOMAIN) and not has_edge(config)


def with_domain(config: Config, *, certificate: str, port: int) -> Config:
    """Return the configuration with a domain of this machine for the load balancer.

    Args:
        config: a configuration that needs one.
        certificate: the ARN of the domain's certificate.
        port: the port to listen on.
    """
    domain = {"name": LOCAL_DOMAIN, "certificateArn": certificate, "port": port}
    return {**config, _DOMAIN: domain}


def _is_local_domain(domain: object) -> bool:
    return isinstance(domain, Mapping) and domain.get("name") == LOCAL_DOMAIN


def _host_name(address: object) -> str | None:
    return urlsplit(str(address)).hostname


def describe_changes(before: Config, after: Config) -> tuple[str, ...]:
    """Describe what a choice changes, a line for the host and one for the edge."""
    lines = []
    old, new = current_host(before), current_host(after)
    if new is not old:
        lines.append(
            f"The stack moves from {DEFINITIONS[old].title} to {DEFINITIONS[new].title}: clients,"
            " secrets and database stay, and the server's address changes"
        )
    if has_edge(after) is not has_edge(before):
        lines.append("The edge is added" if has_edge(after) else "The edge is removed")
    return tuple(lines)
