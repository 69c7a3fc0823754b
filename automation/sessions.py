"""AWS clients with the same credentials as a stack's engine."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3
import botocore.config
import botocore.session

Clients = Callable[[str], Any]
"""Makes the boto3 client of a service, by the service's name."""

# A call of a function ends with the function: after 300 s at most for the one that rotates secrets.
_LAMBDA_READ_TIMEOUT: Final = 330.0
_REGIONS: Final = {"wafv2": "us-east-1"}
"""Services that are called in one region only: there, WAF has the web ACLs of distributions."""
_VARIABLES: Final = {
    "AWS_PROFILE": "profile",
    "AWS_SHARED_CREDENTIALS_FILE": "credentials_file",
    "AWS_CONFIG_FILE": "config_file",
    "AWS_CA_BUNDLE": "ca_bundle",
}
"""Variables that the engine's environment may override, with botocore's names for them."""


def clients(environment: Mapping[str, str], *, profile: str | None, region: str | None) -> Clients:
    """Return a function that makes clients.

    Args:
        environment: variables that are added to this process's environment for the engine.
        profile: the profile in the stack's configuration.
        region: the stack's region; None for the environment's.
    """
    session = botocore.session.get_session()
    for variable, name in _VARIABLES.items():
        if value := environment.get(variable):
            session.set_config_variable(name, value)
    if profile:
        session.set_config_variable("profile", profile)
    made = boto3.Session(botocore_session=session, region_name=region)
    endpoint = environment.get("AWS_ENDPOINT_URL")
    return lambda service: made.client(  # type: ignore[call-overload] # the name is no literal
        service,
        region_name=fixed_region(service),
        endpoint_url=endpoint,
        config=timeouts(service),
    )


def fixed_region(service: str) -> str | None:
    """Return the region in which a service is always called; None for the stack's region.

    Args:
        service: the service, as boto3 names it.
    """
    return _REGIONS.get(service)


def timeouts(service: str) -> botocore.config.Config:
    """Return the time limits and retries of a service's client.

    Args:
        service: the service, as boto3 names it.
    """
    if service == "lambda":
        # A repeated call would find what the first one did.
        return botocore.config.Config(
            connect_timeout=10,
            read_timeout=_LAMBDA_READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": 1},
        )
    return botocore.config.Config(
        connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 4}
    )
