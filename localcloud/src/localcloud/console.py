"""Applies single sign-on settings in the emulated Aura's console, as a person does on Aura."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx2

from localcloud.cloud import Cloud
from localcloud.errors import LocalCloudError

_TIMEOUT: Final = 30.0


def connect_aura(running: Cloud, aura_sso: Mapping[str, Any], provider: str = "") -> None:
    """Apply single sign-on settings; the console drops everything cached for the old ones.

    Args:
        running: the stand-in cloud.
        aura_sso: the settings, as in the stack's output `auraSso`.
        provider: the name of a further provider, for a second stack; empty for the first one.

    Raises:
        LocalCloudError: the console rejects them, or doesn't answer.
    """
    credentials = _credentials(running.console_credentials)
    try:
        response = httpx2.put(
            f"{running.console_url}/sso{f'/{provider}' if provider else ''}",
            json=dict(aura_sso),
            auth=credentials,
            timeout=_TIMEOUT,
        )
    except httpx2.HTTPError as error:
        raise LocalCloudError(f"The Aura console doesn't answer: {error}") from error
    if response.is_error:
        raise LocalCloudError(f"The Aura console rejected auraSso: {response.text}")


def disconnect_aura(running: Cloud, provider: str) -> None:
    """Delete a further provider.

    Raises:
        LocalCloudError: the console doesn't answer.
    """
    try:
        httpx2.delete(
            f"{running.console_url}/sso/{provider}",
            auth=_credentials(running.console_credentials),
            timeout=_TIMEOUT,
        ).raise_for_status()
    except httpx2.HTTPError as error:
        raise LocalCloudError(f"The Aura console doesn't answer: {error}") from error


def _credentials(path: Path) -> tuple[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found["username"], found["password"]
    except (ValueError, KeyError, TypeError) as error:
        raise LocalCloudError(f"{path} is damaged. Run: make down, then make demo") from error
