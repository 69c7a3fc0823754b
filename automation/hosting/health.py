"""Whether a service answers, on hosts that don't check that themselves."""

import ssl
from http import HTTPStatus
from typing import Final

import httpx2

from components.hosting.environment import HEALTH_PATH

# A new environment starts the server first.
_TIMEOUT: Final = 90.0


def health_problem(address: str) -> str:
    """Request the server's health check, and describe what is wrong; empty if it succeeds.

    Args:
        address: the service's base URL.
    """
    url = address + HEALTH_PATH
    try:
        response = httpx2.get(url, verify=ssl.create_default_context(), timeout=_TIMEOUT)
    except httpx2.TransportError as error:
        return f"{url} doesn't answer ({type(error).__name__})"
    if response.status_code != HTTPStatus.OK:
        return f"{url} returns HTTP {response.status_code}"
    return ""
