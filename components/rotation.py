"""How clients' secrets are rotated, and the events that the rotation function takes. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """How a client's secret is rotated.

    Attributes:
        days: days from one rotation to the next; 0 for never.
        overlap_hours: hours in which a replaced client secret stays valid.
    """

    days: int
    overlap_hours: int

    @property
    def longest_overlap(self) -> int | None:
        """The longest overlap that ends before the next rotation, in hours; None for any.

        Cognito keeps two client secrets, so the replaced one has to be gone by then. Secrets
        Manager may rotate at any time of the day that is due, and the function deletes a replaced
        secret within an hour after its overlap.
        """
        return (self.days - 1) * 24 - 1 if self.days else None


def publish_event(
    *,
    secret_arn: str,
    client_id: str,
    token_url: str,
    mcp_url: str,
    scopes: Sequence[str],
    enabled: bool,
) -> str:
    """Return the event that makes a secret hold a client's credentials.

    Args:
        scopes: full names.
        enabled: whether Cognito issues tokens to the client, so that its secret can be tested.
    """
    return _json(
        {
            "publish": secret_arn,
            "clientId": client_id,
            "tokenUrl": token_url,
            "mcpUrl": mcp_url,
            "scopes": list(scopes),
            "enabled": enabled,
        }
    )


def retire_event(overlap_hours: Mapping[str, int]) -> str:
    """Return the event that deletes replaced client secrets after their overlap.

    Args:
        overlap_hours: the overlap of each secret, by the secret's ARN.
    """
    return _json(
        {"retire": [{"secret": arn, "overlapHours": hours} for arn, hours in overlap_hours.items()]}
    )


def _json(event: Mapping[str, Any]) -> str:
    # Without spaces: EventBridge limits the length.
    return json.dumps(event, separators=(",", ":"))
