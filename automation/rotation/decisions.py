"""What prevents a rotation, and how far one is. Pure.

Source: RotateSecret and CancelRotateSecret in the AWS Secrets Manager API reference, for what
AWSPENDING means.
"""

from datetime import datetime, timedelta

from automation.rotation.results import format_time
from functions.rotation.credentials import RotationError
from functions.rotation.decisions import (
    CURRENT,
    PENDING,
    ClientSecret,
    Inventory,
    Version,
    require_room,
)


def incomplete_version(inventory: Inventory) -> Version | None:
    """Return the version that a rotation has begun and not completed.

    A complete rotation leaves AWSPENDING on no version, or on the current one.
    """
    pending = inventory.versions.staged(PENDING)
    return None if pending is None or CURRENT in pending.stages else pending


def current_client_secret(inventory: Inventory) -> ClientSecret | None:
    """Return the client secret of the current version; None if Cognito doesn't list it."""
    return inventory.client_secret_of(inventory.versions.staged(CURRENT))


def is_complete(before: Inventory, now: Inventory) -> bool:
    """Return whether a rotation has made a new client secret the current one.

    The current version need not be the one that Secrets Manager began with: the function makes
    another one if the addresses have changed meanwhile.
    """
    current = current_client_secret(now)
    return (
        current is not None
        and current != current_client_secret(before)
        and incomplete_version(now) is None
    )


def overlap_end(inventory: Inventory, overlap: timedelta) -> datetime | None:
    """Return when the overlap of the replaced client secret ends; None if there is none.

    Args:
        inventory: what there is.
        overlap: how long a replaced client secret stays valid.
    """
    current, since = current_client_secret(inventory), inventory.versions.current_since
    others = [each for each in inventory.client_secrets if each != current]
    return None if current is None or since is None or not others else since + overlap


def refusal(inventory: Inventory, overlap: timedelta) -> str | None:
    """Return why a rotation that is started now would fail; None if nothing prevents it.

    Client secrets that can be deleted already must have been.

    Args:
        inventory: what there is.
        overlap: how long a replaced client secret stays valid.
    """
    if inventory.versions.staged(CURRENT) is None:
        return "the secret has no value yet"
    try:
        require_room(inventory)
    except RotationError as error:
        ends = overlap_end(inventory, overlap)
        return f"{error}" if ends is None else f"{error}\nThe overlap ends at {format_time(ends)}"
    return None
