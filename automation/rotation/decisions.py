"""What prevents a rotation, and how far one is. Pure.

Source: RotateSecret and CancelRotateSecret in the AWS Secrets Manager API reference, for what
AWSPENDING means.
"""

from datetime import datetime, timedelta

from functions.rotation.decisions import (
    CURRENT,
    MOST_SECRETS,
    PENDING,
    ClientSecret,
    Inventory,
    Version,
)


def incomplete_version(inventory: Inventory) -> Version | None:
    """Return the version that a rotation has begun and not completed.

    A complete rotation leaves AWSPENDING on no version, or on the current one.
    """
    pending = inventory.staged(PENDING)
    return None if pending is None or CURRENT in pending.stages else pending


def is_complete(inventory: Inventory, version_id: str) -> bool:
    """Return whether a rotation has made its version the current one."""
    current = inventory.staged(CURRENT)
    is_current = current is not None and current.id == version_id
    return is_current and incomplete_version(inventory) is None


def current_client_secret(inventory: Inventory) -> ClientSecret | None:
    """Return the client secret of the current version; None if Cognito doesn't list it."""
    current = inventory.staged(CURRENT)
    wanted = None if current is None else current.client_secret_id
    return next((each for each in inventory.known if each.id == wanted), None)


def other_client_secret(inventory: Inventory) -> ClientSecret | None:
    """Return the client secret that isn't the current one; None if there is no other."""
    current = current_client_secret(inventory)
    return next((each for each in inventory.known if each != current), None)


def overlap_end(inventory: Inventory, overlap: timedelta) -> datetime | None:
    """Return when the overlap of the replaced client secret ends; None if there is none.

    Args:
        inventory: what there is.
        overlap: how long a replaced client secret stays valid.
    """
    current = current_client_secret(inventory)
    if current is None or other_client_secret(inventory) is None:
        return None
    return current.created + overlap


def refusal(inventory: Inventory, overlap: timedelta) -> str | None:
    """Return why a rotation that is started now would fail; None if nothing prevents it.

    Client secrets that can be deleted already must have been.

    Args:
        inventory: what there is.
        overlap: how long a replaced client secret stays valid.
    """
    if inventory.staged(CURRENT) is None:
        return "the secret has no value yet"
    if len(inventory.known) < MOST_SECRETS:
        return None
    ends = overlap_end(inventory, overlap)
    if ends is None:
        ids = " and ".join(each.id for each in inventory.known)
        return f"Cognito keeps two client secrets, {ids}, and neither is the one in the secret"
    other = other_client_secret(inventory)
    return (
        f"Cognito keeps two client secrets, and {other.id if other else ''} stays valid until"
        f" {ends:%Y-%m-%d %H:%M} UTC"
    )


def unexpected_client_secrets(
    inventory: Inventory, deleted_after: timedelta, *, now: datetime
) -> list[str]:
    """Describe the client secrets that Cognito should not have, while no rotation is in progress.

    Args:
        inventory: what there is, with the current client secret.
        deleted_after: the time from a rotation within which the replaced client secret is deleted.
        now: the time.
    """
    current = current_client_secret(inventory)
    if current is None:
        return []
    found = []
    for each in inventory.known:
        if each == current:
            continue
        if each in inventory.unlabelled and each != inventory.original:
            found.append(
                f"the client secret {each.id} was added by hand on {each.created:%Y-%m-%d}: delete"
                " it, or revoke the client's secrets"
            )
        elif now > current.created + deleted_after:
            found.append(
                f"the client secret {each.id} should have been deleted by"
                f" {current.created + deleted_after:%Y-%m-%d %H:%M} UTC"
            )
    return found
