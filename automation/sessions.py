"""Clients of AWS with the credentials that a stack's engine has."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import boto3
import botocore.session

Clients = Callable[[str], Any]
"""Makes boto3's client of a service."""

_VARIABLES: Final = {
    "AWS_PROFILE": "profile",
    "AWS_SHARED_CREDENTIALS_FILE": "credentials_file",
    "AWS_CONFIG_FILE": "config_file",
    "AWS_CA_BUNDLE": "ca_bundle",
}
"""What the engine's environment may set otherwise than this process's, as botocore names it."""


def clients(environment: Mapping[str, str], *, profile: str | None, region: str | None) -> Clients:
    """Give a way to make clients.

    Args:
        environment: what is added to this process's environment for the engine.
        profile: the profile that the stack's configuration names; None for none.
        region: the stack's region; None for the environment's.

    Returns:
        A function that makes the client of a service, by its name.
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
        service, endpoint_url=endpoint
    )
